"""Operations that move the tip up or down: a stack at other heights, interpolated between its slices.

Heights are tip-sample distances in A, one a slice, in rising or falling order; where a stack holds the slices of two tips,
they begin again with the second tip, and each tip's slices are interpolated by themselves. A stack says nothing about
heights outside its own range: there the nearest slice is shown, and an offset of more than the whole range is refused.
"""

from __future__ import annotations

import numpy as np

from kadi_battgen.afm.tips import tip_parts
from kadi_battgen.datasets.augmentation.arrays import between, blend, computed, stored_as
from kadi_battgen.errors import UserError


def height_offset(stack: np.ndarray, heights: np.ndarray, offset: float) -> np.ndarray:
    """Return the stack as scanned with the tip farther from the sample by `offset` than was believed.

    Parameters
    ----------
    stack
        (slices, H, W).
    heights
        Tip-sample distance of each slice in A.
    offset
        In A; negative is closer.

    Raises
    ------
    UserError
        If the offset is larger than the range of the heights.
    """
    return at_heights(stack, heights, np.asarray(heights, dtype=float)[:, None, None] + _in_range(offset, heights))


def tilted(stack: np.ndarray, heights: np.ndarray, pixel_size: float, angle: float, direction: float) -> np.ndarray:
    """Return the stack of a scan plane that is tilted against the surface about the middle of the window.

    Scanned at constant height, a tilt is no plane to subtract: it changes the tip-sample distance from pixel to pixel.

    Parameters
    ----------
    stack
        (slices, H, W).
    heights
        Tip-sample distance of each slice in A.
    pixel_size
        Distance between two pixels in A.
    angle
        Tilt in degrees.
    direction
        Direction in which the tip moves away from the surface, in degrees from +x to +y.

    Raises
    ------
    UserError
        If the plane rises by more than the range of the heights at the edge of the window.
    """
    y, x = (axis - (size - 1) / 2 for axis, size in zip(np.indices(stack.shape[1:]), stack.shape[1:], strict=True))
    slope, turn = np.tan(np.deg2rad(angle)), np.deg2rad(direction)
    rise = slope * pixel_size * (x * np.cos(turn) + y * np.sin(turn))
    _in_range(float(np.abs(rise).max()), heights)
    return at_heights(stack, heights, np.asarray(heights, dtype=float)[:, None, None] + rise)


def at_heights(stack: np.ndarray, heights: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the stack at other heights, linear between its slices and constant beyond the first and the last.

    Parameters
    ----------
    stack
        (slices, H, W).
    heights
        Tip-sample distance of each slice in A, strictly rising or falling for each tip.
    wanted
        Tip-sample distance of each pixel in A, (slices, H, W) or (slices, 1, 1).
    """
    known = np.asarray(heights, dtype=float)
    parts = tip_parts(known)
    if len(parts) > 1:
        return np.concatenate([at_heights(stack[part], known[part], wanted[part]) for part in parts])
    if len(known) == 1:
        return stack
    rising = known if known[-1] > known[0] else known[::-1]
    position = np.interp(wanted, rising, np.arange(len(rising), dtype=float))
    if rising is not known:
        position = len(known) - 1 - position
    before, share = between(position, len(known))
    after = np.minimum(before + 1, len(known) - 1)
    values = computed(stack)
    if before.shape[1:] == (1, 1):
        first, second = values[before[:, 0, 0]], values[after[:, 0, 0]]
    else:
        first, second = (np.take_along_axis(values, slices, axis=0) for slices in (before, after))
    return stored_as(blend(first, second, share.astype(values.dtype)), stack.dtype)


def _in_range(offset: float, heights: np.ndarray) -> float:
    span = float(np.ptp(heights))
    if abs(offset) > span + 1e-9:
        raise UserError(
            f"A height offset of {offset:.3g} A is larger than the {span:.3g} A that the stack spans: give a smaller "
            "offset or tilt, or simulate more heights."
        )
    return offset
