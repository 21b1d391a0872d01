"""The branch of the screening network that denoises composition latents and needs no image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kadi_battgen.networks.blocks import DenseResidualBlock, TimestepEmbedding
from kadi_battgen.networks.conditions import ConditionEmbedding


class CompositionDenoiser(nn.Module):
    """Dense network on noised composition latents under time and conditions.

    Parameters
    ----------
    composition_size
        Length of the composition latent.
    embedding_size
        Length of the time embedding.
    width, blocks
        Width and number of the dense blocks.
    """

    def __init__(self, *, composition_size: int, embedding_size: int, width: int, blocks: int) -> None:
        super().__init__()
        self.time = TimestepEmbedding(embedding_size)
        self.conditions = ConditionEmbedding()
        context = embedding_size + self.conditions.size
        self.enter = nn.Linear(composition_size, width)
        self.blocks = nn.ModuleList(DenseResidualBlock(width, context) for _ in range(blocks))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, composition_size))
        # A network that first predicts nothing starts from the loss of the mean, not from noise of its own.
        nn.init.zeros_(self.leave[-1].weight)
        nn.init.zeros_(self.leave[-1].bias)

    def forward(self, latent: Tensor, timestep: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is predicted of latents (batch, composition size), and the features before it (batch, width).

        Parameters
        ----------
        latent
            Noised, normalised composition latents.
        timestep
            Integer timesteps, (batch,).
        conditions
            Condition vectors, (batch, condition size).
        """
        context = torch.cat([self.time(timestep), self.conditions(conditions)], dim=1)
        hidden = self.enter(latent)
        for block in self.blocks:
            hidden = block(hidden, context)
        return self.leave(hidden), hidden
