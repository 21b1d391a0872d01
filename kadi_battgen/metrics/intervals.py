"""Confidence intervals: over samples by bootstrap, over seeds by Student's t."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes
    ----------
    estimate
        The estimate itself.
    low, high
        Ends of the interval.
    level
        Nominal coverage, a fraction.
    """

    estimate: float
    low: float
    high: float
    level: float

    def to_json(self) -> dict[str, float]:
        """Return the interval as plain JSON values."""
        return {"estimate": self.estimate, "low": self.low, "high": self.high, "level": self.level}


def bootstrap_interval(
    arrays: Sequence[np.ndarray],
    statistic: Callable[..., float | None] = np.mean,
    *,
    groups: np.ndarray | None = None,
    paired: bool = True,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return a statistic with its percentile bootstrap interval.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Parameters
    ----------
    arrays
        The statistic's arguments, each with samples along the first axis.
    statistic
        What is computed from the arrays. Resamples for which it is None or not finite (an element that is in no sample of
        the draw) are left out.
    groups
        Label of each sample; whole groups are drawn, as samples of one crystal are not independent. For paired arrays only.
    paired
        Whether the same samples are drawn from all arrays; otherwise each array is drawn by itself.
    level
        Nominal coverage.
    resamples
        Number of draws.
    seed
        Seed of the draws.

    Raises
    ------
    ValueError
        If the arrays are empty, paired arrays differ in length, or no resample has the statistic.
    """
    counts = [len(array) for array in arrays]
    if not counts or min(counts) == 0 or (paired and len(set(counts)) > 1) or (groups is not None and not paired):
        raise ValueError(f"arrays of {counts} samples cannot be drawn from")
    if not 0 < level < 1:
        raise ValueError(f"level {level} is no coverage: give a fraction between 0 and 1")
    estimate = statistic(*arrays)
    if estimate is None:
        raise ValueError("the samples do not have the statistic")
    generator = np.random.default_rng(seed)
    members = group_members(counts[0], groups)
    values = []
    for _ in range(resamples):
        if paired:
            drawn = generator.integers(len(members), size=len(members))
            # Without groups each member is a sample: no need to join thousands of arrays of one.
            chosen = drawn if groups is None else np.concatenate([members[index] for index in drawn])
            value = statistic(*(array[chosen] for array in arrays))
        else:
            value = statistic(*(array[generator.integers(len(array), size=len(array))] for array in arrays))
        if value is not None and np.isfinite(value):
            values.append(value)
    if not values:
        raise ValueError("no resample has the statistic")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(estimate), float(low), float(high), level)


def group_members(count: int, groups: np.ndarray | None) -> list[np.ndarray]:
    """Return the positions of the samples of each group, as a bootstrap draws them; without groups each is its own.

    Raises
    ------
    ValueError
        If the labels are not as many as the samples.
    """
    if groups is None:
        return list(np.arange(count)[:, None])
    if len(groups) != count:
        raise ValueError(f"{len(groups)} labels do not belong to {count} samples")
    _, owner = np.unique(groups, return_inverse=True)
    return [np.flatnonzero(owner == number) for number in range(int(owner.max()) + 1)]


def seed_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean over repetitions with different seeds and its Student t interval.

    Parameters
    ----------
    values
        One result per seed; at least two.
    level
        Nominal coverage.

    Raises
    ------
    ValueError
        If there are fewer than two values.
    """
    from scipy.stats import t

    results = np.asarray(values, dtype=np.float64)
    if len(results) < 2:
        raise ValueError(f"{len(results)} result has no spread: repeat with more seeds")
    half = float(t.ppf(0.5 * (1 + level), len(results) - 1) * results.std(ddof=1) / np.sqrt(len(results)))
    mean = float(results.mean())
    return Interval(mean, mean - half, mean + half, level)
