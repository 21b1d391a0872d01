"""Reconstruction losses on scaled descriptors (thesis equations 2.42 to 2.44)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from torch import Tensor
from torch.nn import functional as F

from kadi_battgen.errors import UserError
from kadi_battgen.networks.discriminators import GREY_CHANNELS

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


#: Reconstruction losses by name: functions of predicted and true descriptors.
RECONSTRUCTION_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "l1-grey-l2-colours": reconstruction_loss,
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
