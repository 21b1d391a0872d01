"""A plane of the latent space to point into: the configuration or image behind the nearest point appears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kadi_battgen.plots.interactive.widget import Widget, colour_steps


@dataclass(frozen=True)
class PointProperty:
    """A property of the points, to colour them by.

    Attributes
    ----------
    label
        What it is.
    unit
        Its unit; empty or ``1`` for a pure number.
    values
        One value per point; NaN where it is unknown.
    """

    label: str
    unit: str
    values: np.ndarray


@dataclass(frozen=True)
class LatentExplorer(Widget):
    """Points in two latent directions, coloured by a property.

    Attributes
    ----------
    coordinates
        (points, 2).
    axes
        Labels of the two directions, such as the principal component with its share of the variance.
    properties
        At least one property to colour by; all are told of the chosen point.
    labels
        Name of each point.
    pictures
        Data URL of the picture of each point.
    legend
        Colours of the pictures by what they mean, as ``#RRGGBB``; empty for pictures that need none.
    """

    script: ClassVar[str] = "latent_explorer"

    coordinates: np.ndarray
    axes: tuple[str, str]
    properties: Sequence[PointProperty]
    labels: Sequence[str]
    pictures: Sequence[str]
    legend: Mapping[str, str]

    def __post_init__(self) -> None:
        counts = {len(self.coordinates), len(self.labels), len(self.pictures)}
        counts |= {len(entry.values) for entry in self.properties}
        if len(counts) != 1 or not self.properties:
            raise ValueError("a latent explorer needs one label, picture and value of each property per point.")

    def data(self) -> dict[str, Any]:
        """Return points, properties and pictures."""
        return {
            "points": np.round(self.coordinates.astype(float), 4).tolist(),
            "axes": list(self.axes),
            "properties": [
                {
                    "label": entry.label,
                    "unit": "" if entry.unit == "1" else entry.unit,
                    "values": [float(f"{value:.5g}") if np.isfinite(value) else None for value in entry.values],
                }
                for entry in self.properties
            ],
            "labels": list(self.labels),
            "pictures": list(self.pictures),
            "legend": dict(self.legend),
            "colours": colour_steps(),
        }
