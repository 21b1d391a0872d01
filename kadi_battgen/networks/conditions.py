"""How a denoising network reads its conditions: fine steps, equal ratios, and a learned token for what is left open."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.datasets.conditions import CONDITION_SIZE, ION_ENTRIES
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS

#: Added to a scaled property before its logarithm, so that the lowest values of the training stay apart.
_FLOOR = 0.04


class ConditionEmbedding(nn.Module):
    """Embedding of the six functional properties and the working ion, each by itself.

    A property enters as its scaled value, its logarithm, and sines and cosines of both. A network fed with the value alone
    cannot tell 50 from 58 mAh/g on a scale that reaches to 550, though the difference is 15 %. What is not given enters
    as a token that is learned, one for each property and one for the ion, and not as a value that some electrode has.

    Parameters
    ----------
    width
        Length of each condition's embedding.
    frequencies
        Number of sines, with the periods 2, 1, 1/2 ... of the scaled property's range.
    """

    def __init__(self, width: int = 16, frequencies: int = 5) -> None:
        super().__init__()
        self.width, properties = width, len(FUNCTIONAL_PROPERTIES)
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(frequencies), persistent=False)
        features = 2 + 4 * frequencies
        self.weight = nn.Parameter(torch.randn(properties, features, width) / math.sqrt(features))
        self.bias = nn.Parameter(torch.zeros(properties, width))
        self.absent = nn.Parameter(torch.randn(properties, width))
        self.ion = nn.Embedding(len(WORKING_IONS) + 1, width)

    @property
    def size(self) -> int:
        """Length of the whole embedding."""
        return self.width * (len(FUNCTIONAL_PROPERTIES) + 1)

    def forward(self, conditions: Tensor) -> Tensor:
        """Return embeddings (batch, size) of the vectors of :func:`~kadi_battgen.datasets.conditions.condition_vectors`.

        Raises
        ------
        ValueError
            If the vectors have another length.
        """
        if conditions.shape[-1] != CONDITION_SIZE:
            raise ValueError(
                f"conditions of length {conditions.shape[-1]} are not the {CONDITION_SIZE} of the data set"
            )
        properties = len(FUNCTIONAL_PROPERTIES)
        values, given = conditions[:, :properties], conditions[:, properties : 2 * properties]
        scaled = (values + 1) / 2
        # In [-1, 1] again: one for the highest value of the training, minus one for the lowest.
        logarithm = 1 + 2 * torch.log((scaled.clamp(min=0.0) + _FLOOR) / (1 + _FLOOR)) / math.log((1 + _FLOOR) / _FLOOR)
        both = torch.stack([values, logarithm], dim=-1)
        angles = (both[..., None] * self.frequencies / 2).flatten(2)
        features = torch.cat([both, angles.sin(), angles.cos()], dim=-1)
        embedded = torch.einsum("bpf,pfw->bpw", features, self.weight) + self.bias
        embedded = torch.where(given[..., None] > 0.5, embedded, self.absent)
        position = torch.where(conditions[:, -1] > 0.5, conditions[:, ION_ENTRIES].argmax(dim=1), len(WORKING_IONS))
        return torch.cat([F.silu(embedded).flatten(1), self.ion(position)], dim=1)
