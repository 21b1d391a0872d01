"""Walks through the latent space and through the barriers, decoded and measured (thesis figures 4.5 to 4.8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadi_battgen.applications.sei.growing import grown_configurations
from kadi_battgen.applications.sei.latent_space import LatentSpace
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.sei.chemistry import BARRIER_NAMES
from kadi_battgen.sei.observables import observables

#: Configurations of a walk.
STEPS = 5


@dataclass(frozen=True)
class Walk:
    """Decoded configurations along a line.

    Attributes
    ----------
    label
        What changes along it, with its unit.
    positions
        Where each configuration stands on the line, (steps,), in the unit of the label.
    configurations
        uint8, (steps, rows, columns).
    measured
        Observables measured on them, (steps,) by name.
    """

    label: str
    positions: np.ndarray
    configurations: np.ndarray
    measured: dict[str, np.ndarray]

    def change(self, name: str) -> float:
        """Return the largest difference of a measured observable along the walk, in its unit."""
        return float(np.ptp(self.measured[name]))


def component_walks(
    model: PrvaeModel, space: LatentSpace, barriers: np.ndarray | None = None, *, steps: int = STEPS
) -> list[Walk]:
    """Return a walk along each shown principal component, from the least to the greatest score (figures 4.5 to 4.7).

    The other components stay at their means.

    Parameters
    ----------
    model
        The trained model.
    space
        Where configurations lie in its latent space.
    barriers
        Reaction barriers in eV, (15,), at which a conditional model decodes.
    steps
        Configurations of each walk.
    """
    walks = []
    for number, column in enumerate(space.scores.T):
        scores = np.zeros((steps, number + 1))
        scores[:, number] = np.linspace(column.min(), column.max(), steps)
        label = f"Principal component {number + 1} / dimensionless"
        walks.append(_walk(model, label, scores[:, number], space.components.points(scores), barriers))
    return walks


def barrier_walks(
    model: PrvaeModel, barriers: np.ndarray, latent: np.ndarray, *, steps: int = STEPS, follow: bool = False
) -> list[Walk]:
    """Return a walk along each barrier by itself, from its least to its greatest value, the others at their means (4.8a).

    Parameters
    ----------
    model
        A conditional model.
    barriers
        Barriers in eV whose ranges are walked, (N, 15).
    latent
        Latent at which is decoded, (latent size,).
    steps
        Configurations of each walk.
    follow
        Whether the latent follows the barriers, as the model's prior expects, instead of staying where it is.
    """
    low, high, middle = barriers.min(axis=0), barriers.max(axis=0), barriers.mean(axis=0)
    walks = []
    for number, name in enumerate(BARRIER_NAMES):
        along = np.tile(middle, (steps, 1))
        along[:, number] = np.linspace(low[number], high[number], steps)
        points = model.expected_latent(along)[0] if follow else np.tile(latent, (steps, 1))
        walks.append(_walk(model, f"Barrier {name} / eV", along[:, number], points, along))
    return walks


def _walk(
    model: PrvaeModel, label: str, positions: np.ndarray, points: np.ndarray, barriers: np.ndarray | None
) -> Walk:
    given = None
    if model.conditional and barriers is not None:
        given = np.broadcast_to(barriers, (len(points), np.shape(barriers)[-1]))
    # One by one with the same seed, so that chance decides alike at every step.
    steps = [
        grown_configurations(model, points[[step]], None if given is None else given[[step]])[0]
        for step in range(len(points))
    ]
    configurations = np.concatenate(steps)
    return Walk(label, np.asarray(positions), configurations, observables(configurations))
