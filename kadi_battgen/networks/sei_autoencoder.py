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
    covered
        Share of columns whose highest SEI site lies in a row or above, (batch, rows).
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
    covered: Tensor
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
    covered = _at_or_above(probabilities[:, list(layer)].sum(dim=1)).mean(dim=-1)
    return torch.cat([shares, covered[:, None]], dim=1)


def _at_or_above(odds: Tensor) -> Tensor:
    """Return the probability that something is at a row or above, for independent odds (batch, rows, ...) of each row."""
    none = torch.cumprod((1 - odds).flip(1), dim=1).flip(1)
    # The electrode row holds no SEI.
    return torch.cat([torch.zeros_like(none[:, :1]), 1 - none[:, 1:]], dim=1)


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
    row_head
        Whether the decoder also sees each row as a whole: a dense layer adds to the logits of a row's sites, and gives the
        share of columns that are covered there, which sites by themselves cannot tell.
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
        row_head: bool = False,
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
        self.widen = nn.Sequential(nn.Linear(latent_size + barriers, dense), nn.ReLU())
        self.unfold = nn.Sequential(nn.Linear(dense, features), nn.ReLU())
        self.row_head = nn.Linear(dense, (categories + 1) * rows) if row_head else None
        if self.row_head is not None:
            # Few columns reach a given row: starting at one half, all of them would.
            nn.init.constant_(self.row_head.bias[categories * rows :], -5.0)
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
        return self.decode_layer(latent, barriers)[0]

    def decode_layer(self, latent: Tensor, barriers: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return logits as :meth:`decode`, and the share of columns covered at each row or above, (batch, rows).

        Without a row head the latter is what independent sites would give.
        """
        given = latent if not self.barriers else torch.cat([latent, barriers], dim=1)  # type: ignore[list-item]
        wide = self.widen(given)
        hidden = self.unfold(wide).unflatten(1, self._folded)
        logits = self.deconvolutions(hidden.contiguous(memory_format=torch.channels_last)).float()
        if self.row_head is None:
            logits = logits + self.possible
            return logits, layer_profiles(torch.softmax(logits, dim=1))[:, -1]
        rows = self.row_head(wide).float().unflatten(1, (self.categories + 1, -1))
        return logits + rows[:, :-1, :, None] + self.possible, _at_or_above(torch.sigmoid(rows[:, -1]))

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
        logits, covered = self.decode_layer(latent, barriers)
        return SeiReconstruction(logits, covered, mean, deviation, predicted, log_variance, *prior)


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
