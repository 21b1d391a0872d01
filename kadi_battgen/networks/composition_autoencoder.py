"""A small autoencoder of the composition vector, whose latent the diffusion model generates beside the image latent."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

#: Most atoms of one element in a decoded formula.
LARGEST_COUNT = 100


class CompositionAutoencoder(nn.Module):
    """Dense autoencoder of atom counts with separate heads for presence and count.

    Two heads because a formula is two questions: which elements are there, and how many atoms of each. With a single
    regression head small leaks on a hundred absent elements would add up to a false formula.

    Parameters
    ----------
    elements
        Length of the composition vector.
    latent_size
        Length of the composition latent.
    hidden
        Width of the hidden layers.
    """

    def __init__(self, *, elements: int = 112, latent_size: int = 32, hidden: int = 256) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.encoder = nn.Sequential(
            nn.Linear(2 * elements, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, latent_size),
            nn.LayerNorm(latent_size, elementwise_affine=False),
        )
        self.trunk = nn.Sequential(nn.Linear(latent_size, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.presence = nn.Linear(hidden, elements)
        self.logarithm = nn.Linear(hidden, elements)

    def encode(self, counts: Tensor) -> Tensor:
        """Return latents (batch, latent_size), of zero mean and unit variance each, of atom counts (batch, elements)."""
        return self.encoder(torch.cat([torch.log1p(counts), (counts > 0).to(counts.dtype)], dim=1))

    def decode_heads(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return presence logits and logarithms of one plus the count, (batch, elements) each."""
        hidden = self.trunk(latent)
        return self.presence(hidden), self.logarithm(hidden)

    def decode(self, latent: Tensor) -> Tensor:
        """Return atom counts (batch, elements) of latents; elements judged absent are exactly zero.

        Elements judged present have at least one atom and at most :data:`LARGEST_COUNT`, however far a latent lies from
        those of the training.
        """
        presence, logarithm = self.decode_heads(latent)
        counts = torch.expm1(logarithm.clamp(max=math.log1p(LARGEST_COUNT))).clamp(min=1.0)
        return torch.where(presence > 0, counts, torch.zeros_like(counts))
