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


def presence_and_count_loss(presence: Tensor, logarithm: Tensor, counts: Tensor) -> Tensor:
    """Return the composition autoencoder's loss: cross-entropy of presence plus squared error of log(1 + count).

    The squared error is taken over the elements that are there; what an absent element's count head says is never used.
    """
    there = (counts > 0).to(counts.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(presence, there, reduction="none").sum(dim=1)
    squared = ((logarithm - torch.log1p(counts)).square() * there).sum(dim=1)
    return (cross_entropy + 10.0 * squared).mean()


def formula_loss(heads: FormulaHeads, formulas: FormulaTensors) -> Tensor:
    """Return the loss of decoded formulas: presence and count of the elements, and cross-entropies of ion and share."""
    classes = F.cross_entropy(heads.ion, formulas.ion) + F.cross_entropy(heads.share, formulas.share)
    return presence_and_count_loss(heads.presence, heads.logarithm, formulas.counts) + classes
