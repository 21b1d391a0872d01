"""The property-regressor variational autoencoder of SEI configurations, prVAE (thesis section 4.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kadi_battgen.networks.property_regressor import PropertyRegressor
from kadi_battgen.sei.chemistry import BOUNDARY, CLUSTER, ELECTRODE, INORGANIC, SPECIES

#: Added to the logit of a species where it cannot be: the electrode outside its row, anything else within it.
_IMPOSSIBLE = -1e4

#: Bounds of the logarithm of the latent variance, beyond which half precision would overflow.
_LOG_VARIANCES = (-14.0, 6.0)


class SeiReconstruction(NamedTuple):
    """What the autoencoder returns for a batch.

    Attributes
    ----------
    logits
        Unnormalised log-probabilities of the species at each site, (batch, categories, rows, columns).
    mean, standard_deviation
        Of the latent, (batch, latent size) each.
    predicted
        Mean of each scaled property by member, (members, batch, properties); None without regressor.
    log_variance
        Logarithm of its variance, of the same shape; None without regressor.
    prior_mean, prior_standard_deviation
        What the latent is expected to be before the configuration is seen, (batch, latent size); None for N(0, 1).
    """

    logits: Tensor
    mean: Tensor
    standard_deviation: Tensor
    predicted: Tensor | None
    log_variance: Tensor | None
    prior_mean: Tensor | None
    prior_standard_deviation: Tensor | None


def layer_profiles(probabilities: Tensor, layer: Sequence[int] = (INORGANIC, CLUSTER)) -> Tensor:
    """Return how a configuration is filled row by row, expected over independent sites.

    Of one-hot configurations the profiles are exact: the sum over the rows of the share of SEI sites is the volume fraction
    times columns over columns, and the sum over the rows of the share of columns with SEI at or above is the thickness.

    Parameters
    ----------
    probabilities
        Probability of each species at each site, (batch, categories, rows, columns).
    layer
        Codes of the species that count as SEI.

    Returns
    -------
    Tensor
        (batch, categories + 1, rows): the share of each species in each row, and the share of columns whose highest SEI site
        lies in that row or above; the electrode row has no SEI.
    """
    shares = probabilities.mean(dim=-1)
    free = 1 - probabilities[:, list(layer)].sum(dim=1)
    # From the boundary down: no site of the column at or above this row holds SEI.
    none_above = torch.cumprod(free.flip(1), dim=1).flip(1)
    covered = (1 - none_above).mean(dim=-1)
    covered = torch.cat([torch.zeros_like(covered[:, :1]), covered[:, 1:]], dim=1)
    return torch.cat([shares, covered[:, None]], dim=1)


class SeiAutoencoder(nn.Module):
    """Convolutional variational autoencoder of configurations with a property regressor on the latent mean.

    Parameters
    ----------
    rows, columns
        Sites of the lattice.
    categories
        Number of species.
    channels
        Channels of the encoder's convolutions; the decoder has them in reverse.
    strides
        Stride of each convolution.
    dense
        Width of the dense layer between convolutions and latent.
    latent_size
        Length of the latent.
    full_resolution
        Whether the decoder computes features at every site before its last layer (as in the thesis) or its last layer is
        the one that upsamples, at a third of the cost.
    profiles
        Widths of dense layers through which the encoder also sees the row profiles of the configuration
        (:func:`layer_profiles`), which convolutions with strides blur; empty for none.
    properties
        Properties of the regressor; 0 for a plain autoencoder.
    regressor
        Widths of its dense layers.
    members
        Number of regressors, an ensemble.
    barriers
        Number of reaction barriers that the decoder is conditioned on; 0 for none.
    prior
        Widths of the dense layers that predict the latent from the barriers alone, a conditional prior (Sohn et al.,
        NeurIPS 2015); empty for the prior N(0, 1).
    """

    def __init__(
        self,
        *,
        rows: int = 50,
        columns: int = 50,
        categories: int = len(SPECIES),
        channels: Sequence[int] = (32, 64, 128),
        strides: Sequence[int] = (2, 2, 1),
        dense: int = 100,
        latent_size: int = 50,
        full_resolution: bool = True,
        profiles: Sequence[int] = (),
        properties: int = 0,
        regressor: Sequence[int] = (200, 200),
        members: int = 1,
        barriers: int = 0,
        prior: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.categories, self.latent_size, self.barriers = categories, latent_size, barriers
        sizes = [(rows, columns)]
        layers: list[nn.Module] = []
        for before, after, stride in zip((categories, *channels), channels, strides, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.ReLU()]
            sizes.append(tuple((side - 1) // stride + 1 for side in sizes[-1]))  # type: ignore[arg-type]
        self.convolutions = nn.Sequential(*layers)
        self._folded = (channels[-1], *sizes[-1])
        features = channels[-1] * sizes[-1][0] * sizes[-1][1]
        self.dense = nn.Sequential(nn.Linear(features, dense), nn.ReLU())
        self.profiles = _dense_layers((categories + 1) * rows, profiles) if profiles else None
        width = dense + (profiles[-1] if profiles else 0)
        self.latent_mean = nn.Linear(width, latent_size)
        self.latent_log_variance = nn.Linear(width, latent_size)
        self.expand = nn.Sequential(
            nn.Linear(latent_size + barriers, dense), nn.ReLU(), nn.Linear(dense, features), nn.ReLU()
        )
        self.deconvolutions = nn.Sequential(*_decoder(channels, strides, sizes, categories, full_resolution))
        self.regressor = PropertyRegressor(latent_size, regressor, properties, members) if properties else None
        self.prior = (
            nn.Sequential(_dense_layers(barriers, prior), nn.Linear(prior[-1], 2 * latent_size))
            if barriers and prior
            else None
        )
        possible = torch.zeros(categories, rows, 1)
        possible[[ELECTRODE, BOUNDARY]] = _IMPOSSIBLE
        for code, row in ((ELECTRODE, 0), (BOUNDARY, rows - 1)):
            possible[:, row] = _IMPOSSIBLE
            possible[code, row] = 0
        self.register_buffer("possible", possible, persistent=False)

    def one_hot(self, configurations: Tensor) -> Tensor:
        """Return codes of species (batch, rows, columns) one-hot encoded, float32, (batch, categories, rows, columns)."""
        codes = torch.arange(self.categories, dtype=configurations.dtype, device=configurations.device)
        return (configurations[:, None] == codes[:, None, None]).float()

    def encode(self, configurations: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the latent, (batch, latent size) each.

        Parameters
        ----------
        configurations
            Codes of the species, uint8, (batch, rows, columns).
        """
        sites = self.one_hot(configurations)
        # Channels last is what the processor's convolutions are fastest with.
        hidden = self.convolutions(sites.to(memory_format=torch.channels_last))
        features = self.dense(hidden.flatten(1))
        if self.profiles is not None:
            features = torch.cat([features, self.profiles(layer_profiles(sites).flatten(1))], dim=1)
        mean, log_variance = self.latent_mean(features).float(), self.latent_log_variance(features).float()
        return mean, (0.5 * log_variance.clamp(*_LOG_VARIANCES)).exp()

    def decode(self, latent: Tensor, barriers: Tensor | None = None) -> Tensor:
        """Return logits of the species, (batch, categories, rows, columns).

        Parameters
        ----------
        latent
            (batch, latent size).
        barriers
            Scaled reaction barriers, (batch, barriers), where the decoder is conditioned.
        """
        given = latent if not self.barriers else torch.cat([latent, barriers], dim=1)  # type: ignore[list-item]
        hidden = self.expand(given).unflatten(1, self._folded)
        return self.deconvolutions(hidden.contiguous(memory_format=torch.channels_last)).float() + self.possible

    def expected_latent(self, barriers: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the latent that the conditional prior expects for scaled barriers.

        Raises
        ------
        RuntimeError
            If the model has no conditional prior.
        """
        if self.prior is None:
            raise RuntimeError("this autoencoder has no conditional prior")
        mean, log_variance = self.prior(barriers).float().chunk(2, dim=1)
        return mean, (0.5 * log_variance.clamp(*_LOG_VARIANCES)).exp()

    def predict(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logarithm of the variance of the scaled properties, (members, batch, properties) each.

        Raises
        ------
        RuntimeError
            If the model has no regressor.
        """
        if self.regressor is None:
            raise RuntimeError("this autoencoder has no property regressor")
        return self.regressor(latent)

    def forward(
        self, configurations: Tensor, barriers: Tensor | None = None, noise: Tensor | None = None
    ) -> SeiReconstruction:
        """Encode, predict and decode; with `noise` (standard normal, of the latent's shape) the decoded latent is sampled."""
        mean, deviation = self.encode(configurations)
        latent = mean if noise is None else mean + deviation * noise
        predicted, log_variance = (None, None) if self.regressor is None else self.regressor(mean)
        prior = (None, None) if self.prior is None or barriers is None else self.expected_latent(barriers)
        return SeiReconstruction(self.decode(latent, barriers), mean, deviation, predicted, log_variance, *prior)


def _dense_layers(before: int, widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(before, width), nn.ReLU()]
        before = width
    return nn.Sequential(*layers)


def _decoder(
    channels: Sequence[int],
    strides: Sequence[int],
    sizes: Sequence[tuple[int, ...]],
    categories: int,
    full_resolution: bool,
) -> list[nn.Module]:
    """Return transposed convolutions that go back through the encoder's sizes."""
    widths = [*reversed(channels)] if full_resolution else [*reversed(channels[:-1])]
    layers: list[nn.Module] = []
    before = channels[-1]
    backwards = list(zip(reversed(strides), reversed(sizes[:-1]), reversed(sizes[1:]), strict=True))
    if full_resolution:
        backwards.append((1, sizes[0], sizes[0]))
    for position, (stride, large, small) in enumerate(backwards):
        last = position == len(backwards) - 1
        after = categories if last else widths[position]
        # What a transposed convolution of kernel 3 and padding 1 lacks to the size that the encoder came from.
        missing = tuple(wanted - ((side - 1) * stride + 1) for wanted, side in zip(large, small, strict=True))
        layers.append(nn.ConvTranspose2d(before, after, 3, stride, 1, output_padding=missing))
        if not last:
            layers += [nn.BatchNorm2d(after), nn.ReLU()]
        before = after
    return layers
