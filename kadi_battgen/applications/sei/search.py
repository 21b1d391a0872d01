"""Search in the latent space of a trained autoencoder for points that the property regressor expects wanted values at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.datasets.scaling import StandardScaling
from kadi_battgen.networks.property_regressor import combined

#: Step of the optimizer in standard deviations of the latent.
_STEP = 0.05

#: Weight of the squared Mahalanobis distance beyond that of a typical configuration, per unit of the latent, against the
#: squared error of a standardised property.
_FAMILIAR = 0.05

#: Weight of the regressor's variance, so that a search does not go where it knows nothing.
_CERTAIN = 0.1


class LatentSearch:
    """Gradient search through the regressor of a model.

    The loss of a point is the squared error of the standardised properties that are wanted, plus the regressor's variance of
    them, plus what the point lies farther from the training part's latents than the median configuration does. So the search
    stays where the decoder was trained.

    Parameters
    ----------
    model
        A trained model with a regressor.
    """

    def __init__(self, model: PrvaeModel) -> None:
        self.model = model
        self.scaling = StandardScaling.from_json(model.card["normalisation"]["properties"])
        latents = model.latents
        floor = 1e-3 * np.trace(latents.covariance) / model.latent_size
        covariance = latents.covariance + floor * np.eye(model.latent_size)
        self._inverse = torch.from_numpy(np.linalg.inv(covariance)).float()
        self._mean = torch.from_numpy(latents.mean).float()
        self._spread = torch.from_numpy(np.sqrt(np.diag(covariance))).float()
        self._typical = float(model.card["references"]["distance"][0])

    def guided(self, name: str) -> bool:
        """Tell whether the regressor predicts an observable, so that a search can be guided by it."""
        return name in self.model.properties

    def run(self, starts: np.ndarray, wanted: Mapping[str, np.ndarray], steps: int) -> np.ndarray:
        """Return latents near `starts` at which the regressor expects the wanted values, float32, (N, latent size).

        Parameters
        ----------
        starts
            (N, latent size).
        wanted
            Wanted values in their units, (N,) by observable; those that the regressor does not predict are passed over.
        steps
            Steps of the optimizer (Adam); 0 returns the starts.
        """
        names = [name for name in wanted if self.guided(name)]
        if not names or not steps:
            return np.asarray(starts, dtype=np.float32)
        columns = [self.model.properties.index(name) for name in names]
        targets = np.full((len(starts), len(self.model.properties)), np.nan)
        targets[:, columns] = np.stack([wanted[name] for name in names], axis=1)
        aims = torch.from_numpy(self.scaling.transform(targets)[:, columns]).float()
        # In standard deviations, so that one step suits units that vary much and units that hardly do.
        begin = (torch.from_numpy(np.asarray(starts, dtype=np.float32)) - self._mean) / self._spread
        offset = begin.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([offset], lr=_STEP)
        for _ in range(steps):
            optimizer.zero_grad()
            self._loss(self._mean + offset * self._spread, aims, columns).sum().backward()
            optimizer.step()
        return (self._mean + offset.detach() * self._spread).numpy()

    def _loss(self, latents: Tensor, aims: Tensor, columns: list[int]) -> Tensor:
        mean, deviation = combined(*self.model.network.predict(latents))
        error = (mean[:, columns] - aims).square().sum(dim=1) + _CERTAIN * deviation[:, columns].square().sum(dim=1)
        shift = latents - self._mean
        distance = torch.einsum("ni,ij,nj->n", shift, self._inverse, shift).clamp(min=0)
        beyond = (distance - self._typical**2).clamp(min=0) / latents.shape[1]
        return error + _FAMILIAR * beyond
