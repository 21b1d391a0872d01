"""What every step of the cleaning is: settings, constants taken from training rows, and their application to any rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from kadi_battgen.datasets.cleaning.audit import Action, Decision
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.errors import UserError

#: What a step may do about a value that it finds wrong.
OnFinding = Literal["drop", "clip", "flag"]


@dataclass(frozen=True)
class Outcome:
    """A table after a step, and what was decided on the way."""

    table: Table
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One value that a step finds wrong.

    Attributes
    ----------
    row
        Position of the row.
    column
        Column of the value; empty where the row as a whole is meant.
    value
        The value; empty without a column.
    bound
        What it is clipped to.
    reason
        Why it is wrong, with the number that decided it.
    """

    row: int
    column: str
    value: float | str
    bound: float | str
    reason: str


class Step(BaseModel):
    """Settings of a step.

    A step takes constants from the training rows (:meth:`fit`), which are plain JSON values, and is applied to any rows
    with them alone (:meth:`apply`): a pipeline read from JSON does what the fitted one did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    #: Name of the step in configuration files.
    name: ClassVar[str] = ""

    note: str = Field(default="", description="why the step is there, for the summary")

    @property
    def method_text(self) -> str:
        """How the step works, in a few words."""
        return str(getattr(self, "method", self.name))

    def fit(self, table: Table) -> dict[str, Any]:
        """Return the constants that the step takes from the training rows, as plain JSON values.

        Raises
        ------
        UserError
            If the rows lack what the step needs.
        """
        return {}

    @abstractmethod
    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Return what the step makes of `table`.

        Parameters
        ----------
        table
            Rows in the order of their ids.
        constants
            What :meth:`fit` returned.
        label
            Number and name of the step, for the audit.

        Raises
        ------
        UserError
            If the table lacks what the step needs.
        """

    def readable(self, constants: dict[str, Any]) -> dict[str, Any]:
        """Return the constants that people read; a step leaves out its large ones."""
        return constants


def carry_out(table: Table, label: str, action: OnFinding, findings: Iterable[Finding]) -> Outcome:
    """Do what a step is set to do about the values that it found wrong."""
    found = list(findings)
    rows = np.zeros(len(table), dtype=bool)
    rows[[finding.row for finding in found]] = True
    done: Action = {"drop": "dropped", "clip": "clipped", "flag": "flagged"}[action]  # type: ignore[assignment]
    decisions = tuple(
        Decision(
            label,
            table.ids[finding.row],
            finding.column,
            done,
            finding.value,
            {"drop": "", "clip": finding.bound, "flag": finding.value}[action],
            finding.reason,
        )
        for finding in found
    )
    if action == "drop":
        return Outcome(table.rows(~rows), decisions)
    if action == "flag":
        return Outcome(table.flagged(label, rows), decisions)
    changed: dict[str, np.ndarray] = {}
    for finding in found:
        changed.setdefault(finding.column, table.numbers[finding.column].copy())[finding.row] = float(finding.bound)
    return Outcome(table.with_numbers(changed), decisions)


def complete(table: Table, columns: Iterable[str], step: str) -> np.ndarray:
    """Return number columns, shape (rows, columns), that have a finite value in every row.

    Raises
    ------
    UserError
        If a column is absent or a value is missing.
    """
    names = list(columns)
    values = table.matrix(names)
    missing = np.argwhere(~np.isfinite(values))
    if len(missing):
        row, column = missing[0]
        raise UserError(
            f"Step {step}: {names[column]} is missing in row {table.ids[row]}; put a step 'missing' before it."
        )
    return values


def chosen(table: Table, columns: tuple[str, ...] | None, default: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that a step is about, after checking that they are there."""
    names = tuple(default) if columns is None else columns
    table.check(names)
    return names


def number(value: float) -> str:
    """Return a number for a sentence."""
    return f"{value:.4g}"
