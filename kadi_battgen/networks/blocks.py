"""Building blocks that several networks share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def normalisation(channels: int) -> nn.GroupNorm:
    """Return group normalisation with groups of at least four channels, at most 32 groups."""
    groups = max(1, min(32, channels // 4))
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


class StackStretch(nn.Module):
    """Fixed input transform arcsinh(a x) / arcsinh(a) of scaled stacks.

    Forces span decades, and a linear scale set by the strongest leaves most of an image flat.

    Parameters
    ----------
    gain
        The gain a; signals around 1 / a lie where the curve bends.
    """

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.register_buffer("gain", torch.tensor(float(gain)))

    def forward(self, stack: Tensor) -> Tensor:
        """Return stretched stacks, [-1, 1] to [-1, 1]."""
        magnitude = (self.gain * stack).abs()
        # arcsinh by a logarithm that processors compute on whole vectors: four times faster than torch.asinh.
        logarithm = torch.log1p(magnitude + magnitude.square() / (1 + torch.sqrt(magnitude.square() + 1)))
        return torch.copysign(logarithm, stack) / torch.asinh(self.gain)


class TimestepEmbedding(nn.Module):
    """Sinusoidal embedding of a diffusion timestep, followed by two dense layers.

    Parameters
    ----------
    size
        Length of the embedding (even).

    Notes
    -----
    The sinusoids are those of Vaswani et al., NeurIPS 2017, section 3.5, with the longest period 10,000.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.dense = nn.Sequential(nn.Linear(size, size), nn.SiLU(), nn.Linear(size, size))

    def forward(self, timestep: Tensor) -> Tensor:
        """Return embeddings of shape (batch, size) of integer timesteps of shape (batch,)."""
        half = self.size // 2
        frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=timestep.device) / half)
        angle = timestep.float()[:, None] * frequency
        return self.dense(torch.cat([angle.sin(), angle.cos()], dim=1))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut, shifted by an embedding where one is given.

    Parameters
    ----------
    in_channels, out_channels
        Channels of input and output.
    embedding_size
        Length of the embedding added between the convolutions; 0 for none.
    """

    def __init__(self, in_channels: int, out_channels: int, embedding_size: int = 0) -> None:
        super().__init__()
        self.first = nn.Sequential(
            normalisation(in_channels), nn.SiLU(), nn.Conv2d(in_channels, out_channels, 3, padding=1)
        )
        self.shift = nn.Linear(embedding_size, out_channels) if embedding_size else None
        self.second = nn.Sequential(
            normalisation(out_channels), nn.SiLU(), nn.Conv2d(out_channels, out_channels, 3, padding=1)
        )
        self.shortcut = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Return features of shape (batch, out_channels, H, W)."""
        hidden = self.first(x)
        if self.shift is not None and embedding is not None:
            hidden = hidden + self.shift(F.silu(embedding))[:, :, None, None]
        return self.second(hidden) + self.shortcut(x)


class AttentionBlock(nn.Module):
    """Self-attention over all positions of an image, with a shortcut.

    Parameters
    ----------
    channels
        Channels of input and output.
    heads
        Number of attention heads; divides `channels`.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = normalisation(channels)
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape as `x`, (batch, channels, H, W)."""
        batch, channels, height, width = x.shape
        projected = self.query_key_value(self.norm(x)).reshape(
            batch, 3, self.heads, channels // self.heads, height * width
        )
        query, key, value = projected.transpose(-1, -2).unbind(dim=1)
        attended = F.scaled_dot_product_attention(query, key, value)
        return x + self.out(attended.transpose(-1, -2).reshape(batch, channels, height, width))


class DenseResidualBlock(nn.Module):
    """Two dense layers with a shortcut on a feature vector, fed with a context vector at its start.

    Parameters
    ----------
    size
        Length of the feature vector.
    context_size
        Length of the context concatenated with it.
    """

    def __init__(self, size: int, context_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(size + context_size),
            nn.Linear(size + context_size, size),
            nn.SiLU(),
            nn.Linear(size, size),
        )

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return features of shape (batch, size)."""
        return x + self.layers(torch.cat([x, context], dim=1))
