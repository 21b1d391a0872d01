"""Feature and style reconstruction on a feature network (thesis equations 2.52 to 2.54)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kadi_battgen.errors import UserError
from kadi_battgen.networks.discriminators import GREY_CHANNELS
from kadi_battgen.networks.features import FEATURE_GROUPS, load_feature_network


def feature_loss(predicted: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Return the squared difference of activations, averaged over elements and layers.

    Source: Johnson et al., ECCV 2016, equation 2 (thesis equation 2.52), with the mean over the batch. On a discriminator's
    layers it is feature matching (Salimans et al., NeurIPS 2016, section 3.1, taken image by image as in pix2pixHD).

    Parameters
    ----------
    predicted, truth
        Activations (batch, C_j, H_j, W_j) of each layer j.
    """
    return torch.stack([(a - b).square().mean() for a, b in zip(predicted, truth, strict=True)]).mean()


def gram_matrix(features: Tensor) -> Tensor:
    """Return the Gram matrix of activations, (batch, C, C).

    Source: Gatys et al., CVPR 2016, equation 3, divided by C H W as in Johnson et al., ECCV 2016, equation 3 (thesis
    equation 2.53).
    """
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])


def style_loss(predicted: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Return the squared Frobenius norm of the difference of Gram matrices, averaged over batch and layers.

    Source: Johnson et al., ECCV 2016, equation 4 (thesis equation 2.54).
    """
    layers = [
        (gram_matrix(a) - gram_matrix(b)).square().sum(dim=(1, 2)).mean() for a, b in zip(predicted, truth, strict=True)
    ]
    return torch.stack(layers).mean()


class DescriptorPerceptualLoss(nn.Module):
    """Feature and style losses of descriptors on the feature networks of both groups, whose weights stay as they are.

    Parameters
    ----------
    feature_weight, style_weight
        Weights of the two losses.
    path
        Weights written by ``python -m kadi_battgen.training.features``; by default the bundled ones.

    Raises
    ------
    UserError
        If a weight is negative, or the file is missing or broken.
    """

    def __init__(
        self, feature_weight: float = 1.0, style_weight: float = 0.0, path: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__()
        if feature_weight < 0 or style_weight < 0:
            raise UserError(
                f"The weights of the perceptual losses ({feature_weight}, {style_weight}) are negative: give 0 or more."
            )
        self.feature_weight, self.style_weight = feature_weight, style_weight
        self.networks = nn.ModuleDict({group: load_feature_network(group, path) for group in FEATURE_GROUPS})

    def train(self, mode: bool = True) -> DescriptorPerceptualLoss:
        """Keep the networks in evaluation mode, whatever the training around them does."""
        return super().train(False)

    def forward(self, predicted: Tensor, truth: Tensor) -> Tensor:
        """Return the weighted loss, averaged over the groups.

        Parameters
        ----------
        predicted, truth
            Scaled descriptors, (batch, 6, H, W).
        """
        losses = []
        for group, channels in zip(FEATURE_GROUPS, (slice(0, GREY_CHANNELS), slice(GREY_CHANNELS, None)), strict=True):
            network = self.networks[group]
            maps = network.maps(predicted[:, channels])  # type: ignore[operator, union-attr]
            with torch.no_grad():
                wanted = network.maps(truth[:, channels])  # type: ignore[operator, union-attr]
            loss = self.feature_weight * feature_loss(maps, wanted)
            if self.style_weight:
                loss = loss + self.style_weight * style_loss(maps, wanted)
            losses.append(loss)
        return torch.stack(losses).mean()
