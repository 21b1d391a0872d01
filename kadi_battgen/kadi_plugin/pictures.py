"""Arrays as PNG pictures, encoded here: a server has neither matplotlib nor, for certain, Pillow."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from kadi_battgen.kadi_plugin.appearance import VIRIDIS
from kadi_battgen.kadi_plugin.limits import MOST_PIXELS

#: Colour types of PNG.
_GREY, _RGB, _INDEXED = 0, 2, 3


def encode_png(pixels: np.ndarray, palette: np.ndarray | None = None) -> bytes:
    """Return a picture as PNG.

    Parameters
    ----------
    pixels
        uint8: (H, W), grey or positions in `palette`, or (H, W, 3), red, green and blue. Row 0 is at the top.
    palette
        Colours, uint8 (n, 3), n at most 256.

    Raises
    ------
    ValueError
        If the array is no picture.
    """
    pixels = np.ascontiguousarray(pixels)
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if (
        pixels.dtype != np.uint8
        or not (pixels.ndim == 2 or colour)
        or not pixels.size
        or (colour and palette is not None)
    ):
        raise ValueError(f"an array of shape {pixels.shape} and type {pixels.dtype} is no picture.")
    height, width = pixels.shape[:2]
    kind = _RGB if colour else _GREY if palette is None else _INDEXED
    # Each row begins with the number of its filter, 0 for none.
    rows = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    parts = [_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if palette is not None:
        parts.append(_chunk(b"PLTE", np.ascontiguousarray(palette, dtype=np.uint8).tobytes()))
    parts += [_chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def data_url(png: bytes) -> str:
    """Return a PNG as an address that a page holds itself; Kadi4Mat's Content Security Policy allows those."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def grey_picture(values: np.ndarray, low: float, high: float) -> str:
    """Return an image (H, W), row 0 at the bottom, as a grey picture, black at `low` and white at `high`."""
    return data_url(encode_png(_levels(values, low, high)))


def viridis_picture(values: np.ndarray, low: float, high: float) -> str:
    """Return an image (H, W), row 0 at the bottom, in the colours of viridis from `low` to `high`."""
    return data_url(encode_png(_levels(values, low, high), viridis()))


def rgb_picture(channels: np.ndarray, low: float, high: float) -> str:
    """Return three channels (3, H, W), row 0 at the bottom, as red, green and blue, dark at `low` and bright at `high`."""
    return data_url(encode_png(np.stack([_levels(channel, low, high) for channel in channels], axis=-1)))


def category_picture(codes: np.ndarray, colours: Sequence[str]) -> str:
    """Return codes (H, W), row 0 at the bottom, as a picture of one pixel a site; the last colour is that of all others.

    Parameters
    ----------
    codes
        Positions in `colours`, unsigned integers.
    colours
        Colours such as ``#D7261E``.
    """
    palette = np.array([hexadecimal(colour) for colour in colours], dtype=np.uint8)
    clipped = np.minimum(codes, len(palette) - 1).astype(np.uint8)
    return data_url(encode_png(clipped[::-1], palette))


def colour_limits(values: np.ndarray, share: float) -> tuple[float, float]:
    """Return limits of a colour scale that the extreme pixels (`share` percent at each end) do not stretch."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    # Not np.percentile, which loads modules when it is first used: the process that reads a file can load none any more.
    ordered = np.sort(finite, axis=None)
    cut = round(share / 100.0 * (len(ordered) - 1))
    low, high = float(ordered[cut]), float(ordered[-1 - cut])
    if high <= low:
        low, high = float(ordered[0]), float(ordered[-1])
    return (low, high) if high > low else (low, low + 1.0)


@cache
def viridis() -> np.ndarray:
    """Return the 256 colours of viridis, uint8 (256, 3)."""
    known = np.array([hexadecimal(colour) for colour in VIRIDIS], dtype=np.float64)
    places = np.linspace(0, 255, len(known))
    return np.stack([np.interp(np.arange(256), places, column) for column in known.T], axis=1).round().astype(np.uint8)


def hexadecimal(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of a colour such as ``#D7261E``."""
    digits = colour.removeprefix("#")
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _levels(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return an image as 0 to 255, row 0 at the top, of at most so many pixels as are shown."""
    step = -(-max(values.shape) // MOST_PIXELS)
    thinned = np.asarray(values[::step, ::step], dtype=np.float32)[::-1]
    scaled = (thinned - low) * (255.0 / (high - low))
    return np.nan_to_num(np.clip(scaled, 0.0, 255.0), nan=0.0).astype(np.uint8)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
