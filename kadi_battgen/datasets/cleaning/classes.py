"""The chemical class of an electrode, as far as its formula tells."""

from __future__ import annotations

from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.errors import UserError

#: Classes by the elements that make them, the first that fits; polyanions go before simple anions.
_CLASSES = (
    ("phosphate", {"P", "O"}),
    ("sulfate", {"S", "O"}),
    ("silicate", {"Si", "O"}),
    ("borate", {"B", "O"}),
    ("carbonate", {"C", "O"}),
    ("oxyfluoride", {"O", "F"}),
    ("oxide", {"O"}),
    ("fluoride", {"F"}),
    ("sulfide", {"S"}),
    ("selenide", {"Se"}),
    ("chloride", {"Cl"}),
    ("nitride", {"N"}),
)

#: Name of the column.
CHEMICAL_CLASS = "chemical_class"


def chemical_class(formula: str) -> str:
    """Return the class of a formula: a polyanion, an anion, or ``other`` (alloys and what is rare).

    The elements decide, not the structure: an oxide that happens to hold phosphorus counts as a phosphate.
    """
    try:
        elements = parse_formula(formula).keys() if formula else set()
    except UserError:
        return "other"
    return next((name for name, needed in _CLASSES if needed <= elements), "other")
