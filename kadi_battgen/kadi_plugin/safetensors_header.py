"""What a safetensors file holds, told by its header: names, types and shapes of tensors, never their values."""

from __future__ import annotations

import math
import struct
from typing import Any, BinaryIO

from kadi_battgen.kadi_plugin.limits import LARGEST_TENSOR_HEADER, MOST_TENSORS
from kadi_battgen.kadi_plugin.values import plain_text, read_json, shown


def read_header(stream: BinaryIO, size: int) -> dict[str, Any] | None:
    """Return the tensors of a file, None if it is not safetensors.

    Parameters
    ----------
    stream
        The file, at its start.
    size
        Its size in bytes.

    Returns
    -------
    dict
        ``tensors`` (name, type and shape of each, as texts), ``total`` tensors, ``values`` in all of them, and
        ``metadata``, texts by name.
    """
    length = header_length(stream.read(8), size)
    if length is None:
        return None
    header = read_json(stream.read(length))
    if not isinstance(header, dict):
        return None
    metadata = header.pop("__metadata__", {})
    entries = [(name, entry) for name, entry in header.items() if isinstance(entry, dict)]
    shapes = [_shape(entry.get("shape")) for _, entry in entries]
    tensors = [
        {
            "name": plain_text(name, 200),
            "type": plain_text(entry.get("dtype"), 20),
            "shape": " × ".join(map(str, shape)),
        }
        for (name, entry), shape in zip(entries[:MOST_TENSORS], shapes, strict=False)
    ]
    texts = metadata.items() if isinstance(metadata, dict) else ()
    return {
        "tensors": tensors,
        "total": len(entries),
        "values": shown(sum(min(math.prod(shape), 10**15) for shape in shapes)),
        "metadata": [{"name": plain_text(name, 80), "value": plain_text(text, 500)} for name, text in list(texts)[:20]],
    }


def header_length(start: bytes, size: int) -> int | None:
    """Return the bytes of a header from the eight in front of it, None if a file of `size` bytes cannot have it."""
    if len(start) < 8:
        return None
    (length,) = struct.unpack_from("<Q", start)
    return int(length) if 2 <= length <= min(size - 8, LARGEST_TENSOR_HEADER) else None


def _shape(value: Any) -> tuple[int, ...]:
    sides = value[:16] if isinstance(value, list) else []
    whole = [side for side in sides if isinstance(side, int) and not isinstance(side, bool)]
    return tuple(max(0, min(side, 10**9)) for side in whole)
