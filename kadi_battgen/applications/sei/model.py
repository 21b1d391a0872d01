"""A trained autoencoder of SEI configurations, with everything in physical units."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.sei.lattices import layered_lattices
from kadi_battgen.datasets.scaling import RangeScaling, StandardScaling
from kadi_battgen.errors import UserError
from kadi_battgen.networks.property_regressor import combined
from kadi_battgen.training.losses import unweighted_probabilities
from kadi_battgen.training.sei.prvae import load_prvae
from kadi_battgen.training.sei.references import site_surprise

#: Configurations that are worked on together.
_BLOCK = 256


class PrvaeModel:
    """A trained plain, property-regressor or conditional autoencoder.

    Latents are float32 arrays (N, latent size), configurations uint8 arrays (N, rows, columns) with row 0 the electrode, and
    barriers are in eV, (N, 15) or (15,) for all alike.

    Parameters
    ----------
    folder
        The folder that ``battgen train-prvae`` wrote.

    Attributes
    ----------
    folder
        The folder.
    card
        Architecture, normalisation, settings, measured results.
    network
        The network itself, in evaluation mode, for gradients.
    latents
        Distribution of the training part's latents and a sample of them with observables and scaled barriers
        (:class:`kadi_battgen.training.sei.references.Latents`).
    barriers_scaling
        Scaling of the barriers between eV and [0, 1].

    Raises
    ------
    UserError
        If the folder holds no such model, or one that is broken.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.network, self.card, self.latents = load_prvae(folder)
        constants = self.card["normalisation"]
        self._properties = StandardScaling.from_json(constants["properties"])
        self.barriers_scaling = RangeScaling.from_json(constants["barriers"])
        self._class_weights = torch.tensor(constants["class_weights"], dtype=torch.float32)

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the properties that the regressor predicts; none for a plain autoencoder."""
        return tuple(self.card["properties"])

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each property."""
        return self._properties.units if self.properties else ()

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species in the order of their codes."""
        return tuple(self.card["species"])

    @property
    def latent_size(self) -> int:
        """Length of the latent."""
        return self.network.latent_size

    @property
    def lattice_shape(self) -> tuple[int, int]:
        """Rows and columns of the lattice."""
        return self.card["architecture"]["rows"], self.card["architecture"]["columns"]

    @property
    def conditional(self) -> bool:
        """Whether the decoder needs barriers."""
        return self.network.barriers > 0

    @property
    def has_prior(self) -> bool:
        """Whether the model knows which latents to expect for barriers."""
        return self.network.prior is not None

    @torch.no_grad()
    def encode(self, configurations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the latent of each configuration, (N, latent size) each.

        Raises
        ------
        UserError
            If the lattice is not the model's, or a code is no species.
        """
        stack = self._checked(configurations)
        parts = [self.network.encode(torch.from_numpy(stack[block])) for block in _blocks(len(stack))]
        empty = torch.empty(0, self.latent_size)
        means, deviations = zip(*parts, strict=True) if parts else ((empty,), (empty,))
        return torch.cat(means).numpy(), torch.cat(deviations).numpy()

    @torch.no_grad()
    def decode(self, latent: np.ndarray, barriers: np.ndarray | None = None) -> np.ndarray:
        """Return the probability of each species at each site, float32, (N, species, rows, columns).

        Parameters
        ----------
        latent
            (N, latent size).
        barriers
            In eV; a conditional model needs them, others do not look at them.

        Raises
        ------
        UserError
            If barriers are needed and missing, or shapes do not fit.
        """
        return self.decode_layer(latent, barriers)[0]

    @torch.no_grad()
    def decode_layer(self, latent: np.ndarray, barriers: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return what :meth:`decode` returns, and the expected share of columns covered at each row or above, (N, rows).

        Parameters
        ----------
        latent, barriers
            As for :meth:`decode`.
        """
        points = self._points(latent)
        scaled = self._scaled(barriers, len(points))
        rows, columns = self.lattice_shape
        empty = (np.empty((0, len(self.species), rows, columns), np.float32), np.empty((0, rows), np.float32))
        parts = [empty, *(self._decoded(points, scaled, block) for block in _blocks(len(points)))]
        probabilities, covered = zip(*parts, strict=True)
        return np.concatenate(probabilities), np.concatenate(covered)

    def decode_configurations(
        self, latent: np.ndarray, barriers: np.ndarray | None = None, *, seed: int | None = None
    ) -> np.ndarray:
        """Return configurations, uint8, (N, rows, columns).

        The layer has the sites in each row, and the covered columns, that the decoder expects
        (:func:`kadi_battgen.applications.sei.lattices.layered_lattices`). The species between are placed where they are
        likeliest, or with a seed drawn at random from their probabilities.

        Parameters
        ----------
        latent, barriers
            As for :meth:`decode`.
        seed
            Seed of the draws.
        """
        points = self._points(latent)
        scaled = self._scaled(barriers, len(points))
        generator = None if seed is None else np.random.default_rng(seed)
        parts = [np.empty((0, *self.lattice_shape), np.uint8)]
        for block in _blocks(len(points)):
            probabilities, covered = self._decoded(points, scaled, block)
            parts.append(layered_lattices(probabilities, covered, generator))
        return np.concatenate(parts)

    @torch.no_grad()
    def predict(self, latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predicted mean and standard deviation of each property in its unit, float64, (N, properties) each.

        The standard deviation is half the width of the calibrated interval at the level of one standard deviation, 68 %.

        Raises
        ------
        UserError
            If the model has no regressor.
        """
        mean, deviation = self._predicted(latent)
        return self._properties.inverse(mean), deviation * self._properties.span * self._quantile(0.6827)

    def interval(self, latent: np.ndarray, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the calibrated interval of each property in its unit, (N, properties) each.

        Parameters
        ----------
        latent
            (N, latent size).
        level
            Share of configurations whose property lies in its interval, from 0.05 to 0.995.

        Raises
        ------
        UserError
            If the model has no regressor, or the level is out of range.
        """
        mean, deviation = self._predicted(latent)
        half = deviation * self._quantile(level)
        return self._properties.inverse(mean - half), self._properties.inverse(mean + half)

    @torch.no_grad()
    def out_of_distribution_score(self, configurations: np.ndarray, barriers: np.ndarray | None = None) -> np.ndarray:
        """Return how unlike the training data configurations are, (N,).

        The larger of two distances: that of the latent from those of the training part (Mahalanobis), and the mean surprise
        -ln p of the sites given the latent. Each is scaled so that 0 is the median of held-out configurations and 1 what 5 %
        of them exceed.

        Parameters
        ----------
        configurations
            (N, rows, columns).
        barriers
            In eV, for conditional models; by default the mean of the training range.
        """
        stack = self._checked(configurations)
        mean, _ = self.encode(stack)
        if self.conditional and barriers is None:
            barriers = self.barriers_scaling.inverse(np.full(self.network.barriers, 0.5))
        scaled = self._scaled(barriers, len(stack))
        surprises = [np.empty(0)]
        for block in _blocks(len(stack)):
            given = None if scaled is None else scaled[block]
            codes = torch.from_numpy(stack[block])
            surprise = site_surprise(self.network, codes, torch.from_numpy(mean[block]), given, self._class_weights)
            surprises.append(surprise.numpy())
        scores = []
        for name, values in (("distance", self.latents.distance(mean)), ("surprise", np.concatenate(surprises))):
            middle, high = self.card["references"][name]
            scores.append((values - middle) / max(high - middle, 1e-12))
        return np.max(scores, axis=0)

    @torch.no_grad()
    def expected_latent(self, barriers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the latent that barriers in eV lead to, (N, latent size) each.

        Raises
        ------
        UserError
            If the model has no prior that barriers condition.
        """
        if not self.has_prior:
            raise UserError(
                f"{self.folder} does not know which SEI barriers lead to: train with --variant conditional-prvae and a "
                "configuration with a prior."
            )
        scaled = self._scaled(barriers, len(np.atleast_2d(barriers)))
        assert scaled is not None
        mean, deviation = self.network.expected_latent(scaled)
        return mean.numpy(), deviation.numpy()

    @torch.no_grad()
    def _decoded(self, points: Tensor, scaled: Tensor | None, block: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities (block, species, rows, columns) and covered columns (block, rows)."""
        logits, covered = self.network.decode_layer(points[block], None if scaled is None else scaled[block])
        return unweighted_probabilities(logits, self._class_weights).numpy(), covered.numpy()

    def _predicted(self, latent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.properties:
            raise UserError(f"{self.folder} holds a plain autoencoder, which predicts no property: train a prvae.")
        with torch.no_grad():
            mean, deviation = combined(*self.network.predict(self._points(latent)))
        return mean.double().numpy(), deviation.double().numpy()

    def _quantile(self, level: float) -> np.ndarray:
        references = self.card["references"]
        levels = references["levels"]
        if not levels[0] <= level <= levels[-1]:
            raise UserError(f"Level {level} of an interval is out of range: give {levels[0]} to {levels[-1]}.")
        return np.array([np.interp(level, levels, quantiles) for quantiles in references["error_quantiles"]])

    def _points(self, latent: np.ndarray) -> Tensor:
        points = np.atleast_2d(np.asarray(latent, dtype=np.float32))
        if points.ndim != 2 or points.shape[1] != self.latent_size:
            raise UserError(
                f"Latents of shape {np.shape(latent)} do not fit {self.folder}: give (N, {self.latent_size})."
            )
        return torch.from_numpy(np.ascontiguousarray(points))

    def _scaled(self, barriers: np.ndarray | None, count: int) -> Tensor | None:
        if not self.conditional:
            return None
        if barriers is None:
            raise UserError(f"{self.folder} holds a conditional model: give the reaction barriers in eV.")
        values = np.atleast_2d(np.asarray(barriers, dtype=np.float64))
        if values.shape not in ((1, self.network.barriers), (count, self.network.barriers)):
            raise UserError(
                f"Barriers of shape {np.shape(barriers)} do not fit {count} latents: give (N, {self.network.barriers}) in eV."
            )
        scaled = np.broadcast_to(self.barriers_scaling.transform(values), (count, self.network.barriers))
        return torch.from_numpy(scaled.astype(np.float32))

    def _checked(self, configurations: np.ndarray) -> np.ndarray:
        stack = np.asarray(configurations)
        stack = stack[None] if stack.ndim == 2 else stack
        rows, columns = self.lattice_shape
        if stack.ndim != 3 or stack.shape[1:] != (rows, columns):
            raise UserError(
                f"Configurations of shape {np.shape(configurations)} do not fit {self.folder}, a model of lattices of "
                f"{rows} x {columns} sites."
            )
        if stack.size and (stack.min() < 0 or stack.max() >= len(self.species)):
            raise UserError(f"A configuration holds codes from {stack.min()} to {stack.max()}: species are 0 to 7.")
        return np.ascontiguousarray(stack.astype(np.uint8, copy=False))


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
