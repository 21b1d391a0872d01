"""The translator: a variational autoencoder from an AFM stack to the material descriptors (thesis section 4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monai.networks.nets.autoencoderkl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.networks.blocks import StackStretch


class Translation(NamedTuple):
    """What the translator returns for a batch.

    Attributes
    ----------
    descriptors
        (batch, descriptor channels, H, W), scaled as in the data set.
    mean
        Latent mean, (batch, latent channels, h, w).
    standard_deviation
        Latent standard deviation, of the same shape.
    """

    descriptors: Tensor
    mean: Tensor
    standard_deviation: Tensor


class TranslationAutoencoder(nn.Module):
    """Convolutional variational autoencoder with residual and attention blocks.

    The encoder and decoder are MONAI's ``AutoencoderKL`` (after Rombach et al., CVPR 2022).

    Parameters
    ----------
    slices
        Constant-height images in a stack.
    descriptor_channels
        Channels of the output.
    channels
        Channels per resolution level; each level after the first halves the resolution.
    residual_blocks
        Residual blocks per level.
    attention_levels
        Which levels have self-attention.
    latent_channels
        Channels of the latent.
    patch_size
        Pixels per side folded into channels before the first convolution (space to depth), which makes training on a CPU
        `patch_size` squared times cheaper; 1 works on single pixels.
    stretch
        Gain of the input transform, see :class:`kadi_battgen.networks.blocks.StackStretch`.
    """

    def __init__(
        self,
        *,
        slices: int = 10,
        descriptor_channels: int = 6,
        channels: Sequence[int] = (32, 64, 64),
        residual_blocks: int = 1,
        attention_levels: Sequence[bool] = (False, False, True),
        latent_channels: int = 4,
        patch_size: int = 1,
        stretch: float = 100.0,
    ) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.latent_channels = latent_channels
        self.downsampling = patch_size * 2 ** (len(channels) - 1)
        self.stretch = StackStretch(stretch)
        middle_attention = bool(attention_levels[-1])
        self.core = AutoencoderKL(
            spatial_dims=2,
            in_channels=slices * patch_size**2,
            out_channels=descriptor_channels * patch_size**2,
            channels=tuple(channels),
            num_res_blocks=residual_blocks,
            attention_levels=tuple(attention_levels),
            latent_channels=latent_channels,
            norm_num_groups=8,
            with_encoder_nonlocal_attn=middle_attention,
            with_decoder_nonlocal_attn=middle_attention,
        )

    def encode(self, stack: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the latent.

        Parameters
        ----------
        stack
            Scaled stacks, (batch, slices, H, W); H and W divisible by :attr:`downsampling`.
        """
        return self.core.encode(F.pixel_unshuffle(self.stretch(stack), self.patch_size))

    def decode(self, latent: Tensor) -> Tensor:
        """Return descriptors (batch, channels, H, W) of a latent (batch, latent channels, h, w)."""
        return F.pixel_shuffle(self.core.decode(latent), self.patch_size)

    def forward(self, stack: Tensor, noise: Tensor | None = None) -> Translation:
        """Translate stacks; with `noise` (standard normal, of the latent's shape) the latent is sampled."""
        mean, standard_deviation = self.encode(stack)
        latent = mean if noise is None else mean + standard_deviation * noise
        return Translation(self.decode(latent), mean, standard_deviation)
