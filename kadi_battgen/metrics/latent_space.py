"""How a latent space is used and ordered: read-outs, smoothness, active units, mutual information, disentanglement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Variance of a unit's mean over the data above which it counts as active (Burda et al., ICLR 2016, section 5.2).
ACTIVE_VARIANCE = 0.01

#: Ridge of linear read-outs in units of the latents' variance: only keeps idle units from being divided by nothing.
_RIDGE = 1e-6

#: Queries whose distances to all points are computed together; bounds the memory.
_BLOCK = 512


@dataclass(frozen=True)
class PrincipalComponents:
    """Directions of largest variance of latents.

    Attributes
    ----------
    mean
        (latent size,).
    directions
        One unit vector a row, (components, latent size), that of the largest variance first; its largest entry is positive.
    shares
        Fraction of the variance along each, (components,).
    """

    mean: np.ndarray
    directions: np.ndarray
    shares: np.ndarray

    @classmethod
    def fit(cls, latents: np.ndarray, count: int | None = None) -> PrincipalComponents:
        """Return the first `count` components of latents (samples, latent size), all of them by default."""
        points = np.asarray(latents, dtype=np.float64)
        mean = points.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(points, rowvar=False).reshape(points.shape[1], points.shape[1]))
        directions = vectors.T[::-1]
        signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
        shares = np.maximum(values[::-1], 0.0)
        return cls(mean, (directions * signs[:, None])[:count], (shares / max(shares.sum(), 1e-300))[:count])

    def scores(self, latents: np.ndarray) -> np.ndarray:
        """Return the coordinates of latents (samples, latent size) along the components, (samples, components)."""
        return (np.asarray(latents, dtype=np.float64) - self.mean) @ self.directions.T

    def points(self, scores: np.ndarray) -> np.ndarray:
        """Return the latents (samples, latent size) at coordinates (samples, up to all components)."""
        along = np.asarray(scores, dtype=np.float64)
        return self.mean + along @ self.directions[: along.shape[1]]


def linear_readout(latents: np.ndarray, values: np.ndarray, *, folds: int = 5, seed: int = 0) -> float | None:
    """Return the R2 of a linear function of the latents on samples that it was not fitted to (cross-validation).

    Parameters
    ----------
    latents
        (samples, latent size).
    values
        Property of each sample, (samples,).
    folds
        Number of parts.
    seed
        Seed of the division into parts.

    Returns
    -------
    float or None
        None where the property is constant or there are fewer samples than parts.
    """
    points, target = np.asarray(latents, dtype=np.float64), np.asarray(values, dtype=np.float64)
    spread = float(np.square(target - target.mean()).sum()) if len(target) else 0.0
    if len(target) < folds or spread <= 0:
        return None
    part = np.random.default_rng(seed).permutation(len(target)) % folds
    error = 0.0
    for fold in range(folds):
        kept = part != fold
        weights, offset = _ridge(points[kept], target[kept])
        error += float(np.square(points[~kept] @ weights + offset - target[~kept]).sum())
    return 1.0 - error / spread


def neighbour_smoothness(latents: np.ndarray, values: np.ndarray, neighbours: int = 10) -> float | None:
    """Return how alike a property is among nearest neighbours: 1 for equal, 0 for no more than of any two samples.

    It is 1 - C with Geary's contiguity ratio C (Geary, Incorporated Statistician 5, 115 (1954)) over the `neighbours` nearest
    samples of each.

    Parameters
    ----------
    latents
        (samples, latent size).
    values
        Property of each sample, (samples,).
    neighbours
        Number of neighbours, fewer where there are not so many samples.

    Returns
    -------
    float or None
        None where the property is constant or there is a single sample.
    """
    target = np.asarray(values, dtype=np.float64)
    if len(target) < 2 or target.std() == 0:
        return None
    found, _ = nearest(latents, latents, min(neighbours, len(target) - 1), exclude_self=True)
    squared = np.square(target[:, None] - target[found]).mean()
    return float(1.0 - squared / (2.0 * target.var(ddof=1)))


def nearest(
    points: np.ndarray, queries: np.ndarray, count: int, *, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and Euclidean distances of the nearest points of each query, nearest first, (queries, count) each.

    Parameters
    ----------
    points
        (samples, size).
    queries
        (queries, size).
    count
        Number of points.
    exclude_self
        Whether the queries are the points themselves, none of which is its own neighbour.
    """
    known = np.asarray(points, dtype=np.float64)
    asked = np.asarray(queries, dtype=np.float64)
    squares = np.square(known).sum(axis=1)
    positions, distances = [np.empty((0, count), dtype=int)], [np.empty((0, count))]
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        squared = np.square(block).sum(axis=1)[:, None] + squares - 2.0 * block @ known.T
        if exclude_self:
            own = np.arange(len(block))
            squared[own, start + own] = np.inf
        chosen = np.argpartition(squared, min(count, squared.shape[1] - 1), axis=1)[:, :count]
        reached = np.take_along_axis(squared, chosen, axis=1)
        order = np.argsort(reached, axis=1, kind="stable")
        positions.append(np.take_along_axis(chosen, order, axis=1))
        distances.append(np.sqrt(np.maximum(np.take_along_axis(reached, order, axis=1), 0.0)))
    return np.concatenate(positions), np.concatenate(distances)


def unit_usage(mean: np.ndarray, standard_deviation: np.ndarray) -> dict[str, Any]:
    """Return how the units of a latent are used.

    Parameters
    ----------
    mean, standard_deviation
        Of the latent given each configuration, (samples, latent size) each.

    Returns
    -------
    dict
        ``units``; ``active_units``, those whose mean has a variance above ``ACTIVE_VARIANCE``; ``effective_dimensions``, the
        participation ratio of the variances along the principal components; and by unit ``variance`` and
        ``divergence_nat``, the Kullback-Leibler divergence to N(0, 1).
    """
    centre, deviation = np.asarray(mean, dtype=np.float64), np.asarray(standard_deviation, dtype=np.float64)
    variance = centre.var(axis=0)
    divergence = 0.5 * (np.square(centre) + np.square(deviation) - 1.0) - np.log(np.maximum(deviation, 1e-12))
    shares = PrincipalComponents.fit(centre).shares
    return {
        "units": centre.shape[1],
        "active_units": int((variance > ACTIVE_VARIANCE).sum()),
        "effective_dimensions": float(1.0 / np.square(shares).sum()) if shares.any() else 0.0,
        "variance": variance.tolist(),
        "divergence_nat": divergence.mean(axis=0).tolist(),
    }


def mutual_information(latents: np.ndarray, values: np.ndarray, bins: int = 20) -> np.ndarray:
    """Return the mutual information of each unit and each property in nat, (latent size, properties).

    Both are divided into `bins` of equal frequency; the estimate is that of the histogram, less the bias that independent
    quantities would show (Miller and Madow), not below 0.

    Parameters
    ----------
    latents
        (samples, latent size).
    values
        (samples, properties).
    bins
        Number of bins of each.
    """
    units, targets = (_ranked(np.asarray(table), bins) for table in (latents, values))
    found = np.zeros((units.shape[1], targets.shape[1]))
    for row in range(units.shape[1]):
        for column in range(targets.shape[1]):
            joint = np.histogram2d(units[:, row], targets[:, column], bins=(np.arange(bins + 1) - 0.5,) * 2)[0]
            share = joint / joint.sum()
            own, other = share.sum(axis=1, keepdims=True), share.sum(axis=0, keepdims=True)
            filled = share > 0
            information = float((share[filled] * np.log(share[filled] / (own * other)[filled])).sum())
            bias = ((own > 0).sum() - 1) * ((other > 0).sum() - 1) / (2.0 * joint.sum())
            found[row, column] = max(0.0, information - bias)
    return found


def disentanglement(latents: np.ndarray, values: Mapping[str, np.ndarray], bins: int = 20) -> dict[str, Any]:
    """Return how far each property has units of its own, and each unit a property of its own.

    Of properties that are one and the same quantity (correlation above 0.999) only the first counts.

    Parameters
    ----------
    latents
        (samples, latent size).
    values
        Properties by name, (samples,) each.
    bins
        Bins of the mutual information.

    Returns
    -------
    dict
        ``properties`` that counted; ``mutual_information_gap``, the difference of the mutual information of the two units that
        know most of a property, over its entropy, and its ``mean`` (Chen et al., NeurIPS 2018, equation 6);
        ``disentanglement`` and ``completeness`` of the weights of linear read-outs of standardised latents (Eastwood and
        Williams, ICLR 2018): 1 where each unit serves one property, and where each property needs one unit.
    """
    names = _distinct(values)
    table = np.stack([np.asarray(values[name], dtype=np.float64) for name in names], axis=1)
    information = mutual_information(latents, table, bins)
    entropies = [_entropy(column) for column in _ranked(table, bins).T]
    gaps = {}
    for column, name in enumerate(names):
        most = np.sort(information[:, column])[::-1]
        gaps[name] = float((most[0] - (most[1] if len(most) > 1 else 0.0)) / max(entropies[column], 1e-12))
    points = np.asarray(latents, dtype=np.float64)
    scaled = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-9)
    weights = np.stack([np.abs(_ridge(scaled, _standard(column))[0]) for column in table.T], axis=1)
    return {
        "properties": names,
        "mutual_information_gap": {**gaps, "mean": float(np.mean(list(gaps.values())))},
        "disentanglement": _concentration(weights),
        "completeness": _concentration(weights.T),
    }


def _ridge(points: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights and offset of the linear function that fits best."""
    centre, middle = points.mean(axis=0), target.mean()
    shifted = points - centre
    gram = shifted.T @ shifted
    ridge = _RIDGE * max(np.trace(gram) / len(gram), 1e-12)
    weights = np.linalg.solve(gram + ridge * np.eye(len(gram)), shifted.T @ (target - middle))
    return weights, float(middle - centre @ weights)


def _ranked(table: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of equal frequency of each entry by column; equal values share a bin."""
    from scipy.stats import rankdata

    ranks = rankdata(table, method="average", axis=0) - 0.5
    return np.minimum((ranks / len(table) * bins).astype(int), bins - 1)


def _entropy(labels: np.ndarray) -> float:
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(shares * np.log(shares)).sum())


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(float(values.std()), 1e-12)


def _distinct(values: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of properties that vary and are not another one in other units."""
    kept: list[str] = []
    for name, column in values.items():
        scaled = _standard(np.asarray(column, dtype=np.float64))
        same = (abs(float(np.mean(scaled * _standard(np.asarray(values[other]))))) > 0.999 for other in kept)
        if np.std(column) > 0 and not any(same):
            kept.append(name)
    return kept


def _concentration(weights: np.ndarray) -> float | None:
    """Return 1 minus the mean normalised entropy of the rows, weighted by their sums; None for a single column."""
    if weights.shape[1] < 2 or not weights.any():
        return None
    sums = weights.sum(axis=1)
    shares = weights / np.maximum(sums, 1e-300)[:, None]
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1) / np.log(weights.shape[1])
    return float(((1.0 - entropy) * sums).sum() / sums.sum())
