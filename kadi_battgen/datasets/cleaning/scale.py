"""Step scale: columns beside the physical ones, with values of one size."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.step import Outcome, Step, chosen, complete, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.datasets.scaling import SCALINGS, RangeScaling, scaling_from_json

#: Column with what each record was divided by.
RECORD_SCALE = "record_maximum"

#: What the name of a scaled column ends in.
SUFFIX = "_scaled"


class Scale(Step):
    """Adds scaled columns, ``<name>_scaled``; the physical columns stay, so that V Q = E goes on to hold.

    ``min-max`` takes the range of the training rows to [0, 1], ``robust`` their core between the 1 % and the 99 % quantile,
    ``standard`` gives z-scores, and ``record-max`` divides each row by its largest value (for columns of one unit).
    """

    name: ClassVar[str] = "scale"

    step: Literal["scale"] = "scale"
    method: Literal["min-max", "robust", "standard", "record-max"] = Field(
        default="min-max", description="which scaling"
    )
    columns: tuple[str, ...] | None = Field(default=None, description="by default the functional properties")

    def fit(self, table: Table) -> dict[str, Any]:
        """Return the scaling's constants."""
        columns = chosen(table, self.columns, table.properties)
        values = complete(table, columns, self.name)
        units = [table.units.get(name, "") for name in columns]
        return SCALINGS[self.method].fit(values, columns, units).to_json()

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Add the scaled columns, and list what lies outside [0, 1] where the scaling has that range."""
        scaling = scaling_from_json(constants)
        values = complete(table, scaling.names, self.name)
        scaled = scaling.transform(values)
        columns = {f"{name}{SUFFIX}": scaled[:, place] for place, name in enumerate(scaling.names)}
        record_scale = scaling.record_scale(values)
        if record_scale is not None:
            columns[RECORD_SCALE] = record_scale[:, 0]
        outside = (
            np.argwhere((scaled < 0) | (scaled > 1)) if isinstance(scaling, RangeScaling) else np.zeros((0, 2), int)
        )
        decisions = tuple(
            Decision(
                label,
                table.ids[row],
                scaling.names[column],
                "scaled-out",
                float(values[row, column]),
                float(scaled[row, column]),
                f"{scaling.names[column]} {number(values[row, column])}{table.unit(scaling.names[column])} is "
                f"{number(scaled[row, column])} when scaled, outside [0, 1]; it stays as it is",
            )
            for row, column in outside
        )
        return Outcome(table.with_numbers(columns, derived=True), decisions)

    def inverse(self, table: Table, constants: dict[str, Any]) -> Table:
        """Return a table with the physical columns computed back from the scaled ones."""
        scaling = scaling_from_json(constants)
        record_scale = table.matrix([RECORD_SCALE]) if RECORD_SCALE in table.numbers else None
        values = scaling.inverse(table.matrix([f"{name}{SUFFIX}" for name in scaling.names]), record_scale)
        return table.with_numbers(dict(zip(scaling.names, values.T, strict=True)))
