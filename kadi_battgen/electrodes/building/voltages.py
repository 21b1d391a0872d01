"""From the energies and volumes of both ends to the six functional properties.

Definitions are those of pymatgen's ``InsertionElectrode`` (and so of the Materials Project): the average voltage is
-(E_discharged - E_charged - n E_metal) / (n z) for n ions of charge z (Aydinol et al., Phys. Rev. B 56, 1354 (1997)),
capacities and energies are normalised by the mass and volume of the discharged phase, and the volume change is the larger
volume of the host over the smaller, less one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

from kadi_battgen.electrodes.building.candidates import element_counts, without
from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL, SECOND_MODEL
from kadi_battgen.electrodes.composition import theoretical_gravimetric_capacity
from kadi_battgen.electrodes.electrode import CrystalStructure, FunctionalPropertyValues
from kadi_battgen.electrodes.properties import WORKING_ION_CHARGES

_DECIMALS = 5


@dataclass(frozen=True)
class Ends:
    """Both ends of an electrode over one host, in whole numbers of atoms.

    Attributes
    ----------
    charge, discharge
        Element counts of one common formula unit.
    discharge_cells
        Formula units in the cell of the discharged crystal.
    charge_cells
        Formula units in the cell of the charged crystal; both may be fractions.
    """

    charge: dict[str, int]
    discharge: dict[str, int]
    discharge_cells: float
    charge_cells: float

    def ions(self, working_ion: str) -> int:
        """Working ions that leave a formula unit on charging."""
        return self.discharge[working_ion] - self.charge.get(working_ion, 0)


def common_ends(charge: dict[str, int], discharge: dict[str, int], working_ion: str) -> Ends:
    """Write both compositions over the smallest common host with whole numbers of atoms.

    Parameters
    ----------
    charge, discharge
        Element counts of the two cells.
    working_ion
        Symbol of the ion that is not part of the host.

    Raises
    ------
    ValueError
        If the hosts differ.
    """
    hosts = [{e: n for e, n in counts.items() if e != working_ion} for counts in (charge, discharge)]
    units = [gcd(*host.values()) for host in hosts]
    if {e: n // units[0] for e, n in hosts[0].items()} != {e: n // units[1] for e, n in hosts[1].items()}:
        raise ValueError(f"{charge} and {discharge} are not two states of one host")
    # In a supercell holding units[0] * units[1] reduced hosts all counts are whole.
    scaled_charge = {e: n * units[1] for e, n in charge.items()}
    scaled_discharge = {e: n * units[0] for e, n in discharge.items()}
    divisor = gcd(*scaled_charge.values(), *scaled_discharge.values())
    return Ends(
        charge={e: n // divisor for e, n in scaled_charge.items()},
        discharge={e: n // divisor for e, n in scaled_discharge.items()},
        discharge_cells=divisor / units[0],
        charge_cells=divisor / units[1],
    )


def formula(counts: dict[str, int]) -> str:
    """Plain formula by electronegativity, e.g. ``LiFePO4``, ``Mn2O4``; counts are not reduced."""
    from pymatgen.core import Element

    ordered = sorted(counts, key=lambda e: (Element(e).X, e))
    return "".join(e + (str(counts[e]) if counts[e] != 1 else "") for e in ordered if counts[e])


def average_voltage(discharge: float, charge: float, metal: float, ions: int, working_ion: str) -> float:
    """Average voltage in V against the metal of the working ion.

    Parameters
    ----------
    discharge, charge
        Energies of both ends for one common formula unit, eV.
    metal
        Energy of the working-ion metal from the same model, eV/atom.
    ions
        Ions transferred for the formula unit.
    working_ion
        Symbol of the ion.
    """
    return -(discharge - charge - ions * metal) / (ions * WORKING_ION_CHARGES[working_ion])


def volume_change(discharge: float, charge: float) -> float:
    """Larger host volume over the smaller, less one (a fraction), for volumes of one common formula unit."""
    return max(discharge, charge) / min(discharge, charge) - 1.0


def functional_properties(
    ends: Ends, working_ion: str, voltage: float, change: float, structure: CrystalStructure
) -> FunctionalPropertyValues:
    """Six properties that agree with each other and with the (rounded) structure.

    Parameters
    ----------
    ends
        Compositions of both ends.
    working_ion
        Symbol of the ion.
    voltage
        Average voltage, V.
    change
        Volume change, a fraction.
    structure
        Discharged crystal as it is written; its density gives the volumetric values.
    """
    capacity = theoretical_gravimetric_capacity(formula(ends.discharge), working_ion, ends.ions(working_ion))
    voltage = round(voltage, 6)
    capacity = round(capacity, 6)
    volumetric = round(capacity * structure.density, 6)
    return FunctionalPropertyValues(
        average_voltage=voltage,
        gravimetric_capacity=capacity,
        volumetric_capacity=volumetric,
        gravimetric_energy=round(voltage * capacity, 6),
        volumetric_energy=round(voltage * volumetric, 6),
        volume_change=round(change, 6),
    )


def structure_of(description: dict[str, Any]) -> CrystalStructure:
    """Round a crystal for the file."""
    return CrystalStructure(
        lattice=_rounded(description["lattice"]),
        species=tuple(description["species"]),
        fractional_coordinates=_rounded(description["fractional_coordinates"]),
    )


def _rounded(rows: list[list[float]]) -> Any:
    return tuple(tuple(round(float(x), _DECIMALS) + 0.0 for x in row) for row in rows)


def record_ends(record: dict[str, Any]) -> Ends:
    """Compositions of both ends of a computed record."""
    candidate = record["candidate"]
    charge = candidate["charge"] or without(candidate["discharge"], candidate["removed"])
    return common_ends(element_counts(charge), element_counts(candidate["discharge"]), candidate["working_ion"])


def model_voltage(record: dict[str, Any], model: str, metals: dict[str, dict[str, float]]) -> float | None:
    """Average voltage of a record with one model, V; None where that model has no converged pair of ends.

    Parameters
    ----------
    record
        What `relaxation.compute` returned.
    model
        Name of the potential.
    metals
        Energies of the metals for each model, eV/atom.
    """
    results = record["models"].get(model)
    if results is None or not (results["discharge"]["converged"] and results["charge"]["converged"]):
        return None
    ion = record["candidate"]["working_ion"]
    ends = record_ends(record)
    return average_voltage(
        results["discharge"]["energy"] / ends.discharge_cells,
        results["charge"]["energy"] / ends.charge_cells,
        metals[model][ion],
        ends.ions(ion),
        ion,
    )


def model_volume_change(record: dict[str, Any], model: str) -> float:
    """Volume change of a record with one model, a fraction."""
    results, ends = record["models"][model], record_ends(record)
    return volume_change(
        results["discharge"]["volume"] / ends.discharge_cells, results["charge"]["volume"] / ends.charge_cells
    )


def voltage_spread(record: dict[str, Any], metals: dict[str, dict[str, float]]) -> float | None:
    """Absolute difference of both models' voltages, V; None where one is missing."""
    voltages = [model_voltage(record, model, metals) for model in (LABEL_MODEL, SECOND_MODEL)]
    if voltages[0] is None or voltages[1] is None:
        return None
    return abs(voltages[0] - voltages[1])
