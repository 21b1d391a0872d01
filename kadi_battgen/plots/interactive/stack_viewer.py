"""AFM stacks to leaf through, height by height, beside their descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kadi_battgen.plots.interactive.widget import Widget, picture_url

#: Shown range of a stack: its quantiles, so that a few strong pixels do not leave the rest flat.
_QUANTILES = (0.005, 0.995)


@dataclass(frozen=True)
class ShownStack:
    """One sample.

    Attributes
    ----------
    label
        What it is, such as the formula of the electrode.
    stack
        Frequency shift, (heights, H, W), farthest slice first.
    descriptors
        The six descriptor channels scaled to [0, 1], (6, H, W).
    """

    label: str
    stack: np.ndarray
    descriptors: np.ndarray


@dataclass(frozen=True)
class StackViewer(Widget):
    """Stacks with a slider for the tip-sample distance.

    All slices of a stack have one grey scale, whose ends are stated: a scale of each slice would hide how forces grow.

    Attributes
    ----------
    stacks
        The samples.
    heights
        Tip-sample distance of each slice in Angstrom.
    unit
        Unit of the stacks.
    edge
        Edge of the images in Angstrom.
    """

    script: ClassVar[str] = "stack_viewer"

    stacks: Sequence[ShownStack]
    heights: Sequence[float] | np.ndarray
    unit: str
    edge: float

    def data(self) -> dict[str, Any]:
        """Return images and labels."""
        return {
            "samples": [self._sample(sample) for sample in self.stacks],
            "heights": [round(float(height), 3) for height in self.heights],
            "unit": self.unit,
            "edge": round(self.edge, 2),
        }

    def _sample(self, sample: ShownStack) -> dict[str, Any]:
        low, high = (float(value) for value in np.quantile(sample.stack, _QUANTILES))
        span = max(high - low, float(np.finfo(np.float32).tiny))
        grey = np.clip((sample.stack - low) / span, 0.0, 1.0)
        # Rows run along +y, which points up on a page.
        slices = [picture_url(_bytes(image[::-1])) for image in grey]
        height_map, spheres, disks, *type_map = (channel[::-1] for channel in sample.descriptors)
        colours = np.stack(type_map, axis=-1)
        return {
            "label": sample.label,
            "slices": slices,
            "range": [_significant(low), _significant(high)],
            "descriptors": [
                ["height map", picture_url(_bytes(height_map))],
                ["van der Waals spheres", picture_url(_bytes(spheres))],
                ["atomic disks", picture_url(_bytes(disks))],
                ["type map (blue working ion, green gas elements, red others)", picture_url(_bytes(colours))],
            ],
        }


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image, 0.0, 1.0) * 255).astype(np.uint8)


def _significant(value: float) -> float:
    return float(f"{value:.3g}")
