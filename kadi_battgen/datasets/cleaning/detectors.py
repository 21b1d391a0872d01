"""Multivariate outlier detectors whose constants are plain numbers: no pickle, and the same scores everywhere.

scikit-learn fits them; the scores are computed here from the exported constants, at fitting as well as later.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

#: Trees of an isolation forest and rows that each is grown on (Liu, Ting, Zhou, ICDM 2008, section 4.3).
_TREES, _ROWS = 100, 256

#: Widths of the autoencoder's hidden layers; the middle one is the bottleneck.
_HIDDEN = (8, 3, 8)

#: Quantiles between which the autoencoder learns each column, as fractions.
_CORE = (0.02, 0.98)


def fit_isolation_forest(values: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the trees of an isolation forest.

    Parameters
    ----------
    values
        Training rows, (rows, columns), finite.
    seed
        Seed of the trees.
    """
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=_TREES, max_samples=min(_ROWS, len(values)), random_state=seed).fit(values)
    trees = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        trees.append(
            {
                "left": tree.children_left.tolist(),
                "right": tree.children_right.tolist(),
                "column": tree.feature.tolist(),
                "threshold": tree.threshold.tolist(),
                "rows": tree.n_node_samples.tolist(),
            }
        )
    return {"trees": trees, "rows": int(forest.max_samples_)}


def isolation_scores(values: np.ndarray, constants: dict[str, Any]) -> np.ndarray:
    """Return the anomaly scores of rows, in (0, 1]: 2 to the power of minus the mean path length over its expectation.

    Parameters
    ----------
    values
        Rows, (rows, columns), finite.
    constants
        What :func:`fit_isolation_forest` returned.

    Returns
    -------
    numpy.ndarray
        float64, (rows,); equation 2 of Liu, Ting, Zhou, ICDM 2008.
    """
    # scikit-learn grows its trees on single precision, and compares in it.
    points = values.astype(np.float32)
    lengths = np.zeros(len(points))
    for tree in constants["trees"]:
        left, right, column, rows = (np.array(tree[name]) for name in ("left", "right", "column", "rows"))
        threshold = np.array(tree["threshold"])
        node = np.zeros(len(points), dtype=np.int64)
        depth = np.zeros(len(points))
        while (inside := np.flatnonzero(left[node] != -1)).size:
            here = node[inside]
            goes_left = points[inside, column[here]] <= threshold[here]
            node[inside] = np.where(goes_left, left[here], right[here])
            depth[inside] += 1
        lengths += depth + _expected_length(rows[node])
    expected = _expected_length(np.array([constants["rows"]]))[0]
    return 2.0 ** (-lengths / (len(constants["trees"]) * expected)) if expected > 0 else np.full(len(points), 0.5)


def _expected_length(rows: np.ndarray) -> np.ndarray:
    """Return the mean path length of unsuccessful searches in binary trees of so many rows (their equation 1)."""
    many = np.maximum(rows, 3).astype(np.float64)
    lengths = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, lengths))


def fit_autoencoder(values: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the weights of a small autoencoder (8-3-8 tanh units) of standardised columns, learnt without their tails.

    Parameters
    ----------
    values
        Training rows, (rows, columns), finite.
    seed
        Seed of the initial weights.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    # Learnt from columns clipped to their cores: an autoencoder that has seen the outliers gives them back very well.
    values = np.clip(values, *np.quantile(values, _CORE, axis=0))
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    points = (values - mean) / np.where(deviation > 0, deviation, 1.0)
    network = MLPRegressor(
        hidden_layer_sizes=_HIDDEN, activation="tanh", solver="lbfgs", alpha=1e-4, max_iter=300, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # the best of 300 iterations is good enough to compare errors
        network.fit(points, points if points.shape[1] > 1 else points[:, 0])
    return {
        "mean": mean.tolist(),
        "deviation": deviation.tolist(),
        "weights": [layer.tolist() for layer in network.coefs_],
        "biases": [layer.tolist() for layer in network.intercepts_],
    }


def reconstruction_errors(values: np.ndarray, constants: dict[str, Any]) -> np.ndarray:
    """Return the mean squared error with which an autoencoder gives rows back, in squared standard deviations.

    Parameters
    ----------
    values
        Rows, (rows, columns), finite.
    constants
        What :func:`fit_autoencoder` returned.

    Returns
    -------
    numpy.ndarray
        float64, (rows,).
    """
    deviation = np.array(constants["deviation"])
    points = (values - np.array(constants["mean"])) / np.where(deviation > 0, deviation, 1.0)
    signal = points
    last = len(constants["weights"]) - 1
    for place, (weights, biases) in enumerate(zip(constants["weights"], constants["biases"], strict=True)):
        signal = signal @ np.array(weights) + np.array(biases)
        signal = signal if place == last else np.tanh(signal)
    return ((signal - points) ** 2).mean(axis=1)
