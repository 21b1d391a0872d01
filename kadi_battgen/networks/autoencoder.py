"""The translator: a variational autoencoder from an AFM stack to the material descriptors (thesis section 4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from monai.networks.nets.autoencoderkl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.networks.blocks import StackStretch
from kadi_battgen.networks.discriminators import GREY_CHANNELS

#: Channel of the van der Waals spheres among the descriptors.
SPHERES = 1

#: Logarithm of the latent's variance before training. From the usual 0, the noise drowns what the encoder says until it has
#: learnt to speak up, and most of a short training goes by.
INITIAL_LOG_VARIANCE = -8.0


class Translation(NamedTuple):
    """What a translating network returns for a batch.

    Attributes
    ----------
    descriptors
        (batch, descriptor channels, H, W), scaled as in the data set.
    mean
        Latent mean, (batch, latent channels, h, w); None for a network without latent.
    standard_deviation
        Latent standard deviation, of the same shape.
    class_logits
        Unnormalised logarithms of the probabilities of the three classes of atoms, (batch, 3, H, W); None for a network
        that does not name them.
    """

    descriptors: Tensor
    mean: Tensor | None = None
    standard_deviation: Tensor | None = None
    class_logits: Tensor | None = None


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
    type_map
        ``intensities``: the decoder's last three channels are the type map. ``classes``: they are the logits of the three
        classes of atoms, and the type map is their probabilities times the height of the van der Waals spheres, which is what
        a type map is made of but for the few pixels where spheres of two classes overlap. A decoder so built cannot confuse
        how high an atom lies with which class it belongs to.
    class_sharpness
        What the logits are multiplied by outside training. Probabilities as they are have the least squared error, but colour
        an atom of a doubtful class in a mixture that no true type map shows; a decision looks like the truth.
    spheres_to_type_map
        Factor and offset from scaled sphere heights to scaled type map intensities.
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
        type_map: Literal["intensities", "classes"] = "intensities",
        class_sharpness: float = 1.0,
        spheres_to_type_map: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        super().__init__()
        if type_map not in ("intensities", "classes"):
            raise ValueError(f"type map {type_map!r} is not known: choose from intensities, classes")
        self.type_map, self.class_sharpness = type_map, class_sharpness
        self.spheres_to_type_map = tuple(spheres_to_type_map)
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
        nn.init.constant_(self.core.quant_conv_log_sigma.conv.bias, INITIAL_LOG_VARIANCE)

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
        return self._decode(latent)[0]

    def latent_shape(self, stack: Tensor) -> tuple[int, int, int, int]:
        """Return the shape of the latent of a batch of stacks."""
        height, width = (side // self.downsampling for side in stack.shape[-2:])
        return len(stack), self.latent_channels, height, width

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the decoder's last convolution, on which losses are weighed against each other."""
        return [parameter for parameter in self.core.decoder.parameters() if parameter.dim() == 4][-1]

    def forward(self, stack: Tensor, noise: Tensor | None = None) -> Translation:
        """Translate stacks; with `noise` (standard normal, of the latent's shape) the latent is sampled."""
        mean, standard_deviation = self.encode(stack)
        latent = mean if noise is None else mean + standard_deviation * noise
        descriptors, logits = self._decode(latent)
        return Translation(descriptors, mean, standard_deviation, logits)

    def _decode(self, latent: Tensor) -> tuple[Tensor, Tensor | None]:
        decoded = F.pixel_shuffle(self.core.decode(latent), self.patch_size)
        if self.type_map == "intensities":
            return decoded, None
        grey, logits = decoded[:, :GREY_CHANNELS].float(), decoded[:, GREY_CHANNELS:].float()
        factor, offset = self.spheres_to_type_map
        # The heights are learnt from the spheres: a doubtful class must not pull them down.
        brightness = (factor * grey[:, SPHERES : SPHERES + 1].detach() + offset).clamp(min=0.0)
        sharpness = 1.0 if self.training else self.class_sharpness
        return torch.cat([grey, brightness * (sharpness * logits).softmax(dim=1)], dim=1), logits
