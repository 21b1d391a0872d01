"""Learned perceptual distance (thesis equation 2.59)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def perceptual_distance(
    first: Sequence[Tensor], second: Sequence[Tensor], weights: Sequence[Tensor] | None = None
) -> Tensor:
    """Return the perceptual distance of pairs of images, from their activations.

    Source: Zhang et al., CVPR 2018, equation 1: activations are normalised over the channels, and squared differences are
    weighted by channel, averaged over positions and summed over layers.

    Parameters
    ----------
    first, second
        Activations (batch, C_l, H_l, W_l) of each layer l.
    weights
        Weight of the squared difference of each channel, (C_l,), for each layer (the paper's linear layer). Without them each
        channel counts 1, which is the paper's cosine distance times two: this is not LPIPS.

    Returns
    -------
    torch.Tensor
        (batch,).
    """
    total = torch.zeros(len(first[0]), device=first[0].device)
    for layer, (a, b) in enumerate(zip(first, second, strict=True)):
        squared = (_normalised(a) - _normalised(b)).square()
        if weights is not None:
            squared = squared * weights[layer].reshape(1, -1, 1, 1)
        total = total + squared.sum(dim=1).mean(dim=(1, 2))
    return total


def _normalised(features: Tensor, smallest: float = 1e-10) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + smallest)
