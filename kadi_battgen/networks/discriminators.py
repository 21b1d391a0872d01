"""Image-conditioned patch discriminators with a grey and a colour branch (thesis section 4.2.3; Isola et al. 2017)."""

from __future__ import annotations

import torch
from monai.networks.nets.patchgan_discriminator import PatchDiscriminator
from torch import Tensor, nn

#: Grey descriptor channels (height map, van der Waals spheres, atomic disks) come first, then red, green and blue.
GREY_CHANNELS = 3


class BranchedPatchDiscriminator(nn.Module):
    """Patch discriminators for groups of descriptor channels, each seeing the stack beside them.

    Parameters
    ----------
    slices
        Constant-height images in a stack.
    channels
        Channels of the first layer.
    layers
        Strided layers after the first.
    branches
        2: one for the grey descriptors and one for the colours of the type map, as in the thesis; 1: one for all descriptors
        together, as in plain pix2pix.

    Raises
    ------
    ValueError
        If `branches` is neither.
    """

    def __init__(self, *, slices: int = 10, channels: int = 32, layers: int = 2, branches: int = 2) -> None:
        super().__init__()
        groups = {1: {"descriptors": 6}, 2: {"grey": GREY_CHANNELS, "colour": 3}}
        if branches not in groups:
            raise ValueError(f"{branches} branches are not known: choose 1 or 2")
        self.widths = list(groups[branches].values())
        for name, width in groups[branches].items():
            branch = PatchDiscriminator(
                spatial_dims=2, channels=channels, in_channels=slices + width, num_layers_d=layers, norm="INSTANCE"
            )
            self.add_module(name, branch)

    def forward(self, stack: Tensor, descriptors: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of all branches.

        Parameters
        ----------
        stack
            (batch, slices, H, W), the condition.
        descriptors
            (batch, 6, H, W), true or translated.

        Returns
        -------
        tuple of torch.Tensor
            Logits of each branch, (batch, 1, h, w) each; positive means judged real.
        """
        parts = descriptors.split(self.widths, dim=1)
        return tuple(
            branch(torch.cat([stack, part], dim=1))[-1] for branch, part in zip(self.children(), parts, strict=True)
        )
