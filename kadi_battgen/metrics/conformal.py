"""Intervals of predicted atom counts that hold the truth as often as they say, by split conformal prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

#: Nominal coverages that are calibrated.
LEVELS = (0.5, 0.8, 0.9, 0.95)

#: Predicted counts between two of these are alike: atoms per reduced formula.
BIN_EDGES = (0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.8, 1.3, 2.5, 5.0)

#: Calibration counts that an element needs in a bin for quantiles of its own.
FEWEST = 60

#: Quantiles this near to those of all elements are theirs, in atoms per reduced formula.
_ALIKE = 2e-3


@dataclass(frozen=True)
class ConformalIntervals:
    """Residuals of held-out predictions by size of the prediction, as quantiles.

    Counts are predicted from below one hundredth to ten atoms, and the error of a prediction depends on its size. So the
    predicted counts are divided into bins, and within each bin the interval is what held the wanted share of the residuals
    (true minus predicted) of electrodes that were not trained on: a Mondrian conformal predictor, whose coverage within a
    bin is at least the level whatever the model is worth, as long as new electrodes resemble the held-out ones. An element
    that is in a bin often enough has quantiles of its own there; the others share theirs.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World (2005), section 4.5.

    Attributes
    ----------
    levels
        Nominal coverages, rising.
    shared
        Quantiles of the residuals of all elements, (2, levels, bins), in atoms per reduced formula: lower and upper ends.
    own
        Quantiles of single elements in bins that they are often enough in, by (element, bin), (2, levels) each.
    """

    levels: tuple[float, ...]
    shared: np.ndarray
    own: dict[tuple[int, int], np.ndarray]

    @classmethod
    def fit(cls, true: np.ndarray, predicted: np.ndarray, levels: Sequence[float] = LEVELS) -> Self:
        """Take the quantiles from predictions of electrodes that were not trained on.

        Parameters
        ----------
        true, predicted
            Atoms per reduced formula, (samples, elements).
        levels
            Nominal coverages, fractions.

        Raises
        ------
        ValueError
            If the shapes differ or there is no sample.
        """
        true, predicted = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
        if true.shape != predicted.shape or true.ndim != 2 or len(true) == 0:
            raise ValueError(f"counts of shapes {true.shape} and {predicted.shape} cannot calibrate intervals")
        residual, bins = true - predicted, _bins(predicted)
        everything = _quantiles(residual, levels)
        shared = np.empty((2, len(levels), len(BIN_EDGES) + 1))
        own = {}
        for number in range(shared.shape[2]):
            inside = bins == number
            shared[:, :, number] = _quantiles(residual[inside], levels) if inside.sum() >= FEWEST else everything
            for element in np.flatnonzero(inside.sum(axis=0) >= FEWEST).tolist():
                ends = _quantiles(residual[inside[:, element], element], levels)
                # Most elements are hardly ever there: what they share need not be kept a hundred times.
                if not np.allclose(ends, shared[:, :, number], atol=_ALIKE):
                    own[element, number] = ends
        return cls(tuple(float(level) for level in levels), shared, own)

    def intervals(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the intervals of predicted counts, two arrays (levels, samples, elements), not negative."""
        predicted = np.asarray(predicted, dtype=np.float64)
        table = np.repeat(self.shared[:, :, :, None], predicted.shape[1], axis=3)
        for (element, number), ends in self.own.items():
            table[:, :, number, element] = ends
        ends = table[:, :, _bins(predicted), np.arange(predicted.shape[1])] + predicted
        low, high = np.clip(ends, 0.0, None)
        return low, high

    def to_json(self) -> dict[str, Any]:
        """Return the quantiles as plain JSON values."""
        return {
            "method": "split conformal prediction by size of the predicted count",
            "unit": "atoms per reduced formula",
            "bin_edges": list(BIN_EDGES),
            "levels": list(self.levels),
            "shared": np.round(self.shared, 5).tolist(),
            "own": [
                {"atomic_number": element + 1, "bin": number, "ends": np.round(ends, 5).tolist()}
                for (element, number), ends in sorted(self.own.items())
            ],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the intervals that :meth:`to_json` described."""
        own = {(row["atomic_number"] - 1, row["bin"]): np.array(row["ends"]) for row in document["own"]}
        return cls(tuple(document["levels"]), np.array(document["shared"]), own)


def _bins(predicted: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.array(BIN_EDGES), predicted)


def _quantiles(residuals: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Return the order statistics between which a further residual falls with at least each level, (2, levels)."""
    ordered = np.sort(residuals, axis=None)
    count = len(ordered)
    tails = (1 - np.asarray(levels, dtype=np.float64)) / 2
    rank = np.floor(tails * (count + 1)).astype(int)
    return np.stack([ordered[np.maximum(rank - 1, 0)], ordered[np.minimum(count - rank, count - 1)]])
