"""What is measured once a model is trained and kept with it: where its latents lie, and how far its predictions are off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.networks.property_regressor import combined
from kadi_battgen.networks.sei_autoencoder import SeiAutoencoder
from kadi_battgen.training.losses import unweighted_probabilities
from kadi_battgen.training.sei.task import SeiSamples

#: File beside the weights with the distribution of the training part's latents.
LATENTS = "latents.safetensors"

#: Training samples whose latents are kept, at most.
_KEPT = 4000

#: Levels at which the spread of the predictions' errors is kept.
LEVELS = tuple(np.round(np.concatenate([np.arange(0.05, 0.95, 0.05), np.arange(0.95, 0.9951, 0.005)]), 4).tolist())

_BLOCK = 256


@dataclass(frozen=True)
class Latents:
    """The latents of the training part.

    Attributes
    ----------
    mean, covariance
        Of the latent means, float64, (latent size,) and (latent size, latent size).
    standard_deviation
        Root mean square of the standard deviation of the latent given a configuration, (latent size,).
    sample
        Latent means of training samples drawn at random, float32, (S, latent size).
    observables
        All their observables in their units, (S, 10), in the order of ``OBSERVABLES``.
    barriers
        Their reaction barriers, scaled to [0, 1], (S, 15).
    """

    mean: np.ndarray
    covariance: np.ndarray
    standard_deviation: np.ndarray
    sample: np.ndarray
    observables: np.ndarray
    barriers: np.ndarray

    def save(self, path: Path) -> None:
        """Write the file."""
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in vars(self).items()}
        with atomic_path(path) as temporary:
            temporary.write_bytes(save(tensors))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file.

        Raises
        ------
        UserError
            If it is broken.
        """
        try:
            return cls(**{name: tensor.numpy() for name, tensor in load_file(path).items()})
        except (SafetensorError, OSError, ValueError, TypeError) as error:
            raise UserError(f"{path} is empty, truncated or of another version: train the model again.") from error

    def distance(self, latents: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distance of latents (N, latent size) from the training part's, (N,)."""
        # Directions that the model does not use have next to no variance: they must not decide.
        floor = 1e-3 * np.trace(self.covariance) / len(self.mean)
        inverse = np.linalg.inv(self.covariance + floor * np.eye(len(self.mean)))
        shift = np.asarray(latents, dtype=np.float64) - self.mean
        return np.sqrt(np.einsum("ni,ij,nj->n", shift, inverse, shift))


@torch.no_grad()
def measure_latents(
    network: SeiAutoencoder, samples: SeiSamples, observables: np.ndarray, barriers: np.ndarray, seed: int
) -> Latents:
    """Return the latents of a part.

    Parameters
    ----------
    network
        The trained autoencoder, in evaluation mode.
    samples
        The training part.
    observables
        Its observables in their units, (N, 10).
    barriers
        Its barriers scaled to [0, 1], (N, 15).
    seed
        Seed of the sample.
    """
    encoded = [
        network.encode(samples.configurations[start : start + _BLOCK]) for start in range(0, len(samples), _BLOCK)
    ]
    means = torch.cat([mean for mean, _ in encoded]).double().numpy()
    variances = torch.cat([deviation for _, deviation in encoded]).double().square().mean(dim=0).numpy()
    chosen = np.random.default_rng(seed).permutation(len(samples))[:_KEPT]
    chosen.sort()
    return Latents(
        mean=means.mean(axis=0),
        covariance=np.cov(means, rowvar=False).reshape(means.shape[1], means.shape[1]),
        standard_deviation=np.sqrt(variances),
        sample=means[chosen].astype(np.float32),
        observables=np.asarray(observables[chosen], dtype=np.float64),
        barriers=np.asarray(barriers[chosen], dtype=np.float32),
    )


@torch.no_grad()
def site_surprise(
    network: SeiAutoencoder, configurations: Tensor, latent: Tensor, barriers: Tensor | None, class_weights: Tensor
) -> Tensor:
    """Return the mean over sites of -ln p of the species that are there, given a latent, (batch,)."""
    probabilities = unweighted_probabilities(network.decode(latent, barriers), class_weights)
    there = probabilities.gather(1, configurations.long()[:, None]).squeeze(1)
    return -there.clamp(min=1e-9).log().mean(dim=(1, 2))


@torch.no_grad()
def measure_references(
    network: SeiAutoencoder, samples: SeiSamples, latents: Latents, class_weights: Tensor
) -> dict[str, Any]:
    """Return what predictions and scores are compared with, from the validation part.

    Returns
    -------
    dict
        ``levels`` and ``error_quantiles``, for each property the quantiles at these levels of |true - predicted| / predicted
        standard deviation (split conformal prediction with scaled residuals: Lei et al., J. Am. Stat. Assoc. 113, 1094
        (2018), section 5.2); ``distance`` and ``surprise``, the quantiles at 0.5 and 0.95 of the latents' Mahalanobis
        distance and of the sites' mean surprise in nat.
    """
    errors, distances, surprises = [], [], []
    weights = class_weights.float()
    for start in range(0, len(samples), _BLOCK):
        positions = torch.arange(start, min(start + _BLOCK, len(samples)))
        codes, properties, barriers = samples.batch(positions, torch.device("cpu"))
        mean, _ = network.encode(codes)
        if network.regressor is not None:
            predicted, deviation = combined(*network.predict(mean))
            errors.append(((properties - predicted).abs() / deviation).double().numpy())
        distances.append(latents.distance(mean.numpy()))
        surprises.append(site_surprise(network, codes, mean, barriers, weights).numpy())
    document: dict[str, Any] = {
        "samples": len(samples),
        "distance": np.quantile(np.concatenate(distances), (0.5, 0.95)).tolist(),
        "surprise": np.quantile(np.concatenate(surprises), (0.5, 0.95)).tolist(),
    }
    if errors:
        together = np.concatenate(errors)
        # The rank that a finite sample needs for its coverage, (n + 1) level, instead of n level.
        ranks = np.minimum(np.array(LEVELS) * (len(together) + 1) / len(together), 1.0)
        document["levels"] = list(LEVELS)
        document["error_quantiles"] = np.quantile(together, ranks, axis=0, method="higher").T.tolist()
    return document
