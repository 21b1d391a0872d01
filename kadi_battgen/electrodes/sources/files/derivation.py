"""Missing values that follow exactly from the others; nothing else is filled in."""

from __future__ import annotations

from collections.abc import Mapping

from kadi_battgen.electrodes.composition import parse_formula, theoretical_gravimetric_capacity
from kadi_battgen.electrodes.electrode import CrystalStructure
from kadi_battgen.electrodes.properties import WORKING_ION_CHARGES

#: What each derived value follows from, for metadata and the method of a row.
ORIGINS: Mapping[str, str] = {
    "average_voltage": "energy over capacity",
    "gravimetric_capacity": "the two formulas",
    "volumetric_capacity": "gravimetric capacity times density of the discharge structure",
    "gravimetric_energy": "voltage times capacity",
    "volumetric_energy": "voltage times capacity",
}

_PAIRS = (("gravimetric_energy", "gravimetric_capacity"), ("volumetric_energy", "volumetric_capacity"))


def derive_values(
    values: Mapping[str, float],
    working_ion: str,
    formula_charge: str,
    formula_discharge: str,
    structure: CrystalStructure,
) -> dict[str, float]:
    """Return the functional properties that are missing and follow from the others.

    Used are V Q = E (gravimetric and volumetric), the capacity of the two formulas, Q = n z F / (3.6 M), and that the
    volumetric capacity is the gravimetric one times the density of the discharged phase. A volume change follows from
    nothing here: the two ends alone do not tell what happens between them.

    Parameters
    ----------
    values
        The known properties in their own units.
    working_ion, formula_charge, formula_discharge
        Ion and ends of the electrode.
    structure
        The discharged phase.
    """
    known = dict(values)
    if "gravimetric_capacity" not in known:
        capacity = _capacity(working_ion, formula_charge, formula_discharge)
        known |= {} if capacity is None else {"gravimetric_capacity": capacity}
    if "volumetric_capacity" not in known and "gravimetric_capacity" in known:
        known["volumetric_capacity"] = known["gravimetric_capacity"] * structure.density
    for energy, capacity_name in _PAIRS:
        if "average_voltage" not in known and known.get(capacity_name) and energy in known:
            known["average_voltage"] = known[energy] / known[capacity_name]
    for energy, capacity_name in _PAIRS:
        if energy not in known and "average_voltage" in known and capacity_name in known:
            known[energy] = known["average_voltage"] * known[capacity_name]
    return {name: value for name, value in known.items() if name not in values}


def _capacity(working_ion: str, formula_charge: str, formula_discharge: str) -> float | None:
    """Return the gravimetric capacity in mAh/g of two formulas, None where they are not two ends of one host."""
    charge, discharge = parse_formula(formula_charge), parse_formula(formula_discharge)
    host = next((symbol for symbol in discharge if symbol != working_ion and symbol in charge), None)
    if host is None or working_ion not in WORKING_ION_CHARGES:
        return None
    left = charge.get(working_ion, 0.0) * discharge[host] / charge[host]
    transferred = discharge.get(working_ion, 0.0) - left
    return theoretical_gravimetric_capacity(formula_discharge, working_ion, transferred) if transferred > 0 else None
