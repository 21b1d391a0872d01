"""Which tips scanned a stack, and which of its slices are whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def tips_of(conventions: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tips that scanned stacks with these conventions, ``neutral`` or ``charged``, in the order of their slices."""
    if "tips" in conventions["axis_order"]:
        return "neutral", "charged"
    return ("charged",) if "point_charges" in conventions["tip"] else ("neutral",)


def tip_parts(heights: Sequence[float] | np.ndarray) -> list[slice]:
    """Return the slices of a stack that each tip scanned: the heights begin again with every tip.

    Parameters
    ----------
    heights
        Tip-sample distance of each slice in A, those of one tip after those of the other.
    """
    known = np.asarray(heights)
    starts = np.flatnonzero(known == known[0]).tolist()
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], len(known)], strict=True)]
