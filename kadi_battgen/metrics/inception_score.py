"""Inception score: how sure a classifier is of each image, and how varied its answers are (thesis equation 2.55)."""

from __future__ import annotations

import numpy as np


def inception_score(probabilities: np.ndarray) -> float:
    """Return exp of the mean Kullback-Leibler divergence of p(class | image) from the mean p(class).

    Source: Salimans et al., NeurIPS 2016, section 4, over all images at once (Barratt and Sharma 2018, section 3.2.1, on
    what splits do). It lies between 1 and the number of classes.

    Parameters
    ----------
    probabilities
        (samples, classes); each row adds up to one.

    Raises
    ------
    ValueError
        If the table is empty or its rows are no probabilities.
    """
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or (table < 0).any() or not np.allclose(table.sum(axis=1), 1.0, atol=1e-4):
        raise ValueError(f"an array of shape {table.shape} holds no class probabilities")
    marginal = table.mean(axis=0)
    # 0 ln 0 is 0; where the marginal vanishes, every probability does.
    ratio = np.divide(table, marginal, out=np.ones_like(table), where=table > 0)
    return float(np.exp((table * np.log(ratio)).sum(axis=1).mean()))
