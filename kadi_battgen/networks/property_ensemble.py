"""An ensemble that predicts functional properties from an electrode's formula, independent of the generative models."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.networks.composition_autoencoder import EXTRACTED_SHARES, FormulaTensors

#: What the networks predict: voltage in V, ln of the density in g/cm^3, ln of the volume change above :data:`SMALLEST_CHANGE`.
QUANTITIES = ("average_voltage", "log_density", "log_volume_change")

#: Added to a volume change before its logarithm, a fraction.
SMALLEST_CHANGE = 0.005


class PropertyEnsemble(nn.Module):
    """Dense networks side by side, each with its own weights, on statistics of the elements in a formula.

    The inputs are atomic fractions, mean and standard deviation of each elemental property over the atoms, the working ion,
    the share of it that leaves, the atoms that leave among all, and the number of atoms.

    Parameters
    ----------
    members
        Number of networks.
    hidden
        Width of their two hidden layers.
    elements
        Length of the composition vector.
    elemental_properties
        Number of properties of an element, whose table is a buffer.
    """

    def __init__(
        self, *, members: int = 8, hidden: int = 128, elements: int = 112, elemental_properties: int = 7
    ) -> None:
        super().__init__()
        features = elements + 2 * elemental_properties + len(WORKING_IONS) + 3
        self.register_buffer("elemental", torch.zeros(elements, elemental_properties))
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_deviation", torch.ones(features))
        self.register_buffer("target_mean", torch.zeros(len(QUANTITIES)))
        self.register_buffer("target_deviation", torch.ones(len(QUANTITIES)))
        self.register_buffer("shares", torch.tensor([float(share) for share in EXTRACTED_SHARES]), persistent=False)
        self.register_buffer(
            "ion_columns", torch.tensor([ELEMENT_INDEX[ion] for ion in WORKING_IONS]), persistent=False
        )
        sizes = (features, hidden, hidden, len(QUANTITIES))
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(members, n, m) / math.sqrt(n)) for n, m in pairwise(sizes)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(members, 1, m)) for m in sizes[1:])

    def features(self, formulas: FormulaTensors) -> Tensor:
        """Return the inputs of the networks before their scaling, (batch, features)."""
        counts = formulas.counts
        fractions = counts / counts.sum(dim=1, keepdim=True).clamp(min=1.0)
        mean = fractions @ self.elemental
        deviation = (fractions @ self.elemental.square() - mean.square()).clamp(min=0.0).sqrt()
        ion = F.one_hot(formulas.ion, len(WORKING_IONS)).to(counts.dtype)
        share = self.shares[formulas.share][:, None]
        size = torch.log1p(counts.sum(dim=1, keepdim=True))
        held = (fractions[:, self.ion_columns] * ion).sum(dim=1, keepdim=True)
        return torch.cat([fractions, mean, deviation, ion, share, share * held, size], dim=1)

    def forward(self, formulas: FormulaTensors) -> Tensor:
        """Return every network's :data:`QUANTITIES` in their units, (members, batch, 3)."""
        return self.predict((self.features(formulas) - self.feature_mean) / self.feature_deviation)

    def predict(self, features: Tensor) -> Tensor:
        """Return the same from scaled features, (batch, features) for all or (members, batch, features) for each."""
        hidden = features.expand(len(self.weights[0]), *features.shape[-2:])
        for position, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.baddbmm(bias, hidden, weight)
            if position < len(self.weights) - 1:
                hidden = F.silu(hidden)
        return hidden * self.target_deviation + self.target_mean
