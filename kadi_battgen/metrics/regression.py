"""How well compositions are predicted: errors per element and presence of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS


def regression_metrics(true: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
    """Return mean absolute error, mean squared error and coefficient of determination.

    Parameters
    ----------
    true, predicted
        Arrays of one shape.

    Returns
    -------
    dict
        ``mean_absolute_error``, ``mean_squared_error`` and ``r2``, which is None where the truth does not vary.
    """
    error = np.asarray(predicted, dtype=np.float64) - np.asarray(true, dtype=np.float64)
    squared = float(np.mean(error**2))
    variance = float(np.var(true))
    return {
        "mean_absolute_error": float(np.mean(np.abs(error))),
        "mean_squared_error": squared,
        "r2": 1.0 - squared / variance if variance > 0 else None,
    }


def presence_auc(present: np.ndarray, score: np.ndarray) -> float | None:
    """Return the area under the receiver operating characteristic of one element's presence.

    It is the probability that a sample with the element scores above one without it, ties counting half; None where all
    samples have the element or none has.
    """
    present = np.asarray(present, dtype=bool)
    positive, negative = int(present.sum()), int((~present).sum())
    if not positive or not negative:
        return None
    from scipy.stats import rankdata

    ranks = rankdata(score)
    return float((ranks[present].sum() - positive * (positive + 1) / 2) / (positive * negative))


def composition_metrics(true: np.ndarray, predicted: np.ndarray, minimum_occurrences: int = 3) -> dict[str, Any]:
    """Return the errors of predicted compositions, over all and per element.

    Parameters
    ----------
    true, predicted
        Atoms per reduced formula, (samples, 112).
    minimum_occurrences
        Elements in fewer samples than this (or missing in fewer) have no figures of their own.

    Returns
    -------
    dict
        ``overall`` (regression metrics over all 112 counts), ``elements`` (the same and the presence AUC per element) and
        ``mean_presence_auc`` over those elements.
    """
    elements = {}
    for index, symbol in enumerate(ELEMENTS):
        present = true[:, index] > 0
        if present.sum() >= minimum_occurrences and (~present).sum() >= minimum_occurrences:
            elements[symbol] = {
                "samples": int(present.sum()),
                **regression_metrics(true[:, index], predicted[:, index]),
                "presence_auc": presence_auc(present, predicted[:, index]),
            }
    areas = [entry["presence_auc"] for entry in elements.values() if entry["presence_auc"] is not None]
    return {
        "overall": regression_metrics(true, predicted),
        "elements": elements,
        "mean_presence_auc": float(np.mean(areas)) if areas else None,
    }
