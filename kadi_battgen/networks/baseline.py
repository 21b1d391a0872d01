"""The translator's peer from the literature: a plain U-Net, with skip connections and without a latent."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.nets.basic_unet import BasicUNet
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.networks.autoencoder import Translation
from kadi_battgen.networks.blocks import StackStretch


class BaselineTranslator(nn.Module):
    """MONAI's ``BasicUNet`` from stack to descriptors, as pix2pix has it (Isola et al., CVPR 2017, section 3.2.1).

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

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last convolution, on which losses are weighed against each other."""
        return self.core.final_conv.weight

    def forward(self, stack: Tensor, noise: Tensor | None = None) -> Translation:
        """Return the descriptors of scaled stacks (batch, slices, H, W); there is no latent that noise could enter."""
        folded = F.pixel_unshuffle(self.stretch(stack), self.patch_size)
        return Translation(F.pixel_shuffle(self.core(folded), self.patch_size))
