"""Whether predicted intervals hold the truth as often as they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS


def coverage(true: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Return the share of true values that lie in their interval, ends included."""
    return float(np.mean((np.asarray(true) >= low) & (np.asarray(true) <= high)))


def interval_score(true: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
    """Return the mean interval score: width plus what the truth lies outside, times 2 / (1 - level); smaller is better.

    Source: Gneiting and Raftery, J. Am. Stat. Assoc. 102, 359 (2007), equation 43.
    """
    below, above = np.clip(low - true, 0, None), np.clip(true - high, 0, None)
    return float(np.mean(high - low + 2 / (1 - level) * (below + above)))


def ensemble_intervals(members: np.ndarray, levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the central quantile intervals of an ensemble, two arrays (levels, ...).

    Parameters
    ----------
    members
        Predictions, (members, ...).
    levels
        Nominal coverages, fractions.
    """
    chosen = np.asarray(levels, dtype=np.float64)
    return np.quantile(members, (1 - chosen) / 2, axis=0), np.quantile(members, (1 + chosen) / 2, axis=0)


def calibration_table(
    true: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    levels: Sequence[float],
    minimum_occurrences: int = 3,
) -> dict[str, Any]:
    """Return the coverage of predicted composition intervals against their nominal levels, over all and by element.

    Parameters
    ----------
    true
        Atoms per reduced formula, (samples, 112).
    low, high
        Ends of the intervals, (levels, samples, 112).
    levels
        Nominal coverage of each interval.
    minimum_occurrences
        Elements in fewer samples than this have no figures of their own. Absent elements are easy: the figures of an element
        are over the samples that hold it and over all.

    Returns
    -------
    dict
        ``levels``; ``overall``, the coverage at each level over all counts; ``overall_present``, over the elements that are
        there; ``elements``, by symbol ``samples``, ``coverage`` and ``coverage_present`` (one number a level); and
        ``calibration_error``, the mean absolute difference of ``overall_present`` and the levels (None where no element is
        there).

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    true = np.asarray(true)
    if low.shape != (len(levels), *true.shape) or high.shape != low.shape:
        raise ValueError(f"intervals of shape {low.shape} do not fit {len(levels)} levels of {true.shape} counts")
    inside = (true >= low) & (true <= high)
    there = true > 0
    present = [float(level[there].mean()) for level in inside] if there.any() else None
    elements = {}
    for index, symbol in enumerate(ELEMENTS):
        holds = there[:, index]
        if holds.sum() >= minimum_occurrences:
            elements[symbol] = {
                "samples": int(holds.sum()),
                "coverage": inside[:, :, index].mean(axis=1).tolist(),
                "coverage_present": inside[:, holds, index].mean(axis=1).tolist(),
            }
    return {
        "levels": list(map(float, levels)),
        "overall": inside.mean(axis=(1, 2)).tolist(),
        "overall_present": present,
        "elements": elements,
        "calibration_error": None if present is None else float(np.mean(np.abs(np.subtract(present, levels)))),
    }
