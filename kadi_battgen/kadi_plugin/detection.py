"""Whose a file is, told by its first bytes."""

from __future__ import annotations

import csv
import re
from typing import BinaryIO, Final

from kadi_battgen.kadi_plugin.kinds import CANDIDATES, CANDIDATES_JSON, CARD, HDF5_KINDS, WEIGHTS, Kind
from kadi_battgen.kadi_plugin.limits import HEADER, LARGEST_CARD, MOST_COLUMNS
from kadi_battgen.kadi_plugin.safetensors_header import header_length

#: The types that Kadi4Mat, by libmagic, gives to our files when it does not know them.
_HDF5: Final = frozenset({"application/x-hdf", "application/x-hdf5"})
_JSON: Final = "application/json"
_BINARY: Final = "application/octet-stream"
_TABLE: Final = frozenset({"text/csv", "application/csv", "text/plain"})

BASE_MIMETYPES: Final = _HDF5 | _TABLE | {_JSON, _BINARY}

#: Columns that make a table one of candidates; all others may come and go.
CANDIDATE_COLUMNS: Final = frozenset({"rank", "formula", "nearest_known_formula"})

_HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
_SCHEMA: Final = re.compile(rb"kadi-battgen/[a-z]+(?:-[a-z]+)*")
_JSON_SCHEMA: Final = re.compile(rb'"schema"\s*:\s*"([^"\\]{1,60})"')
_JSON_KINDS: Final = {kind.schema.encode(): kind for kind in (CARD, CANDIDATES_JSON)}


def may_be_ours(base_mimetype: str | None, size: int) -> bool:
    """Tell whether a file is worth opening; it is not for most of a server's files.

    Parameters
    ----------
    base_mimetype
        Its type by its content, as libmagic tells it.
    size
        Its size in bytes.
    """
    if size < 16:
        return False
    if base_mimetype == _JSON:
        return size <= LARGEST_CARD
    return base_mimetype in _HDF5 or base_mimetype in _TABLE or base_mimetype == _BINARY


def detect(stream: BinaryIO, size: int, base_mimetype: str | None) -> Kind | None:
    """Return what a file is, None if it is not ours; no more than its first 64 KiB are read.

    Parameters
    ----------
    stream
        The file, at its start.
    size
        Its size in bytes.
    base_mimetype
        Its type by its content, as libmagic tells it.
    """
    if not may_be_ours(base_mimetype, size):
        return None
    header = stream.read(HEADER)
    if base_mimetype in _HDF5:
        return _hdf5_kind(header)
    if base_mimetype == _JSON:
        found = _JSON_SCHEMA.search(header)
        return _JSON_KINDS.get(found[1]) if found else None
    if base_mimetype == _BINARY:
        return WEIGHTS if _is_safetensors(header, size) else None
    return CANDIDATES if set(_columns(header)) >= CANDIDATE_COLUMNS else None


def _hdf5_kind(header: bytes) -> Kind | None:
    # The schema is the first attribute that every writer sets, and its text lies in the file's first pages. The library
    # is not asked: it would follow what the file says.
    if not header.startswith(_HDF5_SIGNATURE):
        return None
    names = (match[0].decode("ascii") for match in _SCHEMA.finditer(header))
    return next((HDF5_KINDS[name] for name in names if name in HDF5_KINDS), None)


def _is_safetensors(header: bytes, size: int) -> bool:
    if header_length(header, size) is None:
        return False
    return header[8:].lstrip(b" ").startswith(b'{"') and b'"data_offsets"' in header


def _columns(header: bytes) -> list[str]:
    line = header.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0]
    try:
        (names,) = csv.reader([line.decode("utf-8")])
    except (UnicodeDecodeError, csv.Error, ValueError):
        return []
    return [name.strip() for name in names[:MOST_COLUMNS]]
