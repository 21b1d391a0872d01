"""Units of table columns: which functional property a unit belongs to, and what turns its values into ours."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from types import MappingProxyType

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS


@dataclass(frozen=True)
class Unit:
    """A unit that a column may have.

    Attributes
    ----------
    property
        Functional property that is measured in it.
    factor
        What a value in this unit is multiplied by to have the property's own unit.
    reference
        Working ion that the unit names, as in ``V vs Li/Li+`` or ``eV/Na``; it holds for no other ion.
    per_ion
        Whether it is an energy per ion, which is divided by the charge number of the ion to give a voltage.
    monovalent_only
        Whether it is clear for ions of charge number 1 alone: a bare eV may be meant per ion or per electron.
    """

    property: str
    factor: float
    reference: str | None = None
    per_ion: bool = False
    monovalent_only: bool = False


# Charge in mAh and energy in Wh per unit, mass in g and volume in cm^3 of the denominator.
_CHARGES = {"mah": 1.0, "ah": 1e3, "c": 1 / 3.6, "kc": 1e3 / 3.6}
_ENERGIES = {"wh": 1.0, "mwh": 1e-3, "kwh": 1e3, "j": 1 / 3600, "kj": 1 / 3.6, "MJ": 1e3 / 3.6}
_MASSES = {"g": 1.0, "gram": 1.0, "mg": 1e-3, "kg": 1e3, "kilogram": 1e3}
_VOLUMES = {"cm3": 1.0, "cc": 1.0, "ccm": 1.0, "ml": 1.0, "l": 1e3, "dm3": 1e3, "liter": 1e3, "litre": 1e3, "m3": 1e6}

_VOLTAGES = {"v": 1.0, "volt": 1.0, "volts": 1.0, "mv": 1e-3}
_FRACTIONS = {"fraction": 1.0, "1": 1.0, "dimensionless": 1.0, "unitless": 1.0}
_PER_CENT = {"%": 0.01, "percent": 0.01, "per cent": 0.01, "pct": 0.01}

_RECIPROCAL = re.compile(r"(.+?)\s*(kg|mg|g|cm|dm|m|ml|l)\s*-\s*([13])", re.IGNORECASE)
_REFERENCED = re.compile(r"(.+?)\s+(?:vs\.?|versus|against)\s+(.+)", re.IGNORECASE)

#: Units that are accepted, as an error lists them.
ACCEPTED = MappingProxyType(
    {
        "average_voltage": "V, mV, eV/ion, eV/e",
        "gravimetric_capacity": "mAh/g, Ah/kg, Ah/g, C/g",
        "volumetric_capacity": "mAh/cm^3, Ah/L, mAh/L, C/cm^3",
        "gravimetric_energy": "Wh/kg, kWh/kg, mWh/g, J/g, kJ/kg, MJ/kg",
        "volumetric_energy": "Wh/L, kWh/L, mWh/cm^3, J/cm^3, MJ/L",
        "volume_change": "fraction, %",
    }
)


def parse_unit(text: str) -> Unit | None:
    """Return what a unit means, None if it is not known.

    Parameters
    ----------
    text
        The unit as people write it: ``mAh/g``, ``mAh g-1``, ``mAh·g⁻¹``, ``mAh_per_g``, ``%``, ``V vs Li/Li+``, ``eV/ion``.
        Capital letters make no difference, but for the M of a megajoule.
    """
    plain = _plain(text)
    small = plain.lower()
    if small in _FRACTIONS | _PER_CENT:
        return Unit("volume_change", (_FRACTIONS | _PER_CENT)[small])
    return _voltage(plain) or _ratio(plain)


def property_unit(name: str) -> Unit:
    """Return the property's own unit, in which a column without one is taken to be."""
    return Unit(name, 1.0)


def unit_text(name: str) -> str:
    """Return how the property's own unit is written."""
    return FUNCTIONAL_PROPERTIES[name].unit


def _plain(text: str) -> str:
    """Return a unit with one way of writing for powers, products and minus signs."""
    plain = unicodedata.normalize("NFKC", text)
    for written, meant in (("−", "-"), ("–", "-"), ("·", " "), ("⋅", " "), ("*", " "), ("^", ""), ("_", " ")):
        plain = plain.replace(written, meant)
    plain = re.sub(r"(?i)\bper\b(?!\s*cent)", "/", plain)
    return re.sub(r"\s+", " ", plain).strip()


def _voltage(plain: str) -> Unit | None:
    reference = None
    match = _REFERENCED.fullmatch(plain)
    if match is not None:
        reference = _reference(match[2])
        if reference is None:
            return None
        plain = match[1]
    small = plain.lower().replace(" ", "")
    if small in _VOLTAGES:
        return Unit("average_voltage", _VOLTAGES[small], reference or None)
    if match is not None:
        return None
    if small == "ev":
        return Unit("average_voltage", 1.0, monovalent_only=True)
    if small in ("ev/e", "ev/e-", "ev/electron"):
        return Unit("average_voltage", 1.0)
    if small == "ev/ion":
        return Unit("average_voltage", 1.0, per_ion=True)
    ions = {f"ev/{ion.lower()}": ion for ion in WORKING_IONS}
    return Unit("average_voltage", 1.0, ions[small], per_ion=True) if small in ions else None


def _reference(text: str) -> str | None:
    """Return the working ion of a reference electrode, an empty text for the ion's own metal, None for any other."""
    if text.lower() in ("metal", "the metal", "ion metal", "working ion", "working ion metal", "m/m+"):
        return ""
    symbols = set(re.findall(r"[A-Za-z]+", text))
    known = {symbol for symbol in symbols if symbol in WORKING_IONS}
    return known.pop() if len(known) == 1 and symbols - known <= {"metal"} else None


def _ratio(plain: str) -> Unit | None:
    """Return the unit of a charge or an energy per mass or volume."""
    above, slash, below = plain.partition("/")
    if not slash:
        match = _RECIPROCAL.fullmatch(plain) or re.fullmatch(r"(\S+) (\S+?)()", plain)
        if match is None:
            return None
        above, below = match[1], match[2].lower()
        # A power of -1 or -3 belongs to a length as 3 and to all others as 1.
        if match[3] and (below in ("cm", "dm", "m")) != (match[3] == "3"):
            return None
        below += "3" if match[3] == "3" else ""
    above, below = re.sub(r"[\s.-]", "", above), re.sub(r"[\s.()]", "", below).lower()
    # Milli- and megajoule differ in the capital alone.
    above = above if above == "MJ" else above.lower()
    for numerators, denominators, name in (
        (_CHARGES, _MASSES, "gravimetric_capacity"),
        (_CHARGES, _VOLUMES, "volumetric_capacity"),
        (_ENERGIES, _MASSES, "gravimetric_energy"),
        (_ENERGIES, _VOLUMES, "volumetric_energy"),
    ):
        if above in numerators and below in denominators:
            # Capacities are per g and cm^3, energies per kg and L.
            amount = 1e3 if numerators is _ENERGIES else 1.0
            return Unit(name, numerators[above] * amount / denominators[below])
    return None
