"""Losses of predicted properties, with given or learned weights."""

from __future__ import annotations

from torch import Tensor


def gaussian_negative_log_likelihood(mean: Tensor, log_variance: Tensor, true: Tensor, beta: float = 0.5) -> Tensor:
    """Return the negative log-likelihood of heteroscedastic normal predictions, each property's mean, (properties,).

    (ln s^2 + (y - m)^2 / s^2) / 2, without the constant, each sample weighted with its own s^(2 beta), which carries no
    gradient: without it (beta 0) samples that are hard at first are given up (Seitzer et al., ICLR 2022, equation 5).

    Parameters
    ----------
    mean, log_variance
        Predictions, (..., batch, properties).
    true
        (batch, properties).
    beta
        0 for the likelihood itself, 1 for gradients of the mean like those of the squared error.
    """
    losses = 0.5 * (log_variance + (true - mean).square() * (-log_variance).exp())
    if beta:
        losses = losses * (beta * log_variance).exp().detach()
    return losses.flatten(0, -2).mean(dim=0)


def uncertainty_weighted(losses: Tensor, log_variances: Tensor) -> Tensor:
    """Return the sum of squared errors weighted by learned homoscedastic variances.

    Sum over the properties of L / (2 s^2) + ln s (Kendall et al., CVPR 2018, equation 10); it is least at s^2 = L.

    Parameters
    ----------
    losses
        Mean squared error of each property, (properties,).
    log_variances
        Learned ln s^2, (properties,).
    """
    return 0.5 * (losses * (-log_variances).exp() + log_variances).sum()
