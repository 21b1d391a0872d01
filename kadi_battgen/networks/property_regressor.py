"""Properties from a latent, with their uncertainty: an ensemble of small dense networks computed together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class PropertyRegressor(nn.Module):
    """Dense networks that each give mean and logarithm of the variance of every property (thesis section 4.1.2).

    Each member is a network of its own with other initial weights; what they disagree on is what the data left open
    (deep ensembles: Lakshminarayanan et al., NeurIPS 2017).

    Parameters
    ----------
    latent_size
        Length of the latent.
    widths
        Widths of the hidden layers.
    properties
        Number of properties.
    members
        Number of networks.
    """

    def __init__(self, latent_size: int, widths: Sequence[int], properties: int, members: int = 1) -> None:
        super().__init__()
        sizes = [latent_size, *widths, 2 * properties]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for before, after in itertools.pairwise(sizes):
            bound = 1 / math.sqrt(before)
            self.weights.append(nn.Parameter(torch.empty(members, before, after).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(members, 1, after).uniform_(-bound, bound)))
        # The mean also has a linear path: most properties are close to linear in a latent that they helped to shape.
        self.linear = nn.Parameter(torch.zeros(members, latent_size, properties))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logarithm of the variance, (members, batch, properties) each, of latents (batch, latent size)."""
        # A property such as the porosity jumps with a single site: half precision would round the step away.
        with torch.autocast(latent.device.type, enabled=False):
            latent = latent.float()
            hidden = latent.expand(len(self.linear), *latent.shape)
            for position, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
                hidden = torch.baddbmm(bias, hidden, weight)
                if position < len(self.weights) - 1:
                    hidden = hidden.relu()
            mean, log_variance = hidden.chunk(2, dim=-1)
            return mean + latent @ self.linear, log_variance.clamp(-14.0, 6.0)


def combined(mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of an ensemble taken as one equal mixture, (batch, properties) each."""
    variance = log_variance.exp().mean(dim=0) + mean.var(dim=0, correction=0)
    return mean.mean(dim=0), variance.sqrt()
