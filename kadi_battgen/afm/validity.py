"""The validity rule of the thesis: the main feature of an image must lie inside the scan window."""

from __future__ import annotations

import numpy as np


def edge_distance(image: np.ndarray) -> int:
    """Return the distance of the brightest pixel from the edge of the scan window in pixels.

    It is ``min(x, width - 1 - x, y, height - 1 - y)`` for the pixel (x, y) of maximum intensity (section 4.2.1 of the
    thesis). An image or stack is valid if it is greater than 0: where nothing in the window repels the tip, the
    brightest pixel is background at an edge.

    Parameters
    ----------
    image
        An image of shape (height, width), or a stack of shape (slices, height, width), of which the brightest pixel of
        all slices counts. Of equally bright pixels the first in memory order counts.

    Returns
    -------
    int
        At least 0.
    """
    values = np.asarray(image)
    *_, y, x = np.unravel_index(int(np.argmax(values)), values.shape)
    height, width = values.shape[-2:]
    return int(min(x, width - 1 - x, y, height - 1 - y))
