"""What a user asks of an SEI: for any of its observables a value or a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kadi_battgen.applications.ranges import ValueRange
from kadi_battgen.errors import UserError
from kadi_battgen.sei.properties import OBSERVABLES

#: A miss is a fraction of the nearer bound, but of no less than this fraction of the range that was seen.
_SMALLEST = 0.01


@dataclass(frozen=True)
class SeiTarget:
    """Wanted observables.

    Attributes
    ----------
    ranges
        Wanted ranges by the name of the observable; observables that are not in it are left open.
    """

    ranges: Mapping[str, ValueRange] = field(default_factory=dict)

    @classmethod
    def parse(cls, texts: Mapping[str, str | None]) -> SeiTarget:
        """Return the target of option texts by observable, such as ``8:10``; None or an empty text leaves one open.

        Raises
        ------
        UserError
            If an observable or a range is wrong.
        """
        ranges = {}
        for name, text in texts.items():
            if name not in OBSERVABLES:
                raise UserError(f"Observable {name!r} is not known: choose from {', '.join(OBSERVABLES)}.")
            if text and text.strip():
                ranges[name] = _parsed(name, text)
        return cls(ranges)

    def describe(self) -> dict[str, str]:
        """Return the target as texts with units, by observable."""
        return {name: f"{wanted} {OBSERVABLES[name].unit}" for name, wanted in self.ranges.items()}

    def warnings(self, quantiles: Mapping[str, Sequence[float]]) -> list[str]:
        """Return one sentence for each observable that is wanted outside of what was seen, which says how far.

        Parameters
        ----------
        quantiles
            What was seen, by observable: quantiles at 0, 5, 50, 95 and 100 %.
        """
        sentences = []
        for name, wanted in self.ranges.items():
            smallest, largest = quantiles[name][0], quantiles[name][-1]
            beyond, unit = wanted.beyond(smallest, largest), OBSERVABLES[name].unit
            if beyond:
                sentences.append(
                    f"{name} {wanted} {unit} reaches {beyond:.3g} {unit} beyond the training range {smallest:.3g} to "
                    f"{largest:.3g} {unit}: configurations are extrapolations and may miss it."
                )
        return sentences

    def draw(
        self, count: int, quantiles: Mapping[str, Sequence[float]], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return values drawn independently and uniformly from the ranges, (count,) by wanted observable.

        An open end closes at the 5 % or 95 % quantile of what was seen.
        """
        return {
            name: np.array([wanted.draw(quantiles[name], generator) for _ in range(count)])
            for name, wanted in self.ranges.items()
        }

    def clipped(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return values by wanted observable, (N,) each, brought into their ranges."""
        return {
            name: np.clip(
                values[name],
                -np.inf if wanted.low is None else wanted.low,
                np.inf if wanted.high is None else wanted.high,
            )
            for name, wanted in self.ranges.items()
        }

    def misses(
        self, measured: Mapping[str, np.ndarray], quantiles: Mapping[str, Sequence[float]]
    ) -> dict[str, np.ndarray]:
        """Return how far observables lie outside their ranges, as fractions of the nearer bound, (N,) by wanted observable.

        A bound near zero counts as 1 % of the range that was seen.
        """
        return {
            name: np.abs(measured[name] - nearest) / np.maximum(np.abs(nearest), scale(quantiles[name]))
            for name, nearest in self.clipped(measured).items()
        }


def scale(quantiles: Sequence[float]) -> float:
    """Return the least number that a miss is a fraction of: 1 % of the range that was seen."""
    return max(_SMALLEST * (quantiles[-1] - quantiles[0]), 1e-9)


def observed_quantiles(values: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """Return the quantiles at 0, 5, 50, 95 and 100 % of what was seen, by observable."""
    return {name: np.quantile(column, (0.0, 0.05, 0.5, 0.95, 1.0)).tolist() for name, column in values.items()}


def _parsed(name: str, text: str) -> ValueRange:
    entry = OBSERVABLES[name]
    signed = name == "or_thickness"  # thickness minus inorganic thickness
    example = ("0.4", "0.3:0.5", "0.3:", ":0.5") if entry.unit == "fraction" else ("9", "8:10", "8:", ":10")
    wanted = ValueRange.from_text(name, text, entry.unit, may_be_negative=signed, example=example)
    if entry.unit == "fraction" and any(bound is not None and bound > 1 for bound in (wanted.low, wanted.high)):
        raise UserError(f"{name} {text!r} is above 1: write a fraction such as {example[0]}, not per cent.")
    return wanted
