"""How well compositions are predicted: errors per element and presence of elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENT_INDEX, ELEMENTS
from kadi_battgen.electrodes.properties import WORKING_IONS


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


def composition_metrics(
    true: np.ndarray, predicted: np.ndarray, minimum_occurrences: int = 3, presence: np.ndarray | None = None
) -> dict[str, Any]:
    """Return the errors of predicted compositions, over all and per element.

    Parameters
    ----------
    true, predicted
        Atoms per reduced formula, (samples, 112).
    minimum_occurrences
        Elements in fewer samples than this (or missing in fewer) have no figures of their own.
    presence
        Score of each element's presence, (samples, 112); by default the predicted counts.

    Returns
    -------
    dict
        ``overall`` (regression metrics over all 112 counts), ``elements`` (the same and the presence AUC per element) and
        ``mean_presence_auc`` over those elements.
    """
    elements = {}
    scores = predicted if presence is None else np.asarray(presence)
    for index, symbol in enumerate(ELEMENTS):
        present = true[:, index] > 0
        if present.sum() >= minimum_occurrences and (~present).sum() >= minimum_occurrences:
            elements[symbol] = {
                "samples": int(present.sum()),
                **regression_metrics(true[:, index], predicted[:, index]),
                "presence_auc": presence_auc(present, scores[:, index]),
            }
    areas = [entry["presence_auc"] for entry in elements.values() if entry["presence_auc"] is not None]
    return {
        "overall": regression_metrics(true, predicted),
        "elements": elements,
        "mean_presence_auc": float(np.mean(areas)) if areas else None,
    }


def working_ion_table(
    true: np.ndarray, predicted: np.ndarray, working_ions: Sequence[str], order: Sequence[str] = WORKING_IONS
) -> list[dict[str, Any]]:
    """Return the errors of the working ions' own counts, one row an ion (thesis table 4.1).

    Parameters
    ----------
    true, predicted
        Atoms per reduced formula, (samples, 112).
    working_ions
        Working ion of each sample.
    order
        The ions in the order of the rows.

    Returns
    -------
    list of dict
        ``working_ion``; the regression metrics of that element's count over all samples, as in the thesis; ``samples``
        with that ion; and, under ``own_``, the metrics of the count over those samples and of the whole vector
        (``own_vector_``). Figures over samples are None where there are none.
    """
    labels = np.asarray(working_ions)
    rows = []
    for ion in order:
        column, own = ELEMENT_INDEX[ion], labels == ion
        row: dict[str, Any] = {"working_ion": ion, **regression_metrics(true[:, column], predicted[:, column])}
        row["samples"] = int(own.sum())
        for prefix, part in (("own_", np.s_[own, column]), ("own_vector_", np.s_[own, :])):
            figures = regression_metrics(true[part], predicted[part]) if own.any() else dict.fromkeys(_FIGURES)
            row.update({f"{prefix}{name}": value for name, value in figures.items()})
        rows.append(row)
    return rows


def element_table(true: np.ndarray, predicted: np.ndarray, minimum_occurrences: int = 3) -> list[dict[str, Any]]:
    """Return the rows of :func:`composition_metrics` by element, as a table: the most frequent element first."""
    elements = composition_metrics(true, predicted, minimum_occurrences)["elements"]
    rows = [{"element": symbol, **figures} for symbol, figures in elements.items()]
    return sorted(rows, key=lambda row: -row["samples"])


_FIGURES = ("mean_absolute_error", "mean_squared_error", "r2")
