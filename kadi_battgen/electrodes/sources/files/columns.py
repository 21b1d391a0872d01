"""Recognise the columns of a table by name and unit, as different people and databases write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_ION_CHARGES
from kadi_battgen.electrodes.sources.files.units import ACCEPTED, Unit, parse_unit, property_unit, unit_text
from kadi_battgen.errors import UserError

#: Fields beside the functional properties, with the names that columns have for them.
_FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "electrode id", "battery id", "batt id", "identifier", "electrode"),
    "structure": (
        *("structure", "structure file", "structure discharge", "discharge structure", "discharged structure"),
        *("id discharge", "discharge id", "structure id", "material id", "mp id"),
        *("file", "file name", "path", "cif", "cif file", "poscar"),
    ),
    "structure_charge": ("structure charge", "charge structure", "charged structure", "id charge", "charge id"),
    "working_ion": ("working ion", "ion", "mobile ion", "active ion", "carrier ion", "charge carrier"),
    "formula_charge": ("formula charge", "charge formula", "charged formula", "formula charged"),
    "formula_discharge": ("formula discharge", "discharge formula", "discharged formula", "formula discharged"),
    "method": ("method", "calculation method", "functional"),
    "framework": ("framework", "structure family", "prototype", "structure type"),
    "source": ("source", "database"),
    "source_id": ("source id", "database id"),
}

_PROPERTY_NAMES: Mapping[str, tuple[str, ...]] = {
    "average_voltage": (
        *(
            "average voltage",
            "voltage",
            "avg voltage",
            "mean voltage",
            "voltage average",
            "voltage avg",
            "voltage mean",
        ),
        *("working voltage", "operating voltage", "cell voltage", "intercalation voltage", "insertion voltage"),
        *("equilibrium voltage", "average discharge voltage", "average potential"),
    ),
    "gravimetric_capacity": (
        *("gravimetric capacity", "capacity grav", "grav capacity", "capacity gravimetric", "specific capacity"),
        "theoretical gravimetric capacity",
    ),
    "volumetric_capacity": (
        *("volumetric capacity", "capacity vol", "vol capacity", "capacity volumetric", "capacity density"),
        "theoretical volumetric capacity",
    ),
    "gravimetric_energy": (
        *("gravimetric energy", "energy grav", "grav energy", "energy gravimetric", "specific energy"),
        *("gravimetric energy density", "energy density gravimetric", "energy density grav"),
    ),
    "volumetric_energy": (
        *("volumetric energy", "energy vol", "vol energy", "energy volumetric"),
        *("volumetric energy density", "energy density volumetric", "energy density vol"),
    ),
    "volume_change": (
        *("volume change", "max delta volume", "delta volume", "max volume change", "maximum volume change"),
        *("relative volume change", "volumetric change", "volume expansion", "volumetric expansion"),
        *("delta v v", "delta v v0", "dv v", "dv v0"),
    ),
    # A difference of two calculated voltages, beside the six.
    "voltage_spread": ("voltage spread",),
}

#: Names that the unit decides about.
_SHARED_NAMES: Mapping[str, tuple[str, ...]] = {
    "capacity": ("gravimetric_capacity", "volumetric_capacity"),
    "theoretical capacity": ("gravimetric_capacity", "volumetric_capacity"),
    "energy": ("gravimetric_energy", "volumetric_energy"),
    "energy density": ("gravimetric_energy", "volumetric_energy"),
}

#: Marks before a unit that say: this is the unit.
_UNIT_MARK = re.compile(r"\s*(?:[(\[{/,%]|in\b)", re.IGNORECASE)

#: What looks like a unit after a name, known or not.
_LIKE_A_UNIT = re.compile(r"/|(\b|_)per(\b|_)|^\S{1,3}$")

_BRACKETS = str.maketrans("[{<", "(((") | str.maketrans("]}>", ")))")


def _key(name: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", name.lower()))


_KNOWN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {_key(name): (field,) for field, names in {**_FIELD_NAMES, **_PROPERTY_NAMES}.items() for name in names}
    | {_key(name): fields for name, fields in _SHARED_NAMES.items()}
)


@dataclass(frozen=True)
class Column:
    """A recognised column.

    Attributes
    ----------
    header
        How the table calls it.
    field
        Field of an electrode or functional property that it holds.
    unit
        Unit of a functional property, None for a text.
    written
        The unit as the table has it; empty where it has none.
    """

    header: str
    field: str
    unit: Unit | None = None
    written: str = ""

    def describe(self) -> str:
        """Return how the column is understood, as half a line."""
        if self.unit is None:
            return f"{self.header!r} is {self.field}"
        own = unit_text(self.unit.property)
        if not self.written:
            return f"{self.header!r} is {self.field}, without a unit and taken as {own}"
        factor = "" if self.unit.factor == 1.0 else f", times {self.unit.factor:.6g} gives {own}"
        per_ion = ", divided by the charge number of the ion" if self.unit.per_ion else ""
        return f"{self.header!r} is {self.field} in {self.written}{factor}{per_ion}"

    def convert(self, value: float, ion: str) -> float:
        """Return a value in the property's own unit.

        Parameters
        ----------
        value
            As the table has it.
        ion
            Symbol of the row's working ion.

        Raises
        ------
        UserError
            If the unit does not fit the working ion.
        """
        if self.unit is None:
            return value
        if self.unit.reference not in (None, ion):
            raise UserError(
                f"column {self.header!r} is against {self.unit.reference} but the working ion is {ion}: convert the voltage"
            )
        charge = WORKING_ION_CHARGES.get(ion, 1)
        if self.unit.monovalent_only and charge > 1:
            raise UserError(f"a bare eV says nothing for {ion} of charge {charge}: name the unit eV/ion or eV/e")
        return value * self.unit.factor / (charge if self.unit.per_ion else 1)


@dataclass(frozen=True)
class ColumnMap:
    """The recognised columns of a table.

    Attributes
    ----------
    columns
        Recognised columns by field.
    ignored
        Headers of all others.
    """

    columns: Mapping[str, Column]
    ignored: tuple[str, ...] = ()

    def __contains__(self, field: str) -> bool:
        return field in self.columns

    def describe(self) -> list[str]:
        """Return how the table is understood, one phrase a column."""
        return [column.describe() for column in self.columns.values()]


def recognised_count(headers: Iterable[str]) -> int:
    """Return how many headers begin with a known name, whatever their units."""
    return sum(_split(header) is not None for header in headers)


def recognise(headers: Sequence[str], where: str) -> ColumnMap:
    """Return which column holds what.

    Names are compared without regard to capital letters and punctuation. A unit follows in brackets, after a slash or as
    the last words (``average_voltage_V``, ``Gravimetric capacity [mAh/g]``, ``specific energy Wh/kg``); without one the
    values are taken to have the unit of the Materials Project, which is that of :data:`FUNCTIONAL_PROPERTIES`.

    Parameters
    ----------
    headers
        Names of the columns in their order.
    where
        Name of the table, for errors.

    Raises
    ------
    UserError
        If a unit is unknown, a name could mean two properties, or two columns hold the same.
    """
    columns: dict[str, Column] = {}
    ignored: list[str] = []
    for header in headers:
        split = _split(header)
        column = None if split is None else _column(header, *split, where)
        if column is None:
            ignored.append(header)
            continue
        if column.field in columns:
            raise UserError(
                f"{where}: columns {columns[column.field].header!r} and {header!r} both hold {column.field}: keep one of them."
            )
        columns[column.field] = column
    _check_ignored(ignored, columns, where)
    return ColumnMap(columns, tuple(ignored))


def _check_ignored(ignored: Iterable[str], columns: Mapping[str, Column], where: str) -> None:
    """Refuse a table whose column would be needed if only its unit were known."""
    for header in ignored:
        fields, rest = _split(header) or ((), "")
        lacking = [field for field in fields if field not in columns]
        if len(fields) > 1 and lacking and not rest.strip():
            units = " or ".join(unit_text(field) for field in fields)
            raise UserError(f"{where}: column {header!r} may be {' or '.join(fields)}: add the unit, {units}.")
        if len(fields) == 1 and lacking and _measured(fields[0]) is not None and _LIKE_A_UNIT.search(rest.strip(" _")):
            raise _unknown_unit(header, fields, where)


def _split(header: str) -> tuple[tuple[str, ...], str] | None:
    """Return the fields that a header may name and what follows the name, None if it begins with no known name."""
    plain = unicodedata.normalize("NFKC", header).replace("Δ", " delta ").replace("∆", " delta ").translate(_BRACKETS)
    if plain.lstrip().startswith("%"):
        plain = plain.lstrip().removeprefix("%") + " (%)"
    words = list(re.finditer(r"[A-Za-z0-9]+", plain))
    for count in range(len(words), 0, -1):
        fields = _KNOWN.get(_key("".join(word.group() for word in words[:count])))
        if fields is not None:
            return fields, plain[words[count - 1].end() :]
    return None


def _column(header: str, fields: tuple[str, ...], rest: str, where: str) -> Column | None:
    """Return a column with its unit; None where what follows the name is neither a unit nor marked as one."""
    if rest.startswith(")"):
        rest = rest.removeprefix(")")
    text = re.sub(r"^(?:in\b)?[\s_/,:.(-]*", "", rest.strip(" _"), flags=re.IGNORECASE)
    text = text.removesuffix(")").strip(" _") if text.count(")") > text.count("(") else text.strip(" _")
    if not text:
        if len(fields) > 1:
            return None
        measured = _measured(fields[0])
        return Column(header, fields[0], None if measured is None else property_unit(measured))
    if _measured(fields[0]) is None:
        return None
    unit = parse_unit(text)
    field = next((field for field in fields if unit is not None and unit.property == _measured(field)), None)
    if field is not None:
        return Column(header, field, unit, text)
    if unit is not None or (len(fields) == 1 and _UNIT_MARK.match(rest.replace("_", " "))):
        raise _unknown_unit(header, fields, where)
    return None


def _measured(field: str) -> str | None:
    """Return the functional property whose units a field has, None for a text."""
    if field == "voltage_spread":
        return "average_voltage"
    return field if field in FUNCTIONAL_PROPERTIES else None


def _unknown_unit(header: str, fields: Sequence[str], where: str) -> UserError:
    accepted = "; ".join(f"{field} in {ACCEPTED[_measured(field) or field]}" for field in fields)
    return UserError(f"{where}: the unit of column {header!r} is not known: give {accepted}.")
