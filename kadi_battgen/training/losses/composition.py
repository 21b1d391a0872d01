"""Losses on atom counts."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from kadi_battgen.networks.composition_autoencoder import FormulaHeads, FormulaTensors


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


def element_weights(counts: Tensor, exponent: float) -> Tensor:
    """Return weights of the elements that rise as they become rarer, with mean 1 over the elements that occur.

    Parameters
    ----------
    counts
        Atoms per reduced formula of the training part, (samples, elements).
    exponent
        Power of the inverse frequency: 0 weighs all alike, 1 gives every element the same total.
    """
    frequency = (counts > 0).float().mean(dim=0)
    occurs = frequency > 0
    weights = torch.where(occurs, frequency.clamp(min=1e-6) ** -exponent, torch.ones_like(frequency))
    return torch.where(occurs, weights / weights[occurs].mean(), torch.ones_like(weights))


def presence_and_count_loss(
    presence: Tensor,
    logarithm: Tensor,
    counts: Tensor,
    *,
    count_weight: float = 10.0,
    weight: Tensor | None = None,
    element_weight: Tensor | None = None,
) -> Tensor:
    """Return the loss of two heads: cross-entropy of presence plus squared error of log(1 + count).

    The squared error is taken over the elements that are there; what an absent element's count head says is never used.

    Parameters
    ----------
    presence
        Log-odds that an element is there, (batch, elements).
    logarithm
        Logarithm of one plus the count if it is there, (batch, elements).
    counts
        Atoms per formula, (batch, elements).
    count_weight
        Weight of the squared error. An image of a surface says less of counts than of presence.
    weight
        Weight of each sample, (batch,); by default all weigh the same.
    element_weight
        Weight of each element, (elements,); by default all weigh the same.
    """
    there = (counts > 0).to(counts.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(presence, there, reduction="none")
    losses = cross_entropy + count_weight * (logarithm - torch.log1p(counts)).square() * there
    if element_weight is not None:
        losses = losses * element_weight
    totals = losses.sum(dim=1)
    return (totals if weight is None else totals * weight).mean()


def formula_loss(heads: FormulaHeads, formulas: FormulaTensors) -> Tensor:
    """Return the loss of decoded formulas: presence and count of the elements, and cross-entropies of ion and share."""
    classes = F.cross_entropy(heads.ion, formulas.ion) + F.cross_entropy(heads.share, formulas.share)
    return presence_and_count_loss(heads.presence, heads.logarithm, formulas.counts) + classes
