"""Kernel distance of feature vectors (thesis equations 2.57 and 2.58)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadi_battgen.metrics.frechet import feature_pair


@dataclass(frozen=True)
class KernelDistance:
    """An unbiased estimate of the squared maximum mean discrepancy and its standard error.

    Attributes
    ----------
    value
        The estimate; it may lie below zero, where the distributions are the same as far as the samples tell.
    standard_error
        Its standard error.
    """

    value: float
    standard_error: float


def polynomial_kernel(
    first: np.ndarray, second: np.ndarray, degree: int = 3, gamma: float | None = None, offset: float = 1.0
) -> np.ndarray:
    """Return (gamma x.y + offset)^degree for all pairs, (samples of the first, samples of the second).

    Source: Binkowski et al., ICLR 2018, section 4: the cubic kernel with gamma = 1 / features.
    """
    scale = 1.0 / first.shape[1] if gamma is None else gamma
    return (scale * (first @ second.T) + offset) ** degree


def kernel_feature_distance(true: np.ndarray, generated: np.ndarray) -> KernelDistance:
    """Return the kernel distance (KID) of two sets of feature vectors, over all pairs.

    Source: Binkowski et al., ICLR 2018, section 4, with the unbiased estimator of Gretton et al., JMLR 13, 723 (2012),
    equation 3. The standard error is that of the jackknife: each sample of each set is left out once. (A bootstrap would draw
    samples twice, and a pair of copies looks like a mode of its own.)

    Parameters
    ----------
    true, generated
        Feature vectors, (samples, features); at least three of each.

    Raises
    ------
    ValueError
        If a set holds fewer than three vectors or their lengths differ.
    """
    first, second = feature_pair(true, generated)
    if min(len(first), len(second)) < 3:
        raise ValueError("the jackknife needs at least three samples of each set")
    own, other = _row_sums(polynomial_kernel(first, first)), _row_sums(polynomial_kernel(second, second))
    cross = polynomial_kernel(first, second)
    m, n = len(first), len(second)
    total_own, total_other, total_cross = own.sum(), other.sum(), cross.sum()
    value = total_own / (m * (m - 1)) + total_other / (n * (n - 1)) - 2 * total_cross / (m * n)
    without_first = (
        (total_own - 2 * own) / ((m - 1) * (m - 2))
        + total_other / (n * (n - 1))
        - 2 * (total_cross - cross.sum(axis=1)) / ((m - 1) * n)
    )
    without_second = (
        total_own / (m * (m - 1))
        + (total_other - 2 * other) / ((n - 1) * (n - 2))
        - 2 * (total_cross - cross.sum(axis=0)) / (m * (n - 1))
    )
    variance = (m - 1) * without_first.var() + (n - 1) * without_second.var()
    return KernelDistance(float(value), float(np.sqrt(variance)))


def kernel_subset_distance(
    true: np.ndarray, generated: np.ndarray, *, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Return the mean kernel distance of random subsets, as the literature reports KID for large sets.

    Parameters
    ----------
    true, generated
        Feature vectors, (samples, features).
    subsets
        Number of subsets, each drawn without replacement.
    subset_size
        Samples of each set in a subset; at most the smaller set's size is taken.
    seed
        Seed of the draw.

    Returns
    -------
    KernelDistance
        The mean over the subsets and its standard error, the subsets' standard deviation over the root of their number. The
        subsets overlap, so it is too small where they are few samples' worth: it tells the noise of the draw alone.

    Raises
    ------
    ValueError
        If a set holds fewer than two vectors, their lengths differ, or there are fewer than two subsets.
    """
    first, second = feature_pair(true, generated)
    if subsets < 2 or subset_size < 2:
        raise ValueError(f"{subsets} subsets of {subset_size} samples are too few: take two or more")
    size = min(subset_size, len(first), len(second))
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        some = first[generator.choice(len(first), size, replace=False)]
        others = second[generator.choice(len(second), size, replace=False)]
        pairs = size * (size - 1)
        within = _row_sums(polynomial_kernel(some, some)).sum() + _row_sums(polynomial_kernel(others, others)).sum()
        values.append(within / pairs - 2 * polynomial_kernel(some, others).mean())
    return KernelDistance(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(subsets)))


def _row_sums(kernel: np.ndarray) -> np.ndarray:
    return kernel.sum(axis=1) - np.diagonal(kernel)
