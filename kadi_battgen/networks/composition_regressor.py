"""The composition regressor: atom counts from the translator's latent (thesis section 4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class CompositionRegressor(nn.Module):
    """Convolutions on the latent, pooling, dense layers and a softplus, which keeps counts positive.

    Pooled are the mean and the largest response of each feature: how much of the surface shows it, and whether it shows
    at all. Batch normalisation keeps the scale of a response, which normalising each image by itself would remove.

    Parameters
    ----------
    latent_channels
        Channels of the latent.
    channels
        Channels of the convolutions; each halves the resolution.
    dense
        Widths of the dense layers.
    elements
        Length of the composition vector.
    dropout
        Share of dense features dropped in training.
    """

    def __init__(
        self,
        *,
        latent_channels: int = 4,
        channels: Sequence[int] = (32, 64, 128),
        dense: Sequence[int] = (256,),
        elements: int = 112,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = latent_channels
        for width in channels:
            layers += [nn.Conv2d(previous, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.SiLU()]
            previous = width
        self.convolutions = nn.Sequential(*layers)
        layers = []
        previous = 2 * previous
        for width in dense:
            layers += [nn.Linear(previous, width), nn.LayerNorm(width), nn.SiLU(), nn.Dropout(dropout)]
            previous = width
        self.dense = nn.Sequential(*layers, nn.Linear(previous, elements), nn.Softplus())

    def forward(self, latent: Tensor) -> Tensor:
        """Return atoms per reduced formula, (batch, elements), of a normalised latent (batch, channels, h, w)."""
        features = self.convolutions(latent)
        return self.dense(torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1))
