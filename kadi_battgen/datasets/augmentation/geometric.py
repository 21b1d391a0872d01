"""Geometric operations: whole pixels turned, mirrored, moved and cut out; the same call serves stack and descriptors.

Images are (..., H, W) with rows along y and columns along x. A mirrored picture is the picture of the enantiomorphic crystal
(all atom positions mirrored): it has the same composition, the same distances and the same functional properties, so labels
stay true, although the handedness of a chiral crystal changes.

Where pixels come into view that were not scanned, nothing is made up: the nearest scanned pixel is repeated, or `fill` is
shown. With `fill` 0 (False) and an image of ones (True) the same call tells which pixels of the result were scanned.
"""

from __future__ import annotations

import numpy as np

from kadi_battgen.datasets.augmentation.arrays import bilinear

#: What shows where nothing was scanned: None repeats the nearest pixel; else a value, or one per image, (images, 1, 1).
Fill = float | bool | np.ndarray | None


def quarter_turned(images: np.ndarray, turns: int) -> np.ndarray:
    """Return images after quarter turns from +y to +x (counter-clockwise as matplotlib shows row 0 on top)."""
    return np.rot90(images, turns, axes=(-2, -1))


def mirrored(images: np.ndarray) -> np.ndarray:
    """Return images mirrored in x; with quarter turns this gives all eight symmetries of the square."""
    return images[..., ::-1]


def translated(images: np.ndarray, rows: int, columns: int, fill: Fill = None) -> np.ndarray:
    """Return images whose content has moved by whole pixels: pixel (y, x) is then at (y + rows, x + columns)."""
    height, width = images.shape[-2:]
    return _taken(images, np.arange(height) - rows, np.arange(width) - columns, (0, 0, height, width), fill)


def cropped(images: np.ndarray, box: tuple[int, int, int, int], fill: Fill = None) -> np.ndarray:
    """Return images of which only a box is left, at its place and at its scale.

    Parameters
    ----------
    images
        (..., H, W).
    box
        First row, first column, height and width of the box in pixels.
    fill
        What shows around it.
    """
    height, width = images.shape[-2:]
    return _taken(images, np.arange(height), np.arange(width), box, fill)


def magnified(images: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return a box of the images, stretched to their size by linear interpolation.

    A pixel then covers less of the sample, as with a scanner whose piezo is calibrated wrongly: keep the box large.

    Parameters
    ----------
    images
        (images, H, W).
    box
        First row, first column, height and width of the box in pixels.
    """
    top, left, box_height, box_width = box
    height, width = images.shape[-2:]
    rows = top + (box_height - 1) * np.arange(height) / max(height - 1, 1)
    columns = left + (box_width - 1) * np.arange(width) / max(width - 1, 1)
    return bilinear(images, *np.meshgrid(rows, columns, indexing="ij"))


def _taken(
    images: np.ndarray, rows: np.ndarray, columns: np.ndarray, box: tuple[int, int, int, int], fill: Fill
) -> np.ndarray:
    """Return the pixels at `rows` and `columns`, of which those in the box are known."""
    top, left, height, width = box
    inner_rows, inner_columns = np.clip(rows, top, top + height - 1), np.clip(columns, left, left + width - 1)
    result = images[..., inner_rows, :][..., inner_columns]
    if fill is not None:
        known = (inner_rows == rows)[:, None] & (inner_columns == columns)
        result = np.where(known, result, np.asarray(fill, dtype=images.dtype))
    return result
