"""Read tables: CSV with any usual delimiter, or JSON; a broken row never costs another one."""

from __future__ import annotations

import csv
import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.electrodes.sources.files.columns import recognised_count
from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

#: Largest table and largest collection of structures in bytes, uncompressed; the whole Materials Project is a third of it.
LARGEST_FILE = 256 * 2**20

_DELIMITERS = (",", ";", "\t", "|")
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class TableRow:
    """One row: where it stands and its values by header."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    Attributes
    ----------
    name
        Name of the file.
    headers
        Names of the columns in their order.
    rows
        Rows with a value for every header.
    refused
        Rows that are no rows of this table.
    delimiter
        What separates the columns; empty for JSON.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[TableRow, ...]
    refused: tuple[RefusedRow, ...] = field(default=())
    delimiter: str = ""


def read_bytes(path: str | os.PathLike[str], largest: int = LARGEST_FILE) -> bytes:
    """Return the content of a file, uncompressed where it is gzip.

    Parameters
    ----------
    path
        The file.
    largest
        Bytes that are accepted.

    Raises
    ------
    UserError
        If the file is missing, cannot be read, is truncated or larger.
    """
    source = existing_file(path)
    try:
        with open(source, "rb") as stream:
            compressed = stream.read(2) == b"\x1f\x8b"
        opened = gzip.open(source, "rb") if compressed else open(source, "rb")  # noqa: SIM115 (one with for both)
        with opened as stream:
            content = stream.read(largest + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{source} is truncated or broken gzip: copy or download it again.") from error
    except OSError as error:
        raise UserError(f"{source} cannot be read ({error.strerror}): check the file and its permissions.") from error
    if len(content) > largest:
        size = f"{largest / 2**20:.0f} MiB" if largest >= 2**20 else f"{largest} bytes"
        raise UserError(f"{source} holds more than {size} uncompressed: split it into smaller files.")
    return content


def read_json_text(path: str | os.PathLike[str]) -> Any:
    """Return what a JSON file holds, compressed or not.

    Raises
    ------
    UserError
        If the file is missing, not JSON, or one of its objects has a name twice.
    """
    try:
        return json.loads(read_bytes(path), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deeply"
        raise UserError(f"{path} is not a JSON document ({reason}): save it again as one.") from error


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice[:80]!r} occurs twice")
    return document


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a table.

    Parameters
    ----------
    path
        CSV (comma, semicolon, tab or bar; UTF-8, or UTF-16 with a byte order mark), or JSON: a list of objects,
        ``{"records": [...]}``, or columns as ``{"columns": {name: values}}`` or ``{"columns": names, "data": rows}``;
        either may be compressed with gzip.

    Returns
    -------
    Table
        Rows with their line (CSV) or number (JSON), and the rows that have too few or too many fields or are not UTF-8.

    Raises
    ------
    UserError
        If the file is missing, is no such table, or has no rows.
    """
    source = existing_file(path)
    name = source.name.lower().removesuffix(".gz")
    table = _json_table(source) if name.endswith(".json") else _csv_table(source)
    if not table.rows and not table.refused:
        raise UserError(f"{source} has no rows: add one line per electrode.")
    return table


def _csv_table(source: Path) -> Table:
    content = read_bytes(source)
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    # Bytes that are not UTF-8 stay recognisable, so that they cost their own row and no other.
    lines = content.decode(encoding, errors="surrogateescape" if encoding != "utf-16" else "replace").splitlines(True)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise UserError(f"{source} is empty: give a table with one line per electrode.")
    if not _is_text(lines[first]):
        raise UserError(f"{source} is not a CSV table in UTF-8: save it as one.")
    delimiter = max(_DELIMITERS, key=lambda mark: recognised_count(_fields(lines[first], mark)))
    headers = tuple(header.strip() for header in _fields(lines[first], delimiter))
    _check_headers(headers, source)
    rows, refused = [], []
    for number, cells in _records(lines, first + 1, delimiter, len(headers)):
        where = f"{source.name}, line {number}"
        problem = _broken(cells, headers)
        if problem:
            identifier = cells[0] if cells and _is_text(cells[0]) else ""
            refused.append(RefusedRow(where, identifier[:80], "", problem, "malformed row"))
        else:
            rows.append(TableRow(where, dict(zip(headers, cells, strict=False))))
    return Table(source.name, headers, tuple(rows), tuple(refused), delimiter)


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _is_text(text: str) -> bool:
    """Tell whether a decoded text has no byte that was not UTF-8, and no NUL."""
    return not any("\udc80" <= letter <= "\udcff" or letter in "\0\ufffd" for letter in text)


def _check_headers(headers: Sequence[str], source: Path) -> None:
    named = [header for header in headers if header]
    twice = next((header for header in named if named.count(header) > 1), None)
    if twice is not None:
        raise UserError(f"{source} has two columns {twice!r}: keep one of them.")
    if len(named) < 2:
        raise UserError(
            f"{source} has no header with several columns: begin the table with the names of the columns, separated by "
            "commas, semicolons or tabs."
        )


def _records(lines: Sequence[str], start: int, delimiter: str, width: int) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and fields of each record; a quote that is never closed costs its own line alone."""
    position = start
    while position < len(lines):
        if not lines[position].strip():
            position += 1
            continue
        counted = _Counting(lines, position)
        try:
            cells = next(csv.reader(counted, delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            cells = []
        # A field may go over several lines, but then the record must be whole.
        if counted.used > 1 and len(cells) != width:
            cells, counted.used = [], 1
        yield position + 1, cells
        position += counted.used


class _Counting:
    """Lines from a position on, and how many of them were read."""

    def __init__(self, lines: Sequence[str], position: int) -> None:
        self._lines = lines
        self._position = position
        self.used = 0

    def __iter__(self) -> _Counting:
        return self

    def __next__(self) -> str:
        place = self._position + self.used
        self.used += 1
        if place >= len(self._lines):
            raise StopIteration
        return self._lines[place]


def _broken(cells: Sequence[str], headers: Sequence[str]) -> str:
    """Return why cells are no row under these headers; empty if they are one."""
    if not cells:
        return 'a quotation mark is not closed or stands in the wrong place: quote fields as "...".'
    if not all(map(_is_text, cells)):
        return "the row is not UTF-8: save the table in that encoding."
    if len(cells) < len(headers):
        return f"the row ends before {headers[len(cells)]!r}: it has {len(cells)} of {len(headers)} fields, fill the others."
    if any(cell.strip() for cell in cells[len(headers) :]):
        return f"the row has {len(cells)} fields and the header {len(headers)}: quote fields that hold the delimiter."
    return ""


def _json_table(source: Path) -> Table:
    records = _json_records(read_json_text(source), source)
    rows, refused, headers = [], [], dict[str, None]()
    for number, record in enumerate(records, start=1):
        where = f"{source.name}, record {number}"
        if isinstance(record, Mapping):
            rows.append(TableRow(where, record))
            headers.update(dict.fromkeys(map(str, record)))
        else:
            refused.append(RefusedRow(where, "", "", "the record is no object with named values.", "malformed row"))
    complete = tuple(TableRow(row.where, {**dict.fromkeys(headers), **row.values}) for row in rows)
    if rows:
        _check_headers(tuple(headers), source)
    return Table(source.name, tuple(headers), complete, tuple(refused))


def _json_records(document: Any, source: Path) -> Iterable[Any]:
    """Return the records of a JSON document, whichever way it is laid out."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        columns = document.get("columns")
        rows = next(
            (document[name] for name in ("records", "data", "rows") if isinstance(document.get(name), list)), None
        )
        if isinstance(columns, list) and rows is not None and all(isinstance(name, str) for name in columns):
            return [
                dict(zip(columns, row, strict=True)) if isinstance(row, list) and len(row) == len(columns) else None
                for row in rows
            ]
        if columns is None and rows is not None:
            return rows
        columns = document if columns is None else columns
        if isinstance(columns, dict) and columns and all(isinstance(values, list) for values in columns.values()):
            if len({len(values) for values in columns.values()}) > 1:
                raise UserError(f"{source} has columns of different lengths: give each column one value per electrode.")
            return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    raise UserError(
        f'{source} is no table: write a list of objects, {{"records": [...]}} or {{"columns": {{name: values}}}}.'
    )
