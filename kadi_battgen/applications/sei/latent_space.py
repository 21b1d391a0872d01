"""What a latent space knows: its principal components, how properties are ordered in it, which units are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.metrics.latent_space import (
    PrincipalComponents,
    disentanglement,
    linear_readout,
    neighbour_smoothness,
    unit_usage,
)

#: Principal components that figures and traversals show.
SHOWN_COMPONENTS = 3

#: Components of the plane in which figure 4.2 of the thesis shows latents.
_PLANE = 2


@dataclass(frozen=True)
class LatentSpace:
    """Latents of configurations along their principal components.

    Attributes
    ----------
    components
        The principal components of the latent means.
    scores
        Coordinates along the first ``SHOWN_COMPONENTS``, (N, up to 3).
    """

    components: PrincipalComponents
    scores: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray) -> LatentSpace:
        """Return the space of latent means (N, latent size)."""
        components = PrincipalComponents.fit(mean)
        return cls(components, components.scores(mean)[:, :SHOWN_COMPONENTS])


def latent_metrics(
    mean: np.ndarray, standard_deviation: np.ndarray, observables: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return how well observables are ordered in a latent space, and how it is used.

    Parameters
    ----------
    mean, standard_deviation
        Of the latent given each configuration, (N, latent size) each.
    observables
        Observables by name, (N,) each.

    Returns
    -------
    dict
        ``ordering``, by observable: R2 of a linear read-out of the whole latent (``linear_r2``) and of the plane of the first
        two principal components (``linear_r2_in_plane``), and smoothness over neighbours in both (``smoothness``,
        ``smoothness_in_plane``), as in :mod:`kadi_battgen.metrics.latent_space`; ``variance_shares`` of the first principal
        components; ``usage`` of the units; ``disentanglement`` of the observables.
    """
    space = LatentSpace.of(mean)
    plane = space.scores[:, :_PLANE]
    ordering = {
        name: {
            "linear_r2": linear_readout(mean, values),
            "linear_r2_in_plane": linear_readout(plane, values),
            "smoothness": neighbour_smoothness(mean, values),
            "smoothness_in_plane": neighbour_smoothness(plane, values),
        }
        for name, values in observables.items()
    }
    return {
        "ordering": ordering,
        "variance_shares": space.components.shares[:SHOWN_COMPONENTS].tolist(),
        "usage": unit_usage(mean, standard_deviation),
        "disentanglement": disentanglement(mean, observables),
    }
