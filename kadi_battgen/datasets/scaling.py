"""Scalings of conditions, images and tables, with the constants that undo them.

All share one interface: :meth:`transform`, :meth:`inverse`, :meth:`to_json` and the class method ``fit``. The JSON names
the kind, and :func:`scaling_from_json` reads any of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from kadi_battgen.errors import UserError

#: Fractions of the values below 0 and above 1 under a robust scaling: the core between the 1 % and the 99 % quantile.
ROBUST_QUANTILES = (0.01, 0.99)


@dataclass(frozen=True)
class Scaling(ABC):
    """What all scalings of named columns share.

    Attributes
    ----------
    names
        Column names.
    units
        Unit of each column.
    """

    kind: ClassVar[str] = ""

    names: tuple[str, ...]
    units: tuple[str, ...]

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
        return cls(tuple(names), tuple(units), **cls._constants(values))

    @classmethod
    def _constants(cls, values: np.ndarray) -> dict[str, Any]:
        """Return the constants of a scaling by attribute."""
        return {}

    @abstractmethod
    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (..., columns) scaled, dimensionless."""

    @abstractmethod
    def inverse(self, scaled: np.ndarray, record_scale: np.ndarray | None = None) -> np.ndarray:
        """Return scaled values (..., columns) in their units.

        Parameters
        ----------
        scaled
            What :meth:`transform` returned.
        record_scale
            What :meth:`record_scale` returned; only scalings by record need it.
        """

    def record_scale(self, values: np.ndarray) -> np.ndarray | None:
        """Return what each record of `values` (..., columns) is divided by, (..., 1); None where all share constants."""
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain JSON values, with the kind of scaling."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}
        return {"kind": self.kind, **plain, "names": list(self.names), "units": list(self.units)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the scaling that :meth:`to_json` described."""
        own = [field.name for field in fields(cls) if field.name not in ("names", "units")]
        constants = {
            name: np.array(document[name], dtype=np.float64) if isinstance(document[name], list) else document[name]
            for name in own
        }
        return cls(tuple(document["names"]), tuple(document["units"]), **constants)


@dataclass(frozen=True)
class RangeScaling(Scaling):
    """Linear scaling of named columns from [minimum, maximum] to [0, 1].

    Values outside the range the constants were taken from are not clipped: they come out below 0 or above 1.

    Attributes
    ----------
    minimum, maximum
        What becomes 0 and 1: float64 arrays of shape (columns,), in the columns' units.
    """

    kind = "min-max"

    minimum: np.ndarray
    maximum: np.ndarray

    @classmethod
    def _constants(cls, values: np.ndarray) -> dict[str, Any]:
        return {"minimum": values.min(axis=0), "maximum": values.max(axis=0)}

    @property
    def span(self) -> np.ndarray:
        """Maximum minus minimum, 1 where they are equal."""
        span = self.maximum - self.minimum
        return np.where(span > 0, span, 1.0)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (..., columns) scaled to [0, 1]."""
        return (np.asarray(values, dtype=np.float64) - self.minimum) / self.span

    def inverse(self, scaled: np.ndarray, record_scale: np.ndarray | None = None) -> np.ndarray:
        """Return scaled values (..., columns) in their units."""
        return np.asarray(scaled, dtype=np.float64) * self.span + self.minimum


@dataclass(frozen=True)
class QuantileScaling(RangeScaling):
    """Linear scaling that takes the core of a column, between two quantiles, to [0, 1].

    A few values far outside, which a min-max scaling would give most of the interval to, come out below 0 or above 1.
    Here ``minimum`` and ``maximum`` are the two quantiles.

    Attributes
    ----------
    lower, upper
        The quantiles, as fractions of the values that lie below them.
    """

    kind = "robust"

    lower: float
    upper: float

    @classmethod
    def _constants(cls, values: np.ndarray) -> dict[str, Any]:
        lower, upper = ROBUST_QUANTILES
        low, high = np.quantile(values, ROBUST_QUANTILES, axis=0)
        # Of a column that hardly varies both quantiles may be one value: its range is what is left.
        flat = ~(high > low)
        low, high = np.where(flat, values.min(axis=0), low), np.where(flat, values.max(axis=0), high)
        return {"minimum": low, "maximum": high, "lower": lower, "upper": upper}


@dataclass(frozen=True)
class StandardScaling(Scaling):
    """Linear scaling of named columns to mean 0 and standard deviation 1 (z-scores).

    Attributes
    ----------
    mean, deviation
        float64 arrays of shape (columns,), in the columns' units; the deviation of a constant column is stored as 0 and
        counts as 1.
    """

    kind = "standard"

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def _constants(cls, values: np.ndarray) -> dict[str, Any]:
        constant = values.min(axis=0) == values.max(axis=0)
        return {
            "mean": np.where(constant, values[0], values.mean(axis=0)),
            "deviation": np.where(constant, 0.0, values.std(axis=0)),
        }

    @property
    def span(self) -> np.ndarray:
        """Standard deviation, 1 where it is zero."""
        return np.where(self.deviation > 0, self.deviation, 1.0)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (..., columns) as z-scores."""
        return (np.asarray(values, dtype=np.float64) - self.mean) / self.span

    def inverse(self, scaled: np.ndarray, record_scale: np.ndarray | None = None) -> np.ndarray:
        """Return z-scores (..., columns) in their units."""
        return np.asarray(scaled, dtype=np.float64) * self.span + self.mean


@dataclass(frozen=True)
class RecordScaling(Scaling):
    """Division of each record by its own largest absolute value, so that it lies in [-1, 1].

    Meant for records whose columns share a unit, such as a spectrum or a curve: of electrodes it keeps the ratios of the
    properties and loses their size, which :meth:`record_scale` returns and :meth:`inverse` needs.
    """

    kind = "record-max"

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return `values` (..., columns), each record divided by its own scale."""
        return np.asarray(values, dtype=np.float64) / self.record_scale(values)

    def record_scale(self, values: np.ndarray) -> np.ndarray:
        """Return the largest absolute value of each record, (..., 1); 1 for a record of zeros."""
        largest = np.abs(np.asarray(values, dtype=np.float64)).max(axis=-1, keepdims=True)
        return np.where(largest > 0, largest, 1.0)

    def inverse(self, scaled: np.ndarray, record_scale: np.ndarray | None = None) -> np.ndarray:
        """Return scaled records (..., columns) in their units, given what they were divided by."""
        if record_scale is None:
            raise ValueError("Records scaled by their own largest value need that value to be scaled back.")
        return np.asarray(scaled, dtype=np.float64) * record_scale


#: Scalings by the name of their kind.
SCALINGS: dict[str, type[Scaling]] = {
    kind.kind: kind for kind in (RangeScaling, QuantileScaling, StandardScaling, RecordScaling)
}

#: Scalings that the conditions of a model may have: linear, with the bulk of the values in [0, 1].
CONDITION_SCALINGS: dict[str, type[RangeScaling]] = {kind.kind: kind for kind in (RangeScaling, QuantileScaling)}


def scaling_from_json(document: Mapping[str, Any]) -> Scaling:
    """Return the scaling of any kind that ``to_json`` described; without a kind it is a :class:`RangeScaling`.

    Raises
    ------
    UserError
        If the kind is unknown or a constant is missing.
    """
    kind = document.get("kind", RangeScaling.kind)
    if kind not in SCALINGS:
        raise UserError(f"Scaling {kind!r} is not known: choose from {', '.join(SCALINGS)}.")
    try:
        return SCALINGS[kind].from_json(document)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"The {kind} scaling lacks or spoils a constant ({error}): make the file again.") from error


def condition_scaling_from_json(document: Mapping[str, Any]) -> RangeScaling:
    """Return the scaling of a model's conditions or images.

    Raises
    ------
    UserError
        If it is unknown or none that conditions may have.
    """
    scaling = scaling_from_json(document)
    if not isinstance(scaling, RangeScaling):
        raise UserError(
            f"Scaling {scaling.kind!r} is none for conditions: choose from {', '.join(CONDITION_SCALINGS)}."
        )
    return scaling
