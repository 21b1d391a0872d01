"""Whether what is given a probability happens as often as it says."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Standard normal quantile of a 95 % interval.
_DEVIATIONS = 1.959963984540054


def reliability_table(happened: np.ndarray, probability: np.ndarray, bins: int = 10) -> dict[str, Any]:
    """Return how often events happen by the probability they were given.

    Parameters
    ----------
    happened
        Whether each event did, any shape.
    probability
        The probability that it was given, the same shape, in [0, 1].
    bins
        Number of equally wide bins; empty ones are left out.

    Returns
    -------
    dict
        Lists by bin, ``probability`` (the mean given), ``frequency``, its 95 % ``low`` and ``high`` (Wilson, J. Am. Stat.
        Assoc. 22, 209 (1927)) and ``events``; ``calibration_error``, the difference of probability and frequency averaged
        over events (Naeini et al., AAAI 2015); ``brier_score``, the mean squared difference (Brier 1950).

    Raises
    ------
    ValueError
        If the shapes differ, there is no event, or a probability is none.
    """
    events, given = np.asarray(happened, dtype=bool).ravel(), np.asarray(probability, dtype=np.float64).ravel()
    if events.shape != given.shape or not len(events) or not ((given >= 0) & (given <= 1)).all():
        raise ValueError("events and probabilities do not fit together, or one lies outside [0, 1]")
    place = np.minimum((given * bins).astype(int), bins - 1)
    rows = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        if count:
            share = float(events[inside].mean())
            centre, half = _wilson(share, count)
            rows.append((float(given[inside].mean()), share, centre - half, centre + half, count))
    columns = [list(column) for column in zip(*rows, strict=True)]
    mean, frequency, weight = np.array(columns[0]), np.array(columns[1]), np.array(columns[4])
    return {
        **dict(zip(("probability", "frequency", "low", "high", "events"), columns, strict=True)),
        "calibration_error": float((np.abs(mean - frequency) * weight).sum() / weight.sum()),
        "brier_score": float(np.square(given - events).mean()),
    }


def _wilson(share: float, count: int) -> tuple[float, float]:
    z = _DEVIATIONS
    scale = 1 + z**2 / count
    centre = (share + z**2 / (2 * count)) / scale
    return centre, z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / scale
