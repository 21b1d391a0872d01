"""Scaling of conditions and images, with the constants that undo it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kadi_battgen.errors import UserError


@dataclass(frozen=True)
class RangeScaling:
    """Linear scaling of named columns from [minimum, maximum] to [0, 1].

    Values outside the range the constants were taken from are not clipped: they come out below 0 or above 1.

    Attributes
    ----------
    names
        Column names.
    units
        Unit of each column.
    minimum, maximum
        float64 arrays of shape (columns,), in those units.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    minimum: np.ndarray
    maximum: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, names: Sequence[str], units: Sequence[str]) -> Self:
        """Take the constants from `values` of shape (samples, columns); a constant column maps to 0.

        Raises
        ------
        UserError
            If there is no sample or a value is not finite.
        """
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or len(values) == 0:
            raise UserError("There is no sample to take scaling constants from: add electrodes to the training part.")
        finite = np.isfinite(values).all(axis=0)
        if not finite.all():
            raise UserError(
                f"{names[int(np.argmin(finite))]} holds a value that is not finite: clean the electrodes first."
            )
        return cls(tuple(names), tuple(units), values.min(axis=0), values.max(axis=0))

    @property
    def span(self) -> np.ndarray:
        """Maximum minus minimum, 1 where they are equal."""
        span = self.maximum - self.minimum
        return np.where(span > 0, span, 1.0)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (..., columns) scaled to [0, 1]."""
        return (np.asarray(values, dtype=np.float64) - self.minimum) / self.span

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """Return scaled values (..., columns) in their units."""
        return np.asarray(scaled, dtype=np.float64) * self.span + self.minimum

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain JSON values."""
        return {
            "names": list(self.names),
            "units": list(self.units),
            "minimum": self.minimum.tolist(),
            "maximum": self.maximum.tolist(),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the scaling that :meth:`to_json` described."""
        return cls(
            tuple(document["names"]),
            tuple(document["units"]),
            np.array(document["minimum"], dtype=np.float64),
            np.array(document["maximum"], dtype=np.float64),
        )
