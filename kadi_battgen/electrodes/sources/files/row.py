"""From one row of a table to an electrode, or to the reason why it is none."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode, FunctionalPropertyValues
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_ION_CHARGES, WORKING_IONS
from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.electrodes.sources.files.columns import ColumnMap
from kadi_battgen.electrodes.sources.files.derivation import ORIGINS, derive_values
from kadi_battgen.electrodes.sources.files.table import TableRow
from kadi_battgen.errors import UserError

#: Method of rows whose table does not tell one.
DEFAULT_METHOD = "as given in the table"

# NA stands for a missing number, but Na is sodium.
_MISSING = ("", "n/a", "null", "none")
_MISSING_NUMBER = (*_MISSING, "na")

#: Beyond this a number is as good as infinite, and products of two would be.
_LARGEST_NUMBER = 1e100

_ION = re.compile(r"([A-Za-z]{1,2})(?:\s*\(?\d*\+\d*\)?)?")

#: Looks up and parses a structure by name.
StructureReader = Callable[[str], CrystalStructure]


class RefusalError(UserError):
    """Why a row is refused.

    Parameters
    ----------
    field
        The field that is wrong.
    kind
        Class of the reason.
    reason
        What is wrong and the way out.
    """

    def __init__(self, field: str, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.kind = field, kind

    def row(self, where: str, identifier: str) -> RefusedRow:
        """Return the refusal of the row at `where`."""
        return RefusedRow(where, identifier, self.field, f"{str(self).rstrip('.')}.", self.kind)


@dataclass(frozen=True)
class RowReader:
    """Reads the rows of one table.

    Attributes
    ----------
    columns
        What each column holds.
    structure
        Looks up and parses a structure by name.
    table
        Name of the table.
    decimal_comma
        Whether numbers are written as 3,45.
    """

    columns: ColumnMap
    structure: StructureReader = field(repr=False)
    table: str
    decimal_comma: bool = False

    def read(self, row: TableRow) -> tuple[Electrode, tuple[str, ...]]:
        """Return the electrode of a row, and the properties that were derived.

        Raises
        ------
        RefusalError
            If a value is missing or wrong, or contradicts the others.
        """
        identifier = self.identifier(row)
        ion = self._ion(row)
        values = {name: self._number(row, name, ion) for name in FUNCTIONAL_PROPERTIES}
        given = {name: value for name, value in values.items() if value is not None}
        structure = self._structure(row, "structure", self.text(row, "structure") or identifier)
        discharge = self.text(row, "formula_discharge") or structure.to_pymatgen().composition.reduced_formula
        charge = self._formula_charge(row)
        try:
            derived = derive_values(given, ion, charge, discharge, structure)
        except UserError as error:
            raise RefusalError("formula_charge", "wrong formula", str(error)) from error
        missing = next((name for name in FUNCTIONAL_PROPERTIES if name not in given and name not in derived), None)
        if missing is not None:
            raise RefusalError(
                missing, "missing value", "the value is missing and does not follow from the others: fill it in"
            )
        method = self.text(row, "method") or DEFAULT_METHOD
        if derived:
            method += "; " + ", ".join(f"{name} from {ORIGINS[name]}" for name in derived)
        document = {
            "id": identifier,
            "working_ion": ion,
            "formula_charge": charge,
            "formula_discharge": discharge,
            "properties": _properties({**given, **derived}),
            "structure": structure,
            "source": self.text(row, "source") or self.table,
            "source_id": self.text(row, "source_id") or identifier,
            "method": method,
            "voltage_spread": self._number(row, "voltage_spread", ion),
            "framework": self.text(row, "framework") or None,
        }
        return _electrode(document), tuple(derived)

    def identifier(self, row: TableRow) -> str:
        """Return the id of a row.

        Raises
        ------
        RefusalError
            If there is none.
        """
        identifier = self.text(row, "id")
        if not identifier:
            raise RefusalError("id", "missing value", "the row has no id: give each electrode one")
        return identifier

    def text(self, row: TableRow, name: str) -> str:
        """Return the text of a field, empty where the row or the table has none."""
        column = self.columns.columns.get(name)
        value = None if column is None else row.values.get(column.header)
        if isinstance(value, list | dict):
            raise RefusalError(name, "wrong value", "the value is a list or an object: give a text")
        text = "" if value is None else unicodedata.normalize("NFC", str(value)).strip()
        return "" if text.lower() in _MISSING else text

    def _ion(self, row: TableRow) -> str:
        text = unicodedata.normalize("NFKC", self.text(row, "working_ion"))
        match = _ION.fullmatch(text)
        symbol = match[1].capitalize() if match else text
        if symbol not in WORKING_ION_CHARGES:
            ions = ", ".join(WORKING_IONS)
            reason = (
                f"{text!r} is not a working ion: choose from {ions}" if text else f"no ion is given: choose from {ions}"
            )
            raise RefusalError("working_ion", "unknown working ion" if text else "missing value", reason)
        return symbol

    def _number(self, row: TableRow, name: str, ion: str) -> float | None:
        """Return a number in the unit of its property, None where it is missing."""
        column = self.columns.columns.get(name)
        value: Any = None if column is None else row.values.get(column.header)
        if column is None or value is None or (isinstance(value, str) and value.strip().lower() in _MISSING_NUMBER):
            return None
        if isinstance(value, str):
            text = value.strip().replace("−", "-")
            if self.decimal_comma:
                text = text.replace(",", ".")
            # Python takes 1_000 for a number, which no table means.
            value = _float(text) if "_" not in text else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            shown = str(row.values.get(column.header))[:60]
            raise RefusalError(
                name, "no number", f"column {column.header!r} holds {shown!r}, which is not a valid number"
            )
        if abs(value) > _LARGEST_NUMBER or math.isnan(value):
            raise RefusalError(
                name, "no number", f"column {column.header!r} holds {str(value)[:60]}, which is not a finite number"
            )
        try:
            return column.convert(float(value), ion)
        except UserError as error:
            raise RefusalError(name, "wrong unit", str(error)) from error

    def _structure(self, row: TableRow, field: str, name: str) -> CrystalStructure:
        try:
            return self.structure(name)
        except UserError as error:
            kind = "structure not found" if isinstance(error, MissingStructureError) else "structure not readable"
            raise RefusalError(field, kind, str(error)) from error

    def structure_names(self, row: TableRow) -> list[str]:
        """Return the structures that reading a row asks for: the discharged one, and the charged one without a formula."""
        names = [self.text(row, "structure") or self.text(row, "id")]
        if not self.text(row, "formula_charge"):
            names.append(self.text(row, "structure_charge"))
        return [name for name in names if name]

    def _formula_charge(self, row: TableRow) -> str:
        formula = self.text(row, "formula_charge")
        if formula:
            return formula
        name = self.text(row, "structure_charge")
        if not name:
            raise RefusalError(
                "formula_charge", "missing value", "neither a formula nor a charged structure is given: give one"
            )
        charged = self._structure(row, "structure_charge", name)
        return str(charged.to_pymatgen().composition.reduced_formula)


class MissingStructureError(UserError):
    """A structure that the library does not have."""


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _properties(values: Mapping[str, float]) -> FunctionalPropertyValues:
    try:
        return FunctionalPropertyValues.model_validate(dict(values))
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        reason = describe_validation(error).removeprefix(f"{name}: ")
        raise RefusalError(
            name, "value out of range", f"{reason}, not {values[name]:.6g}: check value and unit"
        ) from error


def _electrode(document: Mapping[str, Any]) -> Electrode:
    for name in ("formula_charge", "formula_discharge"):
        try:
            parse_formula(document[name])
        except UserError as error:
            raise RefusalError(name, "wrong formula", str(error)) from error
    try:
        return Electrode.model_validate(dict(document))
    except (ValidationError, UserError) as error:
        reason = describe_validation(error)
        first = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
        if first:
            raise RefusalError(str(first[0]), "wrong value", reason.partition(": ")[2]) from error
        raise RefusalError(_field_of(reason), "contradiction", reason) from error


def _field_of(reason: str) -> str:
    """Return the field that a broken invariant is about."""
    name = reason.split(" ", 1)[0]
    if name in FUNCTIONAL_PROPERTIES or name == "formula_discharge":
        return name
    return "structure" if "structure's composition" in reason else "formula_charge"
