"""Losses of a field of categories, such as the species on a lattice."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def class_weights(counts: np.ndarray, exponent: float) -> np.ndarray:
    """Return a weight for each category, proportional to its frequency to the power of minus `exponent`.

    Parameters
    ----------
    counts
        Number of sites of each category.
    exponent
        0 for equal weights, 1 for inverse frequency.

    Returns
    -------
    numpy.ndarray
        float64, (categories,); the mean over all sites is 1, and a category without sites has weight 1.
    """
    present = counts > 0
    frequency = np.where(present, counts, 1) / counts.sum()
    weights = np.where(present, frequency**-exponent, 0.0)
    return np.where(present, weights / np.sum(weights * counts / counts.sum()), 1.0)


def categorical_cross_entropy(logits: Tensor, codes: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return the mean over sites of -w log p of the true category.

    Parameters
    ----------
    logits
        (batch, categories, ...).
    codes
        True category, integers, (batch, ...).
    weights
        Weight of each category, (categories,); all 1 by default. The mean is over sites, not over weights.
    """
    losses = F.cross_entropy(logits, codes.long(), weights, reduction="none")
    return losses.mean()


def share_divergence(shown: Tensor, true: Tensor, floor: float = 1e-5) -> Tensor:
    """Return the Kullback-Leibler divergence of shares in [0, 1], elementwise: c ln(c / s) + (1 - c) ln((1 - c) / (1 - s)).

    Unlike the squared error it does not forgive a site too many where there should be none: near 0 and 1 it is the squared
    error over the variance that counted sites would have there, times their number over two.

    Parameters
    ----------
    shown, true
        Shares s and c of one shape.
    floor
        What is added to both, which keeps the logarithms finite.
    """
    first = torch.xlogy(true + floor, (true + floor) / (shown + floor))
    return first + torch.xlogy(1 - true + floor, (1 - true + floor) / (1 - shown + floor))


def unweighted_probabilities(logits: Tensor, weights: Tensor) -> Tensor:
    """Return the probabilities that a decoder trained with class weights stands for.

    The weighted cross-entropy is least where the softmax is proportional to w p, so that p is proportional to softmax / w.

    Parameters
    ----------
    logits
        (batch, categories, rows, columns).
    weights
        Weight of each category, (categories,).
    """
    return torch.softmax(logits - weights.log()[:, None, None], dim=1)
