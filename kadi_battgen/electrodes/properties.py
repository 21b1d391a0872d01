"""The functional properties of an electrode and the working ions, each named and given its unit once.

Definitions follow the Materials Project's insertion electrodes: gravimetric and volumetric values are normalised by the
mass and the volume of the discharged phase, and the volume change is a fraction (0.072 is 7.2 %).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from kadi_battgen.errors import UserError


@dataclass(frozen=True)
class FunctionalProperty:
    """One functional property of an electrode.

    Attributes
    ----------
    name
        Identifier, the same in Python, in tables and (with hyphens) in command options.
    unit
        Unit as written in columns and on axes; ``fraction`` for dimensionless shares.
    label
        What stands on an axis or in a table's head.
    description
        One sentence for option helps and metadata.
    """

    name: str
    unit: str
    label: str
    description: str

    @property
    def axis_label(self) -> str:
        """Label with unit, for axes and table heads."""
        return f"{self.label} / {self.unit}" if self.unit != "fraction" else f"{self.label} (fraction)"

    @property
    def column(self) -> str:
        """Column name with unit, for CSV files."""
        unit = self.unit.replace("^", "").replace("/", "_per_")
        return f"{self.name}_{unit}"


_PROPERTIES = (
    FunctionalProperty(
        "average_voltage", "V", "Average voltage", "Average voltage against the metal of the working ion"
    ),
    FunctionalProperty(
        "gravimetric_capacity",
        "mAh/g",
        "Gravimetric capacity",
        "Charge stored per mass of the discharged phase",
    ),
    FunctionalProperty(
        "volumetric_capacity",
        "mAh/cm^3",
        "Volumetric capacity",
        "Charge stored per volume of the discharged phase",
    ),
    FunctionalProperty(
        "gravimetric_energy", "Wh/kg", "Gravimetric energy", "Energy stored per mass of the discharged phase"
    ),
    FunctionalProperty(
        "volumetric_energy", "Wh/L", "Volumetric energy", "Energy stored per volume of the discharged phase"
    ),
    FunctionalProperty(
        "volume_change",
        "fraction",
        "Volume change",
        "Largest relative change of volume between charge and discharge",
    ),
)

#: The six functional properties by name, in the order in which they condition the generative models.
FUNCTIONAL_PROPERTIES = MappingProxyType({entry.name: entry for entry in _PROPERTIES})

#: The ten working ions of the thesis with the charge number of each ion.
WORKING_ION_CHARGES = MappingProxyType(
    {"Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Mg": 2, "Ca": 2, "Zn": 2, "Al": 3, "Y": 3}
)

#: The working ions in the order of their one-hot code.
WORKING_IONS = tuple(WORKING_ION_CHARGES)

#: Faraday constant in mAh/mol (exact since the SI of 2019: 96485.33212 C/mol / 3.6).
FARADAY_MAH_PER_MOL = 96485.33212 / 3.6


def check_working_ion(symbol: str) -> str:
    """Return `symbol` if it is one of the ten working ions.

    Raises
    ------
    UserError
        If it is not.
    """
    if symbol not in WORKING_ION_CHARGES:
        raise UserError(f"Working ion {symbol!r} is not known: choose from {', '.join(WORKING_IONS)}.")
    return symbol


def check_property(name: str) -> FunctionalProperty:
    """Return the functional property called `name`.

    Raises
    ------
    UserError
        If there is none.
    """
    if name not in FUNCTIONAL_PROPERTIES:
        raise UserError(f"Functional property {name!r} is not known: choose from {', '.join(FUNCTIONAL_PROPERTIES)}.")
    return FUNCTIONAL_PROPERTIES[name]
