"""Data sets and attributes of a file that may be hostile: their size is known before they are read, and nothing is followed.

Links to other files or to other places, virtual data sets, data kept in other files, references and types of other shapes
than numbers and texts are refused.
"""

from __future__ import annotations

import math
from typing import Any, Final

import h5py
import numpy as np

from kadi_battgen.kadi_plugin.limits import (
    LARGEST_ATTRIBUTE,
    LARGEST_COLUMN,
    LARGEST_SAMPLE,
    LONGEST_TEXT,
)
from kadi_battgen.kadi_plugin.values import plain_text, read_json

#: Numbers, truth values (an enumeration in HDF5) and texts; NumPy is not asked, which would have to make a type of others.
_PLAIN: Final = frozenset({h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM, h5py.h5t.STRING})


class ReadError(Exception):
    """The file cannot be shown; the text says why, for people."""


def attribute(place: Any, name: str, default: Any = None) -> Any:
    """Return an attribute as a number, a text or a list of them, `default` where there is none of these.

    Raises
    ------
    ReadError
        If it is too large.
    """
    if name not in place.attrs:
        return default
    found = h5py.h5a.open(place.id, name.encode())
    if math.prod(found.shape) > 10_000 or found.get_storage_size() > LARGEST_ATTRIBUTE:
        raise ReadError(f"The attribute {name} is too large for a preview.")
    if found.get_type().get_class() not in _PLAIN:
        return default
    value = place.attrs[name]
    if isinstance(value, h5py.Empty):
        return default
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return [_text(part) for part in value] if isinstance(value, list) else _text(value)


def document(place: Any, name: str) -> dict[str, Any]:
    """Return an attribute that holds a JSON object, an empty one where there is none."""
    found = attribute(place, name)
    value = read_json(found) if isinstance(found, str) and len(found) <= LARGEST_ATTRIBUTE else None
    return value if isinstance(value, dict) else {}


def dataset(file: h5py.File, path: str, dimensions: int) -> h5py.Dataset:
    """Return a data set with so many dimensions that lies in the file itself; nothing of it is read yet.

    Raises
    ------
    ReadError
        If there is none, or not one that can be read without risk.
    """
    node: Any = file
    for name in path.split("/"):
        if not isinstance(node, h5py.Group) or not node.id.links.exists(name.encode()):
            raise ReadError(f"The data set {path} is missing.")
        if node.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise ReadError(f"{path} is a link to another place, which is not followed.")
        node = node[name]
    if not isinstance(node, h5py.Dataset) or node.ndim != dimensions:
        raise ReadError(f"{path} is not a data set of {dimensions} dimensions.")
    if node.external or node.is_virtual:
        raise ReadError(f"{path} keeps its values in other files, which are not read.")
    if node.id.get_type().get_class() not in _PLAIN:
        raise ReadError(f"{path} holds neither numbers nor texts.")
    if node.chunks and math.prod(node.chunks) * node.dtype.itemsize > LARGEST_COLUMN:
        raise ReadError(f"The chunks of {path} are too large for a preview.")
    return node


def has(file: h5py.File, path: str) -> bool:
    """Tell whether the file itself holds a data set or a group, without following links."""
    node: Any = file
    for name in path.split("/"):
        if not isinstance(node, h5py.Group) or not node.id.links.exists(name.encode()):
            return False
        if node.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            return False
        node = node[name]
    return True


def column(file: h5py.File, path: str, length: int | None = None) -> np.ndarray:
    """Return a whole data set of one dimension.

    Raises
    ------
    ReadError
        If there is none, it is too large, or not of the length it should have.
    """
    found = dataset(file, path, 1)
    if found.dtype.kind == "O" or found.size * found.dtype.itemsize > LARGEST_COLUMN:
        raise ReadError(f"{path} is too large for a preview.")
    if length is not None and len(found) != length:
        raise ReadError(f"{path} has {len(found)} rows, not {length}.")
    return found[:]


def row(found: h5py.Dataset, index: int) -> Any:
    """Return one row of a data set, a text as a text.

    Raises
    ------
    ReadError
        If it is too large or there is no such row.
    """
    if not 0 <= index < len(found):
        raise ReadError(f"{found.name} has no row {index}.")
    if math.prod(found.shape[1:]) * found.dtype.itemsize > LARGEST_SAMPLE:
        raise ReadError(f"A row of {found.name} is too large for a preview.")
    value = found[index]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def names(value: Any) -> list[str]:
    """Return the texts of an attribute that lists names, or of one that holds such a list as JSON."""
    if isinstance(value, str):
        value = read_json(value)
    return [plain_text(part, 100) for part in value[:1000]] if isinstance(value, list) else []


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if not isinstance(value, str) or len(value) <= LARGEST_ATTRIBUTE else value[:LONGEST_TEXT]
