"""Frechet distance of feature vectors (thesis equation 2.56)."""

from __future__ import annotations

import numpy as np


def frechet_distance(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> float:
    """Return the squared Frechet distance of two Gaussians.

    Source: Heusel et al., NeurIPS 2017, equation 6. The trace of the root of the product of the covariances is taken as the
    sum of singular values of L^T M with L L^T and M M^T the covariances: exact for covariances of too few samples as well,
    for which a matrix square root is ill-conditioned.

    Parameters
    ----------
    mean, other_mean
        (features,).
    covariance, other_covariance
        (features, features), positive semi-definite.
    """
    mean, other_mean = np.asarray(mean, dtype=np.float64), np.asarray(other_mean, dtype=np.float64)
    covariance, other_covariance = (np.asarray(x, dtype=np.float64) for x in (covariance, other_covariance))
    root = np.linalg.svd(_factor(covariance).T @ _factor(other_covariance), compute_uv=False).sum()
    distance = np.square(mean - other_mean).sum() + np.trace(covariance) + np.trace(other_covariance) - 2 * root
    # What rounding leaves below zero is no distance.
    return max(0.0, float(distance))


def frechet_feature_distance(true: np.ndarray, generated: np.ndarray) -> float:
    """Return the squared Frechet distance between Gaussians fitted to two sets of feature vectors (FID).

    It is biased upwards by about the number of features over the number of samples: compare values of equal sample sizes
    only, and prefer the kernel distance for small ones.

    Parameters
    ----------
    true, generated
        Feature vectors, (samples, features); at least two of each.

    Raises
    ------
    ValueError
        If a set holds fewer than two vectors or their lengths differ.
    """
    first, second = feature_pair(true, generated)
    return frechet_distance(first.mean(axis=0), _covariance(first), second.mean(axis=0), _covariance(second))


def feature_pair(true: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two sets of feature vectors in double precision.

    Raises
    ------
    ValueError
        If they are not two tables (samples, features) of one width with at least two rows each.
    """
    first, second = np.asarray(true, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ValueError(f"features of shapes {first.shape} and {second.shape} cannot be compared")
    return first, second


def _covariance(features: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(features, rowvar=False))


def _factor(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    # The root would make a relative 1e-16 of rounding a 1e-8.
    rounding = values[-1] * len(values) * np.finfo(np.float64).eps
    return vectors * np.sqrt(np.where(values > rounding, values, 0.0))
