"""Whether two files hold the same values: tables, JSON, HDF5, safetensors and NumPy archives."""

from __future__ import annotations

import csv
import filecmp
import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kadi_battgen.records.differences import ContentDifference, Differences, Tolerance, as_text, numbers_in


def compare_contents(recorded: Path, again: Path, tolerance: Tolerance | None = None) -> ContentDifference:
    """Compare the values in two files of one kind, which the name of the first one tells.

    Texts must be the same, but for checksums of other contents (64 hexadecimal digits), which follow from what is
    compared anyway. Files of other kinds, such as pictures and pages, are compared as they are.
    """
    found = Differences(tolerance or Tolerance())
    suffixes = recorded.suffixes[-2:]
    kind = suffixes[0] if suffixes[-1:] == [".gz"] and len(suffixes) == 2 else (suffixes or [""])[-1]
    try:
        _READERS.get(kind, _compare_bytes)(recorded, again, found)
    except Exception as error:
        # Whatever a broken file makes its library raise, it does not hold the values of the other one.
        found.other("", f"cannot be compared by value ({type(error).__name__}: {str(error)[:200]})")
    return found.summary()


def _compare_bytes(recorded: Path, again: Path, found: Differences) -> None:
    if not filecmp.cmp(recorded, again, shallow=False):
        found.other("", "other bytes, in a kind of file that has no values to compare")


def _compare_json(recorded: Path, again: Path, found: Differences) -> None:
    found.document("", *(json.loads(_plain_bytes(path)) for path in (recorded, again)))


def _compare_csv(recorded: Path, again: Path, found: Differences) -> None:
    first, second = _table(recorded), _table(again)
    if first[:1] != second[:1]:
        found.other("", "other columns")
    elif len(first) != len(second):
        found.other("", f"{len(first) - 1} rows are {len(second) - 1} now")
    else:
        for (name, *cells), (_, *others) in zip(zip(*first, strict=True), zip(*second, strict=True), strict=True):
            _compare_column(name, cells, others, found)


def _table(path: Path) -> list[list[str]]:
    rows = list(csv.reader(io.StringIO(_plain_bytes(path).decode("utf-8"), newline="")))
    if any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("the rows of the table have different lengths")
    return rows


def _compare_column(name: str, recorded: Sequence[str], again: Sequence[str], found: Differences) -> None:
    first, second = [numbers_in(cell) for cell in recorded], [numbers_in(cell) for cell in again]
    if all(numbers is not None and len(numbers) == 1 for numbers in (*first, *second)):
        # A column of numbers has one scale.
        found.values(name, *([number for numbers in column for number in numbers or ()] for column in (first, second)))
        return
    for pair in zip(recorded, again, strict=True):
        found.text(name, *pair)


def _compare_hdf5(recorded: Path, again: Path, found: Differences) -> None:
    import h5py

    def compare(where: str, first: Any, second: Any) -> None:
        for name in found.shared_names(where, first.attrs, second.attrs):
            _compare_values(f"{where}@{name}", first.attrs[name], second.attrs[name], found)
        if isinstance(first, h5py.Group) and isinstance(second, h5py.Group):
            for name in found.shared_names(where, first, second):
                compare(f"{where}/{name}".lstrip("/"), first[name], second[name])
        elif isinstance(first, h5py.Dataset) and isinstance(second, h5py.Dataset):
            found.array(where, first, second)
        else:
            found.other(where, "a group is a data set now, or the reverse")

    with h5py.File(recorded) as first, h5py.File(again) as second:
        compare("", first, second)


def _compare_values(where: str, recorded: Any, again: Any, found: Differences) -> None:
    """Compare the values of an attribute: arrays, NumPy numbers or texts."""
    import numpy as np

    if isinstance(recorded, str | bytes) and isinstance(again, str | bytes):
        found.text(where, as_text(recorded), as_text(again))
    else:
        found.array(where, np.asarray(recorded), np.asarray(again))


def _compare_safetensors(recorded: Path, again: Path, found: Differences) -> None:
    from safetensors import safe_open

    with safe_open(recorded, framework="np") as first, safe_open(again, framework="np") as second:
        found.document("metadata", first.metadata() or {}, second.metadata() or {})
        for name in found.shared_names("", dict.fromkeys(first.keys()), dict.fromkeys(second.keys())):
            found.array(name, first.get_tensor(name), second.get_tensor(name))


def _compare_npz(recorded: Path, again: Path, found: Differences) -> None:
    import numpy as np

    with np.load(recorded, allow_pickle=False) as first, np.load(again, allow_pickle=False) as second:
        for name in found.shared_names("", first, second):
            found.array(name, first[name], second[name])


_READERS: dict[str, Callable[[Path, Path, Differences], None]] = {
    ".json": _compare_json,
    ".csv": _compare_csv,
    ".h5": _compare_hdf5,
    ".hdf5": _compare_hdf5,
    ".safetensors": _compare_safetensors,
    ".npz": _compare_npz,
}


def _plain_bytes(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
