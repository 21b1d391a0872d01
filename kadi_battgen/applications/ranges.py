"""Wanted ranges of numbers: how they are written, how far a value misses one, and what lies beyond the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from kadi_battgen.errors import UserError


@dataclass(frozen=True)
class ValueRange:
    """A wanted range of a number; an open end is None.

    Attributes
    ----------
    low, high
        Bounds in the number's unit, both included.
    """

    low: float | None
    high: float | None

    @classmethod
    def from_text(
        cls, name: str, text: str, unit: str, *, may_be_negative: bool = True, example: tuple[str, ...] = ()
    ) -> Self:
        """Return the range that a text such as ``8:10``, ``8:``, ``:10`` or ``9`` describes.

        Parameters
        ----------
        name, unit
            What is wanted, for the messages.
        text
            The text.
        may_be_negative
            Whether the number may be below zero.
        example
            A value, then some ranges, that a message shows.

        Raises
        ------
        UserError
            If the text is no number or range, its bounds are in the wrong order, or the number cannot be negative.
        """
        value, *ranges = example or ("9", "8:10", "8:", ":10")
        way_out = f"write a value ({value}) or a range ({', '.join(ranges)})"
        pieces = [piece.strip() for piece in text.split(":")]
        if len(pieces) > 2 or not any(pieces):
            raise UserError(f"{name} {text!r} is not a value or a range: {way_out} in {unit}.")
        try:
            bounds = [float(piece) if piece else None for piece in pieces]
        except ValueError as error:
            raise UserError(f"{name} {text!r} is not a value or a range: {way_out} in {unit}.") from error
        if any(bound is not None and not math.isfinite(bound) for bound in bounds):
            raise UserError(f"{name} {text!r} is not finite: {way_out} in {unit}.")
        low, high = (bounds[0], bounds[0]) if len(bounds) == 1 else bounds
        if low is not None and high is not None and low > high:
            raise UserError(f"{name} {text!r} has its bounds in the wrong order: write {high:g}:{low:g} {unit}.")
        lowest = min(bound for bound in (low, high) if bound is not None)
        if lowest < 0 and not may_be_negative:
            raise UserError(f"{name} {text!r} is negative: {way_out} in {unit}, from 0 up.")
        return cls(low, high)

    def miss(self, value: float, spread: float) -> float:
        """Return how far `value` lies outside, in units of `spread`; 0 inside.

        Not as a fraction of the bound, which has no meaning for a bound of zero: a volume change of ``:0`` would then
        outweigh everything else that is asked.
        """
        if self.low is not None and value < self.low:
            return (self.low - value) / spread
        if self.high is not None and value > self.high:
            return (value - self.high) / spread
        return 0.0

    def beyond(self, smallest: float, largest: float) -> float:
        """Return how far the bounds lie outside what was seen, [smallest, largest], in the number's unit; 0 inside."""
        given = [bound for bound in (self.low, self.high) if bound is not None]
        return max(0.0, *(max(smallest - bound, bound - largest) for bound in given))

    def draw(self, quantiles: Sequence[float], generator: np.random.Generator) -> float:
        """Return a value drawn uniformly from the range.

        An open end closes at the 5 % or 95 % quantile of what was seen, so that "at least 150" does not ask for the
        impossible.

        Parameters
        ----------
        quantiles
            What was seen: quantiles at 0, 5, 50, 95 and 100 %.
        generator
            What draws.
        """
        low, high = self.low, self.high
        if low is None:
            low = quantiles[1] if high is None else min(quantiles[1], high)
        if high is None:
            high = max(quantiles[3], low)
        return float(generator.uniform(low, high))

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        return f"{'' if self.low is None else f'{self.low:g}'}:{'' if self.high is None else f'{self.high:g}'}"
