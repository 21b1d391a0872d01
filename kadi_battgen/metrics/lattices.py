"""How well lattices of species are reconstructed, site by site and by their observables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kadi_battgen.metrics.intervals import bootstrap_interval
from kadi_battgen.metrics.regression import regression_metrics


def site_accuracies(true: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Return the share of sites with the right species in each configuration (N, rows, columns), (N,)."""
    return (np.asarray(true) == np.asarray(shown)).mean(axis=(1, 2))


def species_counts(true: np.ndarray, shown: np.ndarray, categories: int) -> np.ndarray:
    """Return how often each species is right, shown wrongly and missed.

    Parameters
    ----------
    true, shown
        Codes of the species, (N, rows, columns).
    categories
        Number of species.

    Returns
    -------
    numpy.ndarray
        int64, (N, 3, categories): sites where it is and is shown, where it is shown only, and where it only is.
    """
    counts = np.empty((len(true), 3, categories), dtype=np.int64)
    for code in range(categories):
        there, seen = true == code, shown == code
        counts[:, 0, code] = (there & seen).sum(axis=(1, 2))
        counts[:, 1, code] = (~there & seen).sum(axis=(1, 2))
        counts[:, 2, code] = (there & ~seen).sum(axis=(1, 2))
    return counts


def f1_score(counts: np.ndarray) -> float | None:
    """Return 2 TP / (2 TP + FP + FN) over configurations; None where the species neither is nor is shown.

    Parameters
    ----------
    counts
        Right, wrongly shown and missed sites, (N, 3).
    """
    right, wrong, missed = counts.sum(axis=0)
    return float(2 * right / (2 * right + wrong + missed)) if right + wrong + missed else None


def site_metrics(
    true: np.ndarray, shown: np.ndarray, species: Sequence[str], *, resamples: int = 300
) -> dict[str, Any]:
    """Return ``accuracy`` and, by species, ``f1`` of reconstructed configurations, with bootstrap intervals over them.

    Parameters
    ----------
    true, shown
        Codes of the species, (N, rows, columns).
    species
        Symbols in the order of the codes.
    resamples
        Draws of the bootstrap.
    """
    counts = species_counts(true, shown, len(species))
    scores: dict[str, Any] = {}
    for code, symbol in enumerate(species):
        own = counts[:, :, code]
        scores[symbol] = (
            None if f1_score(own) is None else bootstrap_interval([own], f1_score, resamples=resamples).to_json()
        )
    accuracy = bootstrap_interval([site_accuracies(true, shown)], resamples=resamples)
    return {"accuracy": accuracy.to_json(), "f1": scores}


def observable_agreement(
    true: Mapping[str, np.ndarray], shown: Mapping[str, np.ndarray], *, resamples: int = 300
) -> dict[str, dict[str, Any]]:
    """Return how far observables of shown configurations are from those of the true ones, by name.

    Parameters
    ----------
    true, shown
        Each observable by name, (N,), as :func:`kadi_battgen.sei.observables.observables` returns them.
    resamples
        Draws of the bootstrap.

    Returns
    -------
    dict
        For each observable ``mean_absolute_error``, ``mean_squared_error`` and ``r2``; ``relative_deviation``, that of the
        mean over all configurations from the truth's mean, and ``median_relative_error``, the median over the
        configurations in which the truth is not 0, both fractions with bootstrap intervals; None where the truth is 0.
    """
    table = {}
    for name, values in true.items():
        row: dict[str, Any] = dict(regression_metrics(values, shown[name]))
        pair = [np.asarray(values, dtype=np.float64), np.asarray(shown[name], dtype=np.float64)]
        for key, statistic in (("relative_deviation", _deviation), ("median_relative_error", _median_error)):
            known = statistic(*pair) is not None
            row[key] = bootstrap_interval(pair, statistic, resamples=resamples).to_json() if known else None
        table[name] = row
    return table


def _deviation(true: np.ndarray, shown: np.ndarray) -> float | None:
    mean = true.mean()
    return float((shown.mean() - mean) / mean) if mean > 0 else None


def _median_error(true: np.ndarray, shown: np.ndarray) -> float | None:
    known = true > 0
    return float(np.median(np.abs(shown[known] - true[known]) / true[known])) if known.any() else None
