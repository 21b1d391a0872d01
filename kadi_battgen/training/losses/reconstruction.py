"""Reconstruction losses on scaled descriptors (thesis equations 2.42 to 2.44)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from kadi_battgen.errors import UserError

Entry = TypeVar("Entry")

#: Window of the structural similarity: side and standard deviation in pixels; its two constants for images in [0, 1].
_WINDOW, _DEVIATION, _C1, _C2 = 11, 1.5, 0.01**2, 0.03**2

#: Weight of the squared errors beside the absolute ones.
_SQUARES = 10.0


def l1_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error (thesis equation 2.43); it is lowest for the median of what is possible."""
    return (predicted - truth).abs().mean()


def l2_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean squared error (thesis equation 2.42); it is lowest for the mean of what is possible."""
    return (predicted - truth).square().mean()


def l1_and_l2_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error plus ten times the mean squared error.

    The squares weigh missing atoms, the absolute errors keep flat backgrounds flat. In descriptors scaled to [0, 1] the two
    terms are equal at an error of a tenth.
    """
    return l1_loss(predicted, truth) + _SQUARES * l2_loss(predicted, truth)


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


def structure_loss(predicted: Tensor, truth: Tensor, stride: int = 2) -> Tensor:
    """Return 1 - structural similarity (Wang et al., IEEE TIP 2004; as a loss: Zhao et al., IEEE TCI 2017, section III.B).

    Parameters
    ----------
    predicted, truth
        Scaled descriptors in single precision, (batch, channels, H, W) of at least 6 x 6 pixels.
    stride
        Distance of the windows in pixels; with 1, the similarity is that of
        :func:`kadi_battgen.metrics.images.image_metrics`, and with 2 it costs a third.
    """
    rows, columns = (_window_means(side, stride).to(truth) for side in truth.shape[-2:])

    def smooth(images: Tensor) -> Tensor:
        return rows @ (images @ columns.T)

    with torch.no_grad():
        mean_y, square_y = smooth(truth), smooth(truth.square())
    mean_x, square_x, product = smooth(predicted), smooth(predicted.square()), smooth(predicted * truth)
    # Differences of squares may fall below zero by rounding.
    variances = (square_x - mean_x.square()).clamp(min=0.0) + (square_y - mean_y.square()).clamp(min=0.0)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    return 1.0 - (luminance * (2 * (product - mean_x * mean_y) + _C2) / (variances + _C2)).mean()


@lru_cache(maxsize=16)
def _window_means(side: int, stride: int) -> Tensor:
    """Return the matrix from a line of pixels to its means over Gaussian windows; beyond the ends, the line is mirrored."""
    reach = _WINDOW // 2
    places = torch.arange(-reach, reach + 1)
    window = torch.exp(-0.5 * (places / _DEVIATION).square())
    matrix = torch.zeros(len(range(0, side, stride)), side)
    for row, centre in enumerate(range(0, side, stride)):
        covered = (centre + places).abs()
        covered = torch.where(covered >= side, 2 * (side - 1) - covered, covered)
        matrix[row].index_add_(0, covered, window / window.sum())
    return matrix


#: Reconstruction losses by name: functions of predicted and true channels of one group of descriptors.
RECONSTRUCTION_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "l1": l1_loss,
        "l2": l2_loss,
        "l1-and-l2": l1_and_l2_loss,
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
