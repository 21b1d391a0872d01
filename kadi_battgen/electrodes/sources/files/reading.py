"""Electrodes from structure files and a table of properties."""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.electrodes.sources.files.columns import ColumnMap, recognise
from kadi_battgen.electrodes.sources.files.derivation import ORIGINS
from kadi_battgen.electrodes.sources.files.duplicates import repeated
from kadi_battgen.electrodes.sources.files.parsing import parse_structure
from kadi_battgen.electrodes.sources.files.row import MissingStructureError, RefusalError, RowReader
from kadi_battgen.electrodes.sources.files.structures import StructureLibrary, open_library
from kadi_battgen.electrodes.sources.files.table import Table, read_bytes, read_table
from kadi_battgen.electrodes.sources.materials_project.settings import DuplicateRule
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file, sha256_file
from kadi_battgen.progress import progress_bar

if TYPE_CHECKING:
    from kadi_battgen.parallel.cluster import Cluster

#: Structures that one task of a cluster parses; fewer than two tasks are not worth a process.
_BLOCK = 100

#: Refusals that an error lists where no row is left.
_FIRST = 5

_COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*")


def read_structure(path: str | os.PathLike[str]) -> CrystalStructure:
    """Return the ordered crystal structure in a CIF, a POSCAR or a periodic extended XYZ.

    Raises
    ------
    UserError
        If the file is missing, does not parse, or has partially occupied sites.
    """
    source = existing_file(path)
    return parse_structure(read_bytes(source).decode("utf-8", errors="replace"), str(source))


def electrodes_from_files(
    folder: str | os.PathLike[str],
    table: str | os.PathLike[str],
    *,
    duplicates: DuplicateRule = "none",
    strict: bool = False,
    cluster: Cluster | None = None,
    progress: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[ElectrodeCollection, list[RefusedRow]]:
    """Return the electrodes that a table lists, and the rows that are none.

    Parameters
    ----------
    folder
        Folder with the structures, or a JSON file of CIF texts by id (see :func:`structures.open_library`).
    table
        CSV or JSON (see :func:`table.read_table`) whose columns are recognised by name and unit (see
        :func:`columns.recognise`): an id, the working ion, the charged formula (or the charged structure), the functional
        properties, and the name of the discharge structure where that is not the id.
    duplicates
        Which electrodes of one working ion count as the same; the first in the table stays.
    strict
        Stop at the first row that is refused.
    cluster
        Where the structures are parsed; in this process if not given.
    progress
        Show a progress bar on standard error.
    tell
        Called with each line about how the table is understood.

    Returns
    -------
    ElectrodeCollection
        Electrodes in the order of the table; the metadata tell how each column was understood.
    list of RefusedRow
        Rows that did not become electrodes, in the order of the table.

    Raises
    ------
    UserError
        If a file is missing or wrong, a column is missing or unclear, no row is left, or, if `strict`, a row is refused.
    """
    content = read_table(table)
    library = open_library(folder)
    columns = recognise([header for header in content.headers if header], content.name)
    _check_complete(columns, content.name)
    for line in columns.describe():
        tell(f"{content.name}: column {line}")
    structures = _Structures(library)
    reader = RowReader(columns, structures.read, content.name, _decimal_comma(content, columns))
    if cluster is not None:
        structures.parse((name for row in content.rows for name in reader.structure_names(row)), cluster, progress)
    found = _read_rows(reader, content, strict, progress)
    found.drop(repeated(found.electrodes, duplicates), strict)
    if not found.electrodes:
        first = "; ".join(row.describe().rstrip(".") for row in found.in_order()[:_FIRST])
        raise UserError(f"{table} leaves no electrode, all {len(found.refused)} rows are refused: {first}.")
    if found.renamed:
        tell(f"{content.name}: {found.renamed} rows repeat an id with other ends and are called ID:FORMULA_DISCHARGE")
    warnings = unlikely_units(found.electrodes, columns)
    for warning in warnings:
        tell(f"{content.name}: {warning}")
    metadata: dict[str, Any] = {
        "source": "files",
        "table": content.name,
        "table_sha256": sha256_file(table),
        **library.facts(),
        "columns": columns.describe(),
        "columns_ignored": list(columns.ignored),
        "rows_refused": len(found.refused),
    }
    optional = {
        "duplicates": None if duplicates == "none" else f"{duplicates}, the first in the table stays",
        "derived": {name: f"{count} rows, from {ORIGINS[name]}" for name, count in sorted(found.derived.items())},
        "known_faults": warnings,
        "further_steps": found.renamed,
    }
    metadata |= {name: value for name, value in optional.items() if value}
    return ElectrodeCollection(tuple(found.electrodes), metadata), found.in_order()


class _Found:
    """What the rows of a table gave so far."""

    def __init__(self, refused: Iterable[RefusedRow]) -> None:
        self.electrodes: list[Electrode] = []
        self.refused = list(refused)
        self.derived: Counter[str] = Counter()
        self.places: dict[str, str] = {}
        self.renamed = 0
        self._ends: set[tuple[str, str, str]] = set()

    def with_own_id(self, electrode: Electrode) -> Electrode:
        """Return the electrode, under another id where an earlier one has its id and other ends.

        Databases give the voltage steps of one host one id: Li-MnF5 from Li1 to Li2, and from Li2 to Li3.

        Raises
        ------
        RefusalError
            If an electrode of the same id and the same ends was there before.
        """
        ends = (electrode.id, electrode.formula_charge, electrode.formula_discharge)
        own = electrode.id if electrode.id not in self.places else f"{electrode.id}:{electrode.formula_discharge}"
        if ends in self._ends or own in self.places:
            reason = (
                f"id {electrode.id!r} occurs more than once, first in {self.places[electrode.id]}: give each its own"
            )
            raise RefusalError("id", "repeated id", reason)
        self._ends.add(ends)
        self.renamed += own != electrode.id
        return electrode if own == electrode.id else electrode.model_copy(update={"id": own})

    def drop(self, ids: dict[str, str], strict: bool) -> None:
        """Refuse the electrodes that repeat an earlier one."""
        for identifier, earlier in ids.items():
            reason = f"it has the composition of {earlier}, which stands before it: choose another rule to keep both."
            row = RefusedRow(self.places[identifier], identifier, "formula_discharge", reason, "duplicate composition")
            self.refuse(row, strict)
        self.electrodes = [electrode for electrode in self.electrodes if electrode.id not in ids]

    def refuse(self, row: RefusedRow, strict: bool) -> None:
        """Take down a refusal, or stop at it."""
        if strict:
            raise UserError(row.describe())
        self.refused.append(row)

    def in_order(self) -> list[RefusedRow]:
        """Return the refusals in the order of the table."""
        return sorted(self.refused, key=lambda row: int(row.where.rpartition(" ")[2]))


def _read_rows(reader: RowReader, table: Table, strict: bool, progress: bool) -> _Found:
    found = _Found(table.refused)
    if strict and table.refused:
        raise UserError(table.refused[0].describe())
    for row in progress_bar(table.rows, description="Reading structures", unit="row", enabled=progress):
        identifier = ""
        try:
            identifier = reader.identifier(row)
            electrode, derived = reader.read(row)
            electrode = found.with_own_id(electrode)
        except RefusalError as refusal:
            found.refuse(refusal.row(row.where, identifier), strict)
            continue
        found.electrodes.append(electrode)
        found.places[electrode.id] = row.where
        found.derived.update(derived)
    return found


class _Structures:
    """Structures of a library, each parsed once; several rows may name the same one."""

    def __init__(self, library: StructureLibrary) -> None:
        self._library = library
        self._parsed: dict[str, CrystalStructure | UserError] = {}

    def parse(self, names: Iterable[str], cluster: Cluster, progress: bool) -> None:
        """Parse all that will be asked for ahead, block by block on a cluster."""
        entries: dict[str, str] = {}
        for name in names:
            with contextlib.suppress(UserError):  # said for the row that asks for it
                entry = self._library.find(name)
                entries.setdefault(entry, self._library.read(entry))
        texts = list(entries.items())
        blocks = [texts[start : start + _BLOCK] for start in range(0, len(texts), _BLOCK)]
        with progress_bar(
            total=len(texts), description="Parsing structures", unit="structure", enabled=progress
        ) as bar:
            for position, outcomes in cluster.run(
                parse_block, blocks, name=lambda block: f"structures from {block[0][0]}"
            ):
                self._parsed.update(zip((entry for entry, _ in blocks[position]), outcomes, strict=True))
                bar.update(len(outcomes))

    def read(self, name: str) -> CrystalStructure:
        """Return the structure that a row names."""
        try:
            entry = self._library.find(name)
        except UserError as error:
            raise MissingStructureError(str(error)) from error
        if entry not in self._parsed:
            try:
                text = self._library.read(entry)
            except UserError as error:
                self._parsed[entry] = error
            else:
                [self._parsed[entry]] = parse_block([(entry, text)])
        outcome = self._parsed[entry]
        if isinstance(outcome, UserError):
            raise outcome
        return outcome


def parse_block(block: Sequence[tuple[str, str]]) -> list[CrystalStructure | UserError]:
    """Return the structure in each (name, text), or why there is none."""
    outcomes: list[CrystalStructure | UserError] = []
    for name, text in block:
        try:
            outcomes.append(parse_structure(text, name))
        except UserError as error:
            outcomes.append(error)
    return outcomes


def _check_complete(columns: ColumnMap, table: str) -> None:
    """Refuse a table that no row of could be an electrode."""
    needed = {
        "id": ("id",),
        "working_ion": ("working_ion",),
        "formula_charge": ("formula_charge", "structure_charge"),
        "average_voltage": ("average_voltage", "gravimetric_energy", "volumetric_energy"),
        "volume_change": ("volume_change",),
    }
    for name, fields in needed.items():
        if not any(field in columns for field in fields):
            column = FUNCTIONAL_PROPERTIES[name].column if name in FUNCTIONAL_PROPERTIES else name
            ignored = f" (not understood: {', '.join(columns.ignored)})" if columns.ignored else ""
            raise UserError(
                f"{table} lacks the column {column!r}{ignored}: add it (all columns: see fetch-electrodes --help)."
            )


def _numbers(table: Table, columns: ColumnMap) -> list[str]:
    headers = [column.header for column in columns.columns.values() if column.unit is not None]
    return [str(row.values[header]) for row in table.rows for header in headers if row.values.get(header) is not None]


def _decimal_comma(table: Table, columns: ColumnMap) -> bool:
    """Tell whether a table writes 3,45: where no comma separates columns and no number has a point."""
    if table.delimiter in ("", ","):
        return False
    numbers = _numbers(table, columns)
    return any(map(_COMMA_NUMBER.fullmatch, numbers)) and not any("." in number for number in numbers)


def unlikely_units(electrodes: Iterable[Electrode], columns: ColumnMap) -> list[str]:
    """Return what speaks against the unit of the volume change, which people mistake most: one sentence or none.

    The Materials Project describes ``max_delta_volume`` in per cent and gives fractions.

    Parameters
    ----------
    electrodes
        The electrodes, with volume changes as fractions.
    columns
        The columns that they were read from.
    """
    column = columns.columns.get("volume_change")
    values = [electrode.properties.volume_change for electrode in electrodes]
    if column is None or column.unit is None or not values:
        return []
    if column.unit.factor == 1.0 and median(values) > 0.5:
        return [
            f"half of the volume changes in column {column.header!r} are above {median(values):.3g}, taken as a fraction: "
            "if they are per cent, write (%) behind the name of the column"
        ]
    if column.unit.factor != 1.0 and len(values) >= 10 and quantiles(values, n=10)[-1] < 0.01:
        return [
            f"nine of ten volume changes in column {column.header!r} are below 1 %: if they are fractions, as those of the "
            "Materials Project are, write (fraction) behind the name of the column"
        ]
    return []
