"""Intervals of everything that a function measures at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from kadi_battgen.metrics.intervals import Interval, group_members
from kadi_battgen.metrics.nested import numbers


def with_intervals(
    measure: Callable[..., dict[str, Any]],
    arrays: Sequence[np.ndarray],
    *,
    groups: np.ndarray | None = None,
    leave_out: Collection[str] = (),
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """Return nested metrics with the percentile bootstrap interval of every number beside it, under ``intervals``.

    Parameters
    ----------
    measure
        Returns nested metrics of the arrays.
    arrays
        Its arguments, each with samples along the first axis; the same samples are drawn from all.
    groups
        Label of each sample; whole groups are drawn, as samples of one crystal are not independent.
    leave_out
        Names of numbers that get no interval: what counts samples, or how many of them are distinct, is another quantity
        where samples are drawn twice.
    level
        Nominal coverage.
    resamples
        Number of draws; those in which a number is not defined are left out for it.
    seed
        Seed of the draws.

    Raises
    ------
    ValueError
        If there is no sample, or the arrays differ in length.
    """
    if not arrays or len({len(array) for array in arrays}) != 1 or not len(arrays[0]):
        raise ValueError(f"arrays of {[len(array) for array in arrays]} samples cannot be drawn from")
    metrics = measure(*arrays)
    members = group_members(len(arrays[0]), groups)
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(resamples):
        chosen = np.concatenate([members[index] for index in generator.integers(len(members), size=len(members))])
        for path, value in numbers(measure(*(array[chosen] for array in arrays))):
            if np.isfinite(value):
                drawn.setdefault(path, []).append(value)
    for path, value in list(numbers(metrics)):
        *parents, name = path.split(".")
        if path in drawn and name not in leave_out:
            group = metrics
            for parent in parents:
                group = group[parent]
            low, high = np.quantile(drawn[path], [(1 - level) / 2, (1 + level) / 2])
            group.setdefault("intervals", {})[name] = Interval(value, float(low), float(high), level).to_json()
    return metrics
