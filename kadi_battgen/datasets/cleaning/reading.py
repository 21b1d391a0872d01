"""From electrodes to a table and back: collections, and tables of properties without structures."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import ValidationError

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.electrodes.collection import ElectrodeCollection, describe_validation, read_electrodes
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_ION_CHARGES
from kadi_battgen.electrodes.sources.files.columns import Column, ColumnMap, recognise
from kadi_battgen.electrodes.sources.files.table import TableRow, read_table
from kadi_battgen.errors import UserError
from kadi_battgen.files import write_text

#: Name of the step in the audit that reading is.
READ = "00-read"

#: Text columns that identify an electrode.
_TEXTS = ("working_ion", "formula_charge", "formula_discharge")

#: Units of descriptors that databases give without.
_DESCRIPTOR_UNITS = {
    "stability_charge": "eV/atom",
    "stability_discharge": "eV/atom",
    "max_voltage_step": "V",
    "voltage_spread": "V",
    "density": "g/cm^3",
    "volume_per_atom": "Angstrom^3",
}


#: What programs write for a missing value. "Na" is an ion.
_NOTHING = frozenset(("nan", "NaN", "NAN", "NA", "N/A", "n/a", "<NA>", "None", "none", "null", "NULL", "-"))


@dataclass(frozen=True)
class Electrodes:
    """What a file of electrodes holds, as a table.

    Attributes
    ----------
    table
        Rows with an id and a working ion.
    decisions
        Rows that could not be taken, and cells that could not be read.
    rows
        Number of rows in the file.
    collection
        The electrodes with their structures; None for a table of properties.
    """

    table: Table
    decisions: tuple[Decision, ...] = ()
    rows: int = 0
    collection: ElectrodeCollection | None = field(default=None)


def read_rows(path: str | os.PathLike[str]) -> Electrodes:
    """Read a collection of electrodes (``.json``, ``.json.gz``) or a table (CSV) of their properties.

    Raises
    ------
    UserError
        If the file is missing or neither.
    """
    name = os.fspath(path).lower()
    if name.endswith((".json", ".json.gz")):
        collection = read_electrodes(path)
        return Electrodes(collection_table(collection), rows=len(collection), collection=collection)
    return _read_csv(path)


def collection_table(collection: ElectrodeCollection) -> Table:
    """Return the properties of electrodes and what follows from their structures (sites, density, volume per atom)."""
    electrodes = collection.electrodes
    values = {name: [getattr(e.properties, name) for e in electrodes] for name in FUNCTIONAL_PROPERTIES}
    descriptors = {
        "sites": [float(len(e.structure.species)) for e in electrodes],
        "density": [e.structure.density for e in electrodes],
        "volume_per_atom": [e.structure.volume / len(e.structure.species) for e in electrodes],
        "voltage_spread": [math.nan if e.voltage_spread is None else e.voltage_spread for e in electrodes],
    }
    texts = {name: [getattr(e, name) for e in electrodes] for name in _TEXTS}
    return Table.of(
        [e.id for e in electrodes],
        {**texts, "framework": [e.framework or "" for e in electrodes], "source": [e.source for e in electrodes]},
        {**values, **descriptors},
        _DESCRIPTOR_UNITS,
        frozenset(FUNCTIONAL_PROPERTIES),
    )


def cleaned_collection(
    collection: ElectrodeCollection, table: Table, metadata: Mapping[str, Any]
) -> ElectrodeCollection:
    """Return the electrodes that a cleaning left, with the values that it gave them.

    Raises
    ------
    UserError
        If a value contradicts the electrode's structure, formulas or other values now, or no electrode is left.
    """
    if len(table) == 0:
        raise UserError("No electrode is left after the cleaning: loosen its steps.")
    by_id = {electrode.id: electrode for electrode in collection.electrodes}
    values = table.matrix(list(FUNCTIONAL_PROPERTIES))
    kept = tuple(_with_values(by_id[row], values[place]) for place, row in enumerate(table.ids))
    return ElectrodeCollection(kept, dict(metadata))


def _with_values(electrode: Electrode, values: np.ndarray) -> Electrode:
    if (values == electrode.properties.as_vector()).all():
        return electrode
    properties = dict(zip(FUNCTIONAL_PROPERTIES, values.tolist(), strict=True))
    try:
        return Electrode.model_validate({**electrode.model_dump(), "properties": properties})
    except ValidationError as error:
        raise UserError(
            f"Electrode {electrode.id} contradicts itself after the cleaning ({describe_validation(error)}): let the steps "
            "drop or flag instead of clip, or add a step 'invariants' with 'action: repair' after them."
        ) from error


def write_table(path: str | os.PathLike[str], table: Table) -> None:
    """Write a table as CSV; the functional properties have their units in the names of their columns."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [FUNCTIONAL_PROPERTIES[name].column if name in FUNCTIONAL_PROPERTIES else name for name in table.numbers]
    writer.writerow(["id", *table.text, *names])
    texts, numbers = list(table.text.values()), list(table.numbers.values())
    for row, identifier in enumerate(table.ids):
        cells = (float(column[row]) for column in numbers)
        writer.writerow(
            [identifier, *(column[row] for column in texts), *("" if math.isnan(x) else repr(x) for x in cells)]
        )
    write_text(path, stream.getvalue())


def _read_csv(path: str | os.PathLike[str]) -> Electrodes:
    source = read_table(path)
    columns = recognise(source.headers, source.name)
    lacking = [name for name in ("id", "working_ion") if name not in columns]
    if lacking:
        raise UserError(f"{path} has no column for {lacking[0]}: add one called {lacking[0]!r}.")
    refused = [
        Decision(READ, row.id or row.where, row.field, "dropped", "", "", f"{row.where}: {row.reason.rstrip('.')}")
        for row in source.refused
    ]
    rows, unfit = _identified(source.rows, columns)
    identifiers = [_text(row.values[columns.columns["id"].header]) for row in rows]
    texts = {
        name: [_text(row.values[columns.columns[name].header]) for row in rows] for name in _TEXTS if name in columns
    }
    numbers: dict[str, list[float]] = {}
    unreadable: list[Decision] = []
    for name in (*FUNCTIONAL_PROPERTIES, "voltage_spread"):
        if name in columns:
            column = columns.columns[name]
            numbers[name] = _numbers(rows, identifiers, texts["working_ion"], name, column, unreadable)
    used = {columns.columns[name].header for name in ("id", *texts, *numbers)}
    for header in (header for header in source.headers if header and header not in used):
        name = _plain_name(header, {*texts, *numbers, *FUNCTIONAL_PROPERTIES})
        cells = [_text(row.values[header]) for row in rows]
        given = [cell for cell in cells if cell]
        if given and sum(_is_number(cell) for cell in given) > len(given) / 2:
            numbers[name] = _numbers(rows, identifiers, texts["working_ion"], name, Column(header, name), unreadable)
        else:
            texts[name] = cells
    units = {name: unit for name, unit in _DESCRIPTOR_UNITS.items() if name in numbers}
    table = Table.of(identifiers, texts, numbers, units)
    return Electrodes(table, (*refused, *unfit, *unreadable), len(source.rows) + len(source.refused))


def _identified(rows: Sequence[TableRow], columns: ColumnMap) -> tuple[list[TableRow], list[Decision]]:
    """Return the rows with an id of their own and a working ion, and why the others were dropped."""
    kept: list[TableRow] = []
    dropped: list[Decision] = []
    seen: dict[str, str] = {}
    for row in rows:
        name, ion = (_text(row.values[columns.columns[field].header]) for field in ("id", "working_ion"))
        if not name:
            field, reason = "id", "the row has no id"
        elif name in seen:
            field, reason = "id", f"the id {name!r} is that of {seen[name]} already"
        elif ion not in WORKING_ION_CHARGES:
            field, reason = "working_ion", f"{ion!r} is no working ion ({', '.join(WORKING_ION_CHARGES)})"
        else:
            kept.append(row)
            seen[name] = row.where
            continue
        dropped.append(Decision(READ, name or row.where, field, "dropped", "", "", f"{row.where}: {reason}"))
    return kept, dropped


def _numbers(
    rows: Sequence[TableRow],
    identifiers: Sequence[str],
    ions: Sequence[str],
    name: str,
    column: Column,
    unreadable: list[Decision],
) -> list[float]:
    """Return a column in its unit; cells that are no number become missing and are written down in `unreadable`."""
    values = []
    for row, identifier, ion in zip(rows, identifiers, ions, strict=True):
        cell = _text(row.values[column.header])
        value = math.nan
        if cell:
            try:
                value = column.convert(float(cell), ion)
                problem = "" if math.isfinite(value) else f"{cell!r} is not finite"
            except UserError as error:
                problem = str(error).rstrip(".")
            except ValueError:
                problem = f"{cell!r} is no number"
            if problem:
                value = math.nan
                reason = f"{row.where}, {column.header}: {problem}; it counts as missing"
                unreadable.append(Decision(READ, identifier, name, "unreadable", cell, "", reason))
        values.append(value)
    return values


def _text(cell: Any) -> str:
    """Return a cell without blanks around it; empty for what programs write for nothing."""
    text = "" if cell is None else str(cell).strip()
    return "" if text in _NOTHING else text


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _plain_name(header: str, taken: set[str]) -> str:
    """Return a header in lower case with underscores, and with a number if another column has that name."""
    plain = re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_") or "column"
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name
