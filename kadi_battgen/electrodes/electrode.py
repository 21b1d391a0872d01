"""What an electrode is: two formulas, a working ion, six functional properties, a structure and its origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kadi_battgen.electrodes.composition import (
    composition_vector,
    molar_mass,
    parse_formula,
    theoretical_gravimetric_capacity,
)
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_ION_CHARGES
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Relative tolerances of the invariants: energies from capacities, capacity from formulas, density from the structure.
ENERGY_TOLERANCE = 0.005
CAPACITY_TOLERANCE = 0.005
DENSITY_TOLERANCE = 0.03

_GRAMS_PER_CUBIC_CENTIMETRE = 1.66053906660  # of one u per cubic Angstrom


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FunctionalPropertyValues(_Frozen):
    """The six functional properties; names and units as in :mod:`kadi_battgen.electrodes.properties`."""

    average_voltage: float = Field(description="V against the metal of the working ion")
    gravimetric_capacity: float = Field(gt=0, description="mAh/g of the discharged phase")
    volumetric_capacity: float = Field(gt=0, description="mAh/cm^3 of the discharged phase")
    gravimetric_energy: float = Field(description="Wh/kg of the discharged phase")
    volumetric_energy: float = Field(description="Wh/L of the discharged phase")
    volume_change: float = Field(ge=0, description="largest relative change of volume, as a fraction")

    def as_vector(self) -> np.ndarray:
        """Return the six values as float64, shape (6,), in the order of ``FUNCTIONAL_PROPERTIES``."""
        return np.array([getattr(self, name) for name in FUNCTIONAL_PROPERTIES])


class CrystalStructure(_Frozen):
    """A periodic crystal: lattice vectors as rows in Angstrom, element symbols, fractional coordinates."""

    lattice: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    species: tuple[str, ...] = Field(min_length=1)
    fractional_coordinates: tuple[tuple[float, float, float], ...]

    @model_validator(mode="after")
    def _check_shape(self) -> Self:
        if len(self.species) != len(self.fractional_coordinates):
            raise ValueError(
                f"{len(self.species)} species but {len(self.fractional_coordinates)} coordinates: give one of each"
            )
        if self.volume < 1.0:
            raise ValueError(f"lattice spans {self.volume:.3g} cubic Angstrom: check the lattice vectors")
        return self

    @property
    def volume(self) -> float:
        """Cell volume in cubic Angstrom."""
        return float(abs(np.linalg.det(np.array(self.lattice))))

    @property
    def amounts(self) -> dict[str, int]:
        """Number of atoms of each element in the cell."""
        return {symbol: self.species.count(symbol) for symbol in dict.fromkeys(self.species)}

    @property
    def density(self) -> float:
        """Mass density in g/cm^3."""
        formula = "".join(f"{symbol}{count}" for symbol, count in self.amounts.items())
        return molar_mass(formula) / self.volume * _GRAMS_PER_CUBIC_CENTIMETRE

    def to_pymatgen(self) -> Structure:
        """Return the structure as pymatgen's ``Structure``."""
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.species, self.fractional_coordinates)

    @classmethod
    def from_pymatgen(cls, structure: Structure, decimals: int = 5) -> Self:
        """Take over an ordered pymatgen structure, rounded to `decimals` places.

        Raises
        ------
        UserError
            If a site is partially occupied.
        """
        if not structure.is_ordered:
            raise UserError(f"{structure.formula} has partially occupied sites: give an ordered structure.")
        return cls(
            lattice=np.round(structure.lattice.matrix, decimals).tolist(),
            species=tuple(site.specie.symbol for site in structure),
            fractional_coordinates=np.round(structure.frac_coords, decimals).tolist(),
        )


class Electrode(_Frozen):
    """One insertion electrode.

    Attributes
    ----------
    id
        Unique within a collection.
    working_ion
        Symbol of the ion that moves, one of ``WORKING_IONS``.
    formula_charge, formula_discharge
        The charged and the discharged end, written over the same host (``FePO4`` and ``LiFePO4``).
    properties
        The six functional properties.
    structure
        Crystal structure of the discharged end.
    source, source_id
        Where the electrode comes from, and its name there.
    method
        How the energies behind the voltage were obtained.
    voltage_spread
        Absolute difference in V between the voltages of two potentials, where two were used.
    framework
        Structure family or prototype, where known.
    """

    id: str = Field(min_length=1)
    working_ion: str
    formula_charge: str
    formula_discharge: str
    properties: FunctionalPropertyValues
    structure: CrystalStructure
    source: str
    source_id: str
    method: str
    voltage_spread: float | None = Field(default=None, ge=0, description="V")
    framework: str | None = None

    @field_validator("working_ion")
    @classmethod
    def _check_ion(cls, symbol: str) -> str:
        if symbol not in WORKING_ION_CHARGES:
            raise ValueError(f"{symbol!r} is not a working ion: choose from {', '.join(WORKING_ION_CHARGES)}")
        return symbol

    @model_validator(mode="after")
    def _check_invariants(self) -> Self:
        problems = broken_invariants(self)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def ions_transferred(self) -> float:
        """Working ions that leave per formula of the discharged phase (as written) on charging."""
        charge, discharge = parse_formula(self.formula_charge), parse_formula(self.formula_discharge)
        host = next(symbol for symbol in discharge if symbol != self.working_ion)
        scale = discharge[host] / charge[host]
        return discharge[self.working_ion] - charge.get(self.working_ion, 0.0) * scale

    @property
    def composition(self) -> np.ndarray:
        """Composition vector of the reduced discharge formula, float32, shape (112,)."""
        from pymatgen.core import Composition

        reduced, _ = Composition(parse_formula(self.formula_discharge)).get_reduced_composition_and_factor()
        return composition_vector({str(symbol): float(n) for symbol, n in reduced.get_el_amt_dict().items()})

    @property
    def chemical_system(self) -> str:
        """Elements of the discharged phase, sorted and joined with hyphens."""
        return "-".join(sorted(parse_formula(self.formula_discharge)))


def broken_invariants(electrode: Electrode) -> list[str]:
    """Return what contradicts itself in an electrode, one phrase each; empty if all is well.

    Checked are: the working ion is in the discharged phase and leaves on charging; both formulas have the same host;
    the structure has the discharge composition; V Q = E for gravimetric and volumetric values; the gravimetric
    capacity follows from the formulas; and Q_vol / Q_grav is the density of the discharge structure.
    """
    ion, values = electrode.working_ion, electrode.properties
    charge, discharge = parse_formula(electrode.formula_charge), parse_formula(electrode.formula_discharge)
    if not discharge.get(ion):
        return [f"formula_discharge {electrode.formula_discharge} holds no {ion}: check the working ion"]
    hosts = [{symbol: n for symbol, n in amounts.items() if symbol != ion} for amounts in (charge, discharge)]
    if not hosts[1] or not _proportional(*hosts):
        return [f"{electrode.formula_charge} and {electrode.formula_discharge} do not share one host"]
    if electrode.ions_transferred <= 0:
        return [f"no {ion} leaves between {electrode.formula_discharge} and {electrode.formula_charge}"]
    problems = []
    cell = {symbol: float(count) for symbol, count in electrode.structure.amounts.items()}
    if not _proportional(cell, discharge):
        problems.append(f"the structure's composition {cell} is not {electrode.formula_discharge}")
    capacity = theoretical_gravimetric_capacity(electrode.formula_discharge, ion, electrode.ions_transferred)
    comparisons = (
        ("gravimetric_capacity", "mAh/g", values.gravimetric_capacity, capacity, CAPACITY_TOLERANCE),
        (
            "gravimetric_energy",
            "Wh/kg",
            values.gravimetric_energy,
            values.average_voltage * values.gravimetric_capacity,
            ENERGY_TOLERANCE,
        ),
        (
            "volumetric_energy",
            "Wh/L",
            values.volumetric_energy,
            values.average_voltage * values.volumetric_capacity,
            ENERGY_TOLERANCE,
        ),
        (
            "volumetric_capacity",
            "mAh/cm^3",
            values.volumetric_capacity,
            values.gravimetric_capacity * electrode.structure.density,
            DENSITY_TOLERANCE,
        ),
    )
    problems += [
        f"{name} is {value:.6g} {unit} but {expected:.6g} {unit} follows from the other values"
        for name, unit, value, expected, tolerance in comparisons
        if abs(value - expected) > tolerance * max(abs(expected), 1e-3)
    ]
    return problems


def _proportional(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    if first.keys() != second.keys():
        return False
    ratios = np.array([first[symbol] / second[symbol] for symbol in first])
    return bool(np.allclose(ratios, ratios[0], rtol=1e-4))
