"""What a user asks of a candidate: a working ion and, for any of the functional properties, a value or a range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kadi_battgen.applications.ranges import ValueRange
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, check_property, check_working_ion


class PropertyRange(ValueRange):
    """A wanted range of one functional property."""

    @classmethod
    def parse(cls, name: str, text: str) -> PropertyRange:
        """Return the range that a text such as ``3.5:4.0``, ``150:``, ``:0.1`` or ``3.7`` describes.

        Raises
        ------
        UserError
            If the text is no number or range, its bounds are in the wrong order, or the property cannot be negative.
        """
        return cls.from_text(
            name,
            text,
            check_property(name).unit,
            may_be_negative=name not in ("gravimetric_capacity", "volumetric_capacity", "volume_change"),
            example=("3.7", "3.5:4.0", "150:", ":0.1"),
        )


@dataclass(frozen=True)
class Target:
    """What a candidate should be.

    Attributes
    ----------
    working_ion
        Symbol, or None for any.
    ranges
        Wanted ranges by property name; properties that are not in it are left open.
    """

    working_ion: str | None = None
    ranges: Mapping[str, PropertyRange] = field(default_factory=dict)

    @classmethod
    def parse(cls, working_ion: str | None, texts: Mapping[str, str | None]) -> Target:
        """Return the target of option texts by property name; None or an empty text leaves a property open.

        Raises
        ------
        UserError
            If the working ion, a property or a range is wrong.
        """
        ranges = {name: PropertyRange.parse(name, text) for name, text in texts.items() if text and text.strip()}
        return cls(check_working_ion(working_ion) if working_ion else None, ranges)

    def describe(self) -> dict[str, str]:
        """Return the target as texts with units, by property name and ``working_ion``."""
        words = {name: f"{wanted} {FUNCTIONAL_PROPERTIES[name].unit}" for name, wanted in self.ranges.items()}
        return {"working_ion": self.working_ion or "any", **words}

    def misses(self, values: Mapping[str, float], training_ranges: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
        """Return how far values lie outside of what was asked, by asked property.

        Parameters
        ----------
        values
            Functional properties by name, in their units.
        training_ranges
            From the screening model's card. The unit of a miss is the distance of the property's 5 % and 95 % quantiles
            over all training electrodes.
        """
        known = training_ranges["any"]
        return {
            name: wanted.miss(values[name], max(known[name][3] - known[name][1], 1e-9))
            for name, wanted in self.ranges.items()
        }

    def warnings(self, training_ranges: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return one sentence for each part of the target that lies outside what the model was trained on.

        Parameters
        ----------
        training_ranges
            From the screening model's card: per ion and property the quantiles at 0, 5, 50, 95 and 100 %.
        """
        sentences = []
        ion = self.working_ion or "any"
        if ion not in training_ranges:
            sentences.append(
                f"The training data hold no electrode with working ion {ion}: candidates are extrapolations."
            )
        known = training_ranges.get(ion, training_ranges["any"])
        for name, wanted in self.ranges.items():
            unit = FUNCTIONAL_PROPERTIES[name].unit
            smallest, largest = known[name][0], known[name][-1]
            beyond = wanted.beyond(smallest, largest)
            if beyond:
                sentences.append(
                    f"{name} {wanted} {unit} reaches {beyond:.3g} {unit} beyond the training range "
                    f"{smallest:.3g} to {largest:.3g} {unit} (working ion {ion}): candidates are extrapolations."
                )
        return sentences

    def draw(self, training_ranges: Mapping[str, Mapping[str, Any]], generator: np.random.Generator) -> np.ndarray:
        """Return one value per functional property, NaN where it is left open.

        A range is drawn from uniformly; an open end closes at the 5 % or 95 % quantile of the training electrodes with the
        same ion, so that "at least 150 mAh/g" does not ask for the impossible.
        """
        known = training_ranges.get(self.working_ion or "any", training_ranges["any"])
        values = np.full(len(FUNCTIONAL_PROPERTIES), np.nan)
        for position, name in enumerate(FUNCTIONAL_PROPERTIES):
            if name in self.ranges:
                values[position] = self.ranges[name].draw(known[name], generator)
        return values
