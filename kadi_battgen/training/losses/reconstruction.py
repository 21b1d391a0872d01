"""Reconstruction losses on scaled descriptors (thesis equations 2.42 to 2.44)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

from kadi_battgen.errors import UserError

Entry = TypeVar("Entry")


def l1_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error (thesis equation 2.43); it is lowest for the median of what is possible."""
    return (predicted - truth).abs().mean()


def l2_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared error (thesis equation 2.42); it is lowest for the mean of what is possible."""
    return (predicted - truth).square().mean()


def binary_cross_entropy(predicted: Tensor, truth: Tensor, margin: float = 1e-6) -> Tensor:
    """Return the mean binary cross-entropy of intensities (thesis equation 2.44, averaged over pixels as well).

    Parameters
    ----------
    predicted
        Intensities as probabilities. The translator's output is not bounded: below `margin` and above 1 - `margin` the
        cross-entropy continues along its tangent, so that an intensity out of range is pulled back instead of having no
        gradient.
    truth
        Intensities; what a held-out sample exceeds [0, 1] by is cut off.
    margin
        Distance from 0 and 1 at which the logarithm ends.
    """
    target = truth.clamp(0.0, 1.0)
    inside = predicted.clamp(margin, 1.0 - margin)
    beyond = predicted - inside
    slope = (inside - target) / (inside * (1.0 - inside))
    return F.binary_cross_entropy(inside, target) + (slope.detach() * beyond).mean()


def class_cross_entropy(logits: Tensor, type_map: Tensor) -> Tensor:
    """Return the cross-entropy of the atoms' classes, weighted with how bright the true type map is at a pixel.

    Where a stack does not tell an atom's class, the probabilities that minimise it are those with which each class occurs.

    Parameters
    ----------
    logits
        Unnormalised logarithms of the classes' probabilities, (batch, 3, H, W).
    type_map
        True type map, (batch, 3, H, W), of which one channel is above zero where there is an atom.
    """
    brightness, truth = type_map.max(dim=1)
    weight = brightness.clamp(min=0.0)
    return (F.cross_entropy(logits, truth, reduction="none") * weight).sum() / weight.sum().clamp(min=1e-6)


def structure_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return 1 - structural similarity (Wang et al., IEEE TIP 2004; as a loss: Zhao et al., IEEE TCI 2017, section III.B).

    Parameters
    ----------
    predicted, truth
        Scaled descriptors, (batch, channels, H, W); the similarity is that of
        :func:`kadi_battgen.metrics.images.image_metrics`.
    """
    similarity = structural_similarity_index_measure(predicted, truth, data_range=1.0)
    return 1.0 - torch.as_tensor(similarity)


#: Reconstruction losses by name: functions of predicted and true channels of one group of descriptors.
RECONSTRUCTION_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "l1": l1_loss,
        "l2": l2_loss,
        "binary-cross-entropy": binary_cross_entropy,
    }
)


def reconstruction_objective(kind: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the reconstruction loss of a name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    return known(RECONSTRUCTION_LOSSES, kind, "Reconstruction loss")


def known(registry: Mapping[str, Entry], kind: str, what: str) -> Entry:
    """Return the entry of a registry.

    Raises
    ------
    UserError
        If it has none of that name; the message lists the names it has.
    """
    if kind not in registry:
        raise UserError(f"{what} {kind!r} is not known: choose from {', '.join(registry)}.")
    return registry[kind]
