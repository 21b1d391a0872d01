"""How strongly outputs respond to changes of their conditions: distances, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadi_battgen.metrics.intervals import Interval, bootstrap_interval


@dataclass(frozen=True)
class Response:
    """How far an output moves when one condition changes, over electrodes and noise seeds.

    Attributes
    ----------
    change
        Mean distance over all changes of the condition.
    increase, decrease
        Mean distance when the condition rises, and when it falls; None where it has no direction.
    asymmetry
        (increase - decrease) / (increase + decrease), between -1 and 1: above zero, the output moves further when the
        condition rises. None where the condition has no direction or nothing moves.
    """

    change: Interval
    increase: Interval | None = None
    decrease: Interval | None = None
    asymmetry: Interval | None = None


def root_mean_square_change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the L2 distance of arrays (samples, ...) divided by the root of their number of values, (samples,)."""
    return l2_change(first, second) / np.sqrt(np.prod(np.shape(first)[1:]))


def l2_change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the L2 distance of arrays (samples, ...), (samples,)."""
    difference = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    return np.sqrt(np.square(difference).reshape(len(difference), -1).sum(axis=1))


def directed_response(increase: np.ndarray, decrease: np.ndarray, *, level: float = 0.95, seed: int = 0) -> Response:
    """Return the response to a condition that rises and falls by the same step.

    Intervals are bootstrapped over the electrodes, whose noise seeds are drawn with them: they hold for other electrodes
    and other seeds together.

    Parameters
    ----------
    increase, decrease
        Distance of the output from the unchanged one, (electrodes, seeds) each.
    level
        Nominal coverage of the intervals.
    seed
        Seed of the draws.
    """
    up, down = increase.mean(axis=1), decrease.mean(axis=1)

    def interval(arrays: list[np.ndarray], statistic: object = np.mean) -> Interval:
        return bootstrap_interval(arrays, statistic, level=level, seed=seed)  # type: ignore[arg-type]

    moves = bool((up + down).any())
    return Response(
        interval([(up + down) / 2]),
        interval([up]),
        interval([down]),
        interval([up, down], _asymmetry) if moves else None,
    )


def substitution_response(
    distances: np.ndarray, substitutes: np.ndarray, *, level: float = 0.95, seed: int = 0
) -> Response:
    """Return the response to a category that is replaced with each of the others.

    Parameters
    ----------
    distances
        Distance of the output from the one of the true category, (electrodes, seeds, categories).
    substitutes
        Which categories are not the electrode's own, (electrodes, categories) bool; each electrode has at least one.
    level, seed
        As for :func:`directed_response`.
    """
    mean = (distances * substitutes[:, None]).sum(axis=2) / substitutes.sum(axis=1, keepdims=True)
    return Response(bootstrap_interval([mean.mean(axis=1)], level=level, seed=seed))


def _asymmetry(increase: np.ndarray, decrease: np.ndarray) -> float | None:
    total = increase.mean() + decrease.mean()
    return float((increase.mean() - decrease.mean()) / total) if total > 0 else None
