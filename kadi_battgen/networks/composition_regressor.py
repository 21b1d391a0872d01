"""The composition regressor: atom counts from latents or stacks, one or several orientations (thesis section 4.2.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.datasets.conditions import CONDITION_SIZE, ION_ENTRIES
from kadi_battgen.networks.blocks import StackStretch
from kadi_battgen.networks.composition_autoencoder import LARGEST_COUNT
from kadi_battgen.networks.conditions import ConditionEmbedding

#: Logarithm of one plus the most atoms of one element.
LARGEST_LOGARITHM = math.log1p(LARGEST_COUNT)

#: What the last layer says of each element: its count, or its presence and the count if it is there.
Head = Literal["counts", "presence-and-count"]


@dataclass(frozen=True)
class CompositionOutput:
    """What the regressor says of sets of orientations.

    Attributes
    ----------
    counts
        Expected atoms per reduced formula, (sets, elements).
    presence
        Probability that an element is there, (sets, elements).
    presence_logit
        Its log-odds, (sets, elements); None with a head for counts alone.
    logarithm
        Logarithm of one plus the count if the element is there, (sets, elements).
    known_logit
        Log-odds of the known compositions, (sets, known); None where none are known.
    """

    counts: Tensor
    presence: Tensor
    presence_logit: Tensor | None
    logarithm: Tensor
    known_logit: Tensor | None


class CompositionRegressor(nn.Module):
    """Convolutions on each image, pooling over its pixels and over the orientations of a set, dense layers, softplus.

    Pooled over the pixels, and again over the orientations, are the mean and the largest response of each feature: how
    much of the surface shows it, and whether it shows at all. So a set may have any number of orientations in any order.
    Batch normalisation keeps the scale of a response, which normalising each image by itself would remove.

    Parameters
    ----------
    in_channels
        Channels of the latent, or slices of the stack.
    stretch
        Gain of the arcsinh transform of stacks; None for latents, which are taken as they are.
    pooling
        Pixels along each edge that are averaged to one before anything else.
    channels
        Channels of the convolutions; each but the second halves the resolution of a stack, each that of a latent.
    dense
        Widths of the dense layers; the first is that of the features that are pooled over the orientations.
    elements
        Length of the composition vector.
    dropout
        Share of dense features dropped in training.
    head
        Kind of the last layer.
    working_ions
        Number of working ions that may be given beside the images; 0 for none.
    properties
        Whether the functional properties of the cell may be given beside the images.
    known
        Number of known compositions that the network learns to recognise; 0 for none.
    """

    def __init__(
        self,
        *,
        in_channels: int = 4,
        stretch: float | None = None,
        pooling: int = 1,
        channels: Sequence[int] = (32, 64, 128),
        dense: Sequence[int] = (256,),
        elements: int = 112,
        dropout: float = 0.2,
        head: Head = "counts",
        working_ions: int = 0,
        properties: bool = False,
        known: int = 0,
    ) -> None:
        super().__init__()
        self.pooling = nn.Identity() if pooling == 1 else nn.AvgPool2d(pooling)
        self.stretch = nn.Identity() if stretch is None else StackStretch(stretch)
        layers: list[nn.Module] = []
        previous = in_channels
        for level, width in enumerate(channels):
            stride = 1 if level == 1 and stretch is not None else 2
            layers += [nn.Conv2d(previous, width, 3, stride=stride, padding=1), nn.BatchNorm2d(width), nn.SiLU()]
            previous = width
        self.convolutions = nn.Sequential(*layers)
        first, *others = dense or (2 * previous,)
        self.features = nn.Sequential(nn.Linear(2 * previous, first), nn.LayerNorm(first), nn.SiLU())
        self.working_ion = nn.Linear(working_ions, 2 * first) if working_ions else None
        self.properties = _CellEmbedding(first) if properties else None
        layers, previous = [nn.Dropout(dropout)], (3 if properties else 2) * first
        for width in others or (first,):
            layers += [nn.Linear(previous, width), nn.LayerNorm(width), nn.SiLU(), nn.Dropout(dropout)]
            previous = width
        self.dense = nn.Sequential(*layers)
        self.count = nn.Linear(previous, elements)
        self.presence = nn.Linear(previous, elements) if head == "presence-and-count" else None
        if self.presence is not None:
            # A formula holds some four of a hundred elements: start from there.
            nn.init.constant_(self.presence.bias, -3.0)
        self.recognition = nn.Linear(previous, known) if known else None

    def embed(self, images: Tensor) -> Tensor:
        """Return the features of images (batch, channels, h, w), normalised latents or scaled stacks: (batch, features)."""
        responses = self.convolutions(self.stretch(self.pooling(images)).contiguous(memory_format=torch.channels_last))
        return self.features(torch.cat([responses.mean(dim=(2, 3)), responses.amax(dim=(2, 3))], dim=1))

    def read(self, features: Tensor, conditions: Tensor | None = None) -> CompositionOutput:
        """Return what sets of orientations say.

        Parameters
        ----------
        features
            (sets, orientations, features), from :meth:`embed`.
        conditions
            What is known of the cell, vectors of :func:`~kadi_battgen.datasets.conditions.condition_vectors`, (sets,
            CONDITION_SIZE); None where nothing is. What the network does not take does not matter.
        """
        pooled = torch.cat([features.mean(dim=1), features.amax(dim=1)], dim=1)
        if self.working_ion is not None and conditions is not None:
            pooled = pooled + self.working_ion(conditions[:, ION_ENTRIES])
        if self.properties is not None:
            told = features.new_zeros(len(features), CONDITION_SIZE) if conditions is None else conditions
            pooled = torch.cat([pooled, self.properties(told)], dim=1)
        hidden = self.dense(pooled)
        response = F.softplus(self.count(hidden).float())
        known = None if self.recognition is None else self.recognition(hidden).float()
        if self.presence is None:
            # The probability of at least one event of a Poisson distribution with this mean.
            return CompositionOutput(response, -torch.expm1(-response), None, torch.log1p(response), known)
        logit = self.presence(hidden).float()
        presence, logarithm = torch.sigmoid(logit), response.clamp(max=LARGEST_LOGARITHM)
        return CompositionOutput(presence * torch.expm1(logarithm), presence, logit, logarithm, known)

    def forward(self, images: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return atoms per reduced formula, (batch, elements), of single images (batch, channels, h, w)."""
        return self.read(self.embed(images)[:, None], conditions).counts


class _CellEmbedding(nn.Sequential):
    """What is known of the cell, (sets, CONDITION_SIZE), as features like those of images, (sets, width)."""

    def __init__(self, width: int) -> None:
        # Finer steps than screening needs: two metals of one row differ by 2 % in the mass that a capacity tells.
        embedding = ConditionEmbedding(width=24, frequencies=7)
        super().__init__(embedding, nn.Linear(embedding.size, width), nn.LayerNorm(width), nn.SiLU())
