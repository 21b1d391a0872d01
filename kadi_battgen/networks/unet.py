"""The conditional U-Net that denoises an image latent and a composition latent together (thesis section 4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.networks.blocks import AttentionBlock, ResidualBlock, TimestepEmbedding
from kadi_battgen.networks.composition_denoiser import CompositionDenoiser
from kadi_battgen.networks.conditions import ConditionEmbedding


def concatenate_conditions(features: Tensor, conditions: Tensor) -> Tensor:
    """Append each condition to `features` (batch, channels, H, W) as a constant channel."""
    maps = conditions[:, :, None, None].expand(-1, -1, *features.shape[-2:])
    return torch.cat([features, maps.to(features.dtype)], dim=1)


class ScreeningUNet(nn.Module):
    """Denoising U-Net; the conditions are concatenated at the start of every down, middle and up block.

    Beside the images runs a dense branch for the composition latent. It sees time and conditions as the U-Net does and
    shifts the U-Net's residual blocks, so that the picture follows the formula. The branch itself does not look at the
    picture, and can therefore also learn from formulas of which there is none.

    Parameters
    ----------
    latent_channels
        Channels of the image latent.
    composition_size
        Length of the composition latent.
    channels
        Channels per resolution level; each level after the first halves the resolution.
    attention_levels
        Which levels have self-attention; the middle always has.
    embedding_size
        Length of the embedding of time and composition.
    condition_channels
        Channels that the embedded conditions are concatenated as.
    composition_width, composition_blocks
        Width and number of blocks of the composition branch.
    """

    def __init__(
        self,
        *,
        latent_channels: int = 4,
        composition_size: int = 32,
        channels: Sequence[int] = (32, 64),
        attention_levels: Sequence[bool] = (False, True),
        embedding_size: int = 128,
        condition_channels: int = 24,
        composition_width: int = 256,
        composition_blocks: int = 3,
    ) -> None:
        super().__init__()
        self.composition = CompositionDenoiser(
            composition_size=composition_size,
            embedding_size=embedding_size,
            width=composition_width,
            blocks=composition_blocks,
        )
        self.time = TimestepEmbedding(embedding_size)
        self.conditions = ConditionEmbedding()
        self.condition_maps = nn.Linear(self.conditions.size, condition_channels)
        self.composition_to_embedding = nn.Linear(composition_width, embedding_size)
        self.image_in = nn.Conv2d(latent_channels, channels[0], 3, padding=1)

        self.down, self.down_attention, self.downsample = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        previous = channels[0]
        for level, width in enumerate(channels):
            self.down.append(ResidualBlock(previous + condition_channels, width, embedding_size))
            self.down_attention.append(AttentionBlock(width) if attention_levels[level] else nn.Identity())
            last = level == len(channels) - 1
            self.downsample.append(nn.Identity() if last else nn.Conv2d(width, width, 3, stride=2, padding=1))
            previous = width

        self.middle_first = ResidualBlock(previous + condition_channels, previous, embedding_size)
        self.middle_attention = AttentionBlock(previous)
        self.middle_second = ResidualBlock(previous + condition_channels, previous, embedding_size)

        self.up, self.up_attention, self.upsample = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in reversed(range(len(channels))):
            width = channels[level]
            self.up.append(ResidualBlock(previous + width + condition_channels, width, embedding_size))
            self.up_attention.append(AttentionBlock(width) if attention_levels[level] else nn.Identity())
            self.upsample.append(nn.Identity() if level == 0 else nn.Conv2d(width, width, 3, padding=1))
            previous = width
        self.image_out = nn.Sequential(
            nn.GroupNorm(8, previous), nn.SiLU(), nn.Conv2d(previous, latent_channels, 3, padding=1)
        )
        # A network that first predicts nothing starts from the loss of the mean, not from noise of its own.
        nn.init.zeros_(self.image_out[-1].weight)
        nn.init.zeros_(self.image_out[-1].bias)

    def forward(
        self, image_latent: Tensor, composition_latent: Tensor, timestep: Tensor, conditions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what is predicted of both latents (noise or velocity, as trained).

        Parameters
        ----------
        image_latent
            (batch, latent channels, h, w); h and w divisible by 2 for each level after the first.
        composition_latent
            (batch, composition size).
        timestep
            Integer timesteps, (batch,).
        conditions
            Condition vectors, (batch, condition size).
        """
        composition_predicted, hidden_composition = self.composition(composition_latent, timestep, conditions)
        embedding = self.time(timestep) + self.composition_to_embedding(hidden_composition)
        maps = self.condition_maps(self.conditions(conditions))

        hidden = self.image_in(image_latent)
        skips = []
        for block, attention, downsample in zip(self.down, self.down_attention, self.downsample, strict=True):
            hidden = attention(block(concatenate_conditions(hidden, maps), embedding))
            skips.append(hidden)
            hidden = downsample(hidden)
        hidden = self.middle_first(concatenate_conditions(hidden, maps), embedding)
        hidden = self.middle_attention(hidden)
        hidden = self.middle_second(concatenate_conditions(hidden, maps), embedding)
        for block, attention, upsample in zip(self.up, self.up_attention, self.upsample, strict=True):
            joined = concatenate_conditions(torch.cat([hidden, skips.pop()], dim=1), maps)
            hidden = attention(block(joined, embedding))
            if skips:
                hidden = upsample(F.interpolate(hidden, scale_factor=2.0, mode="nearest"))
        return self.image_out(hidden), composition_predicted
