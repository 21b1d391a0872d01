"""Image-conditioned patch discriminators with a grey and a colour branch (thesis section 4.2.3; Isola et al. 2017)."""

from __future__ import annotations

import torch
from monai.networks.nets.patchgan_discriminator import PatchDiscriminator
from torch import Tensor, nn

#: Grey descriptor channels (height map, van der Waals spheres, atomic disks) come first, then red, green and blue.
GREY_CHANNELS = 3


class BranchedPatchDiscriminator(nn.Module):
    """One patch discriminator for the grey descriptors and one for the colour type map, both seeing the stack.

    Parameters
    ----------
    slices
        Constant-height images in a stack.
    channels
        Channels of the first layer.
    layers
        Strided layers after the first.
    """

    def __init__(self, *, slices: int = 10, channels: int = 32, layers: int = 2) -> None:
        super().__init__()
        self.grey = PatchDiscriminator(
            spatial_dims=2, channels=channels, in_channels=slices + GREY_CHANNELS, num_layers_d=layers, norm="INSTANCE"
        )
        self.colour = PatchDiscriminator(
            spatial_dims=2, channels=channels, in_channels=slices + 3, num_layers_d=layers, norm="INSTANCE"
        )

    def forward(self, stack: Tensor, descriptors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of both branches.

        Parameters
        ----------
        stack
            (batch, slices, H, W), the condition.
        descriptors
            (batch, 6, H, W), true or translated.

        Returns
        -------
        tuple of torch.Tensor
            Grey and colour logits, (batch, 1, h, w) each; positive means judged real.
        """
        grey = self.grey(torch.cat([stack, descriptors[:, :GREY_CHANNELS]], dim=1))[-1]
        colour = self.colour(torch.cat([stack, descriptors[:, GREY_CHANNELS:]], dim=1))[-1]
        return grey, colour
