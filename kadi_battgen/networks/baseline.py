"""The baseline of the translator: a plain U-Net without latent and discriminator."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.nets.basic_unet import BasicUNet
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.networks.blocks import StackStretch


class BaselineTranslator(nn.Module):
    """MONAI's ``BasicUNet`` from stack to descriptors, to be trained with an L1 loss alone.

    Parameters
    ----------
    slices, descriptor_channels, patch_size, stretch
        As in :class:`kadi_battgen.networks.autoencoder.TranslationAutoencoder`.
    features
        The six channel numbers of ``BasicUNet``.
    """

    def __init__(
        self,
        *,
        slices: int = 10,
        descriptor_channels: int = 6,
        features: Sequence[int] = (32, 32, 64, 64, 64, 32),
        patch_size: int = 1,
        stretch: float = 100.0,
    ) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.stretch = StackStretch(stretch)
        self.core = BasicUNet(
            spatial_dims=2,
            in_channels=slices * patch_size**2,
            out_channels=descriptor_channels * patch_size**2,
            features=tuple(features),
        )

    def forward(self, stack: Tensor) -> Tensor:
        """Return descriptors (batch, channels, H, W) of scaled stacks (batch, slices, H, W)."""
        return F.pixel_shuffle(self.core(F.pixel_unshuffle(self.stretch(stack), self.patch_size)), self.patch_size)
