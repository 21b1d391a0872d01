"""Loss functions (thesis section 2.6.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from kadi_battgen.networks.discriminators import GREY_CHANNELS


def kl_to_standard_normal(mean: Tensor, standard_deviation: Tensor) -> Tensor:
    """Return the Kullback-Leibler divergence of N(mean, sd^2) from N(0, 1), averaged over batch and latent elements.

    Closed form of Kingma and Welling, ICLR 2014, appendix B, per element: (mean^2 + sd^2 - 1 - ln sd^2) / 2.
    """
    variance = standard_deviation.square()
    return 0.5 * (mean.square() + variance - 1 - variance.clamp(min=1e-12).log()).mean()


def reconstruction_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the translator's reconstruction loss: L1 on the grey descriptors, squared error on the type map.

    Where a stack does not tell an atom's class, L1 is lowest for the median, a black pixel, and the network learns to name
    no class at all. The squared error is lowest for the mean, in which each colour is as bright as its class is likely.

    Parameters
    ----------
    predicted, truth
        Scaled descriptors, (batch, 6, H, W): three grey channels, then red, green and blue.
    """
    difference = predicted - truth
    grey, colours = difference[:, :GREY_CHANNELS], difference[:, GREY_CHANNELS:]
    return 0.5 * grey.abs().mean() + colours.square().mean()


def adversarial_loss(logits: Sequence[Tensor], real: bool) -> Tensor:
    """Return the binary cross-entropy of patch logits against "real" or "translated", averaged over the branches.

    Source: Isola et al., CVPR 2017, equation 1. The generator uses it with ``real=True`` on its own output.
    """
    target = 1.0 if real else 0.0
    losses = [F.binary_cross_entropy_with_logits(x.float(), torch.full_like(x.float(), target)) for x in logits]
    return torch.stack(losses).mean()


def count_loss(predicted: Tensor, counts: Tensor, kind: str, weight: Tensor) -> Tensor:
    """Return the weighted loss of predicted atom counts.

    Parameters
    ----------
    predicted, counts
        Atoms per formula, (batch, elements), not negative.
    kind
        ``squared-error`` (the thesis), or ``poisson``: predicted - counts ln predicted, in which an element that is
        usually absent weighs as much as one that is everywhere.
    weight
        Weight of each sample, (batch,).
    """
    squared = kind == "squared-error"
    losses = (predicted - counts).square() if squared else predicted - counts * (predicted + 1e-6).log()
    return (losses.mean(dim=1) * weight).mean()


def presence_and_count_loss(presence: Tensor, logarithm: Tensor, counts: Tensor) -> Tensor:
    """Return the composition autoencoder's loss: cross-entropy of presence plus squared error of log(1 + count).

    The squared error is taken over the elements that are there; what an absent element's count head says is never used.
    """
    there = (counts > 0).to(counts.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(presence, there, reduction="none").sum(dim=1)
    squared = ((logarithm - torch.log1p(counts)).square() * there).sum(dim=1)
    return (cross_entropy + 10.0 * squared).mean()
