"""Number types and interpolation that all operations share."""

from __future__ import annotations

import numpy as np


def computed(images: np.ndarray) -> np.ndarray:
    """Return images in the type that is computed in: float64 as it is, everything narrower as float32."""
    return images if images.dtype == np.float64 else images.astype(np.float32, copy=False)


def stored_as(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return computed values in the type they came in; what float16 cannot hold becomes its largest value, not infinity."""
    if values.dtype == dtype:
        return values
    largest = np.finfo(dtype).max
    return np.clip(values, -largest, largest).astype(dtype)


def bilinear(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Interpolate images linearly between pixels; beyond the edge the nearest edge pixel counts.

    Parameters
    ----------
    images
        (images, H, W).
    rows, columns
        Positions in pixels, (h, w), the same for all images.

    Returns
    -------
    numpy.ndarray
        (images, h, w), of the type of the images. Whole positions give the pixels themselves, bit by bit.
    """
    count, height, width = images.shape
    upper, row_share = between(rows, height)
    left, column_share = between(columns, width)
    lower, right = np.minimum(upper + 1, height - 1), np.minimum(left + 1, width - 1)
    values = computed(images).reshape(count, -1)
    row_share, column_share = row_share.astype(values.dtype), column_share.astype(values.dtype)
    # The weights are the same for all images: they are computed once, and only the pixels are fetched for each.
    top, bottom = (
        blend(values.take(row * width + left, axis=1), values.take(row * width + right, axis=1), column_share)
        for row in (upper, lower)
    )
    return stored_as(blend(top, bottom, row_share), images.dtype)


def along_rows(images: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Interpolate every row of every image at its own positions; beyond the edge the nearest edge pixel counts.

    Parameters
    ----------
    images
        (images, H, W).
    columns
        Positions in pixels, (images, H, W).
    """
    width = images.shape[-1]
    left, share = between(columns, width)
    values = computed(images)
    first = np.take_along_axis(values, left, axis=-1)
    second = np.take_along_axis(values, np.minimum(left + 1, width - 1), axis=-1)
    return stored_as(blend(first, second, share.astype(values.dtype)), images.dtype)


def between(positions: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel before each position inside the image, and the share of the one after it."""
    inside = np.clip(positions, 0.0, size - 1.0)
    before = inside.astype(np.intp)
    return before, inside - before


def blend(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return `first` where the share is 0, bit by bit, and (1 - share) `first` + share `second` elsewhere."""
    return first + share * (second - first)
