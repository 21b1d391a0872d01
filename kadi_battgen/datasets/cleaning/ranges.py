"""Step ranges: values that no material has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kadi_battgen.datasets.cleaning.step import Finding, OnFinding, Outcome, Step, carry_out, number
from kadi_battgen.datasets.cleaning.table import Table


class Ranges(Step):
    """Keeps columns within physical limits; missing values are passed over."""

    name: ClassVar[str] = "ranges"

    step: Literal["ranges"] = "ranges"
    limits: Mapping[str, tuple[float | None, float | None]] = Field(
        min_length=1, description="smallest and largest value by column, in the column's unit; null for no limit"
    )
    action: OnFinding = Field(default="drop", description="about a value beyond its limits")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for column, (low, high) in self.limits.items():
            if low is not None and high is not None and low > high:
                raise ValueError(f"the limits of {column} are {low} and {high}: write the smaller one first")
        return self

    @property
    def method_text(self) -> str:
        """The columns with limits."""
        return f"{', '.join(self.limits)}; {self.action}"

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Drop, clip or flag what lies beyond the limits."""
        table.check(tuple(self.limits))
        findings = sorted(self._findings(table), key=lambda finding: finding.row)
        return carry_out(table, label, self.action, findings)

    def _findings(self, table: Table) -> Iterator[Finding]:
        for column, (low, high) in self.limits.items():
            yield from beyond(table, column, low, high, "physical limit")


def beyond(table: Table, column: str, low: float | None, high: float | None, what: str) -> Iterator[Finding]:
    """Yield the values of a column below `low` or above `high`, in the column's unit; None for no bound.

    Parameters
    ----------
    table
        The rows.
    column
        The column.
    low, high
        Bounds, which themselves are allowed.
    what
        What the bounds are, for the reason.
    """
    values = table.numbers[column]
    unit = table.unit(column)
    for bound, wrong, side in (
        (low, low is not None and values < low, "below"),
        (high, high is not None and values > high, "above"),
    ):
        for row in np.flatnonzero(wrong):
            reason = f"{column} {number(values[row])}{unit} is {side} the {what} {number(bound or 0.0)}{unit}"
            yield Finding(int(row), column, float(values[row]), float(bound or 0.0), reason)
