"""The pipeline: steps that are fitted on training rows one after the other, and applied again to any rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from kadi_battgen.datasets.cleaning.audit import Decision, StepSummary, audit_digest, count_actions
from kadi_battgen.datasets.cleaning.columns import ReduceColumns
from kadi_battgen.datasets.cleaning.encode import Encode
from kadi_battgen.datasets.cleaning.provenance import CONSTANTS
from kadi_battgen.datasets.cleaning.scale import Scale
from kadi_battgen.datasets.cleaning.settings import parse_steps
from kadi_battgen.datasets.cleaning.step import Step
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.errors import UserError

SCHEMA = "kadi-battgen/cleaning"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Cleaned:
    """What a cleaning made.

    Attributes
    ----------
    table
        The rows that are left, in the order in which they came.
    decisions
        Everything that was decided, by step and row.
    summary
        One entry a step.
    pipeline
        The fitted pipeline.
    """

    table: Table
    decisions: tuple[Decision, ...]
    summary: tuple[StepSummary, ...]
    pipeline: FittedPipeline

    def document(self) -> dict[str, Any]:
        """Return what goes with the data: configuration, constants, summary and the checksum of the audit."""
        return {
            **self.pipeline.to_json(),
            "summary": [vars(entry) | {"actions": dict(entry.actions)} for entry in self.summary],
            "audit_sha256": audit_digest(self.decisions),
        }


@dataclass(frozen=True)
class FittedPipeline:
    """Steps with the constants that they took from training rows.

    Attributes
    ----------
    steps
        The settings.
    constants
        Plain JSON values, one mapping a step.
    """

    steps: tuple[Step, ...]
    constants: tuple[Mapping[str, Any], ...]

    def transform(self, table: Table) -> Cleaned:
        """Clean any rows with the constants as they are; the rows that were fitted give what fitting gave.

        Raises
        ------
        UserError
            If the rows lack what a step needs.
        """
        return _run(self.steps, table, None, self.constants)

    def inverse(self, table: Table) -> Table:
        """Return a table with physical and text columns computed back from scaled, encoded and component columns."""
        for step, constants in zip(reversed(self.steps), reversed(self.constants), strict=True):
            if isinstance(step, Scale | Encode | ReduceColumns):
                table = step.inverse(table, dict(constants))
        return table

    def to_json(self) -> dict[str, Any]:
        """Return the pipeline as plain JSON values."""
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "configuration": [step.model_dump(mode="json", exclude_unset=True) for step in self.steps],
            CONSTANTS: [dict(constants) for constants in self.constants],
        }

    @classmethod
    def from_json(cls, document: Any, where: str = "The pipeline") -> Self:
        """Return the pipeline that :meth:`to_json` described.

        Raises
        ------
        UserError
            If it is none, or of another version.
        """
        if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
            raise UserError(f"{where} is no fitted cleaning: take what battgen clean wrote.")
        if document.get("schema_version") != SCHEMA_VERSION:
            raise UserError(
                f"{where} has schema version {document.get('schema_version')} but {SCHEMA_VERSION} is read here: "
                "clean the electrodes again."
            )
        steps = parse_steps(document.get("configuration"), where)
        constants = document.get(CONSTANTS)
        if not isinstance(constants, list) or len(constants) != len(steps):
            raise UserError(f"{where} has not one set of constants for each of {len(steps)} steps: clean again.")
        return cls(steps, tuple(constants))


def fit_transform(steps: Sequence[Step], table: Table, training: np.ndarray | None = None) -> Cleaned:
    """Fit a pipeline and clean the rows with it.

    Parameters
    ----------
    steps
        The steps in their order.
    table
        The rows; their order has no influence on what becomes of each.
    training
        Boolean, (rows,): the rows that constants are taken from; by default all. Each step sees those of them that the
        steps before have left.

    Raises
    ------
    UserError
        If the rows lack what a step needs, or no training row is left.
    """
    return _run(tuple(steps), table, np.ones(len(table), dtype=bool) if training is None else training, None)


def _run(
    steps: tuple[Step, ...],
    table: Table,
    training: np.ndarray | None,
    given: tuple[Mapping[str, Any], ...] | None,
) -> Cleaned:
    """Fit (with `training`) or take `given` constants, and apply each step."""
    order = {row: place for place, row in enumerate(table.ids)}
    members = set() if training is None else set(table.ids[np.asarray(training, dtype=bool)])
    # Sorted rows: sums, seeds and ties come out the same whatever the order they came in.
    table = table.rows(np.argsort(table.ids.astype(str), kind="stable"))
    fitted: list[Mapping[str, Any]] = []
    decisions: list[Decision] = []
    summary: list[StepSummary] = []
    for place, step in enumerate(steps):
        label = f"{place + 1:02d}-{step.name}"
        if given is None:
            known = table.rows(np.array([row in members for row in table.ids], dtype=bool))
            if len(known) == 0:
                raise UserError(f"No training row is left before step {label}: loosen the steps before it.")
            # Through JSON at once, so that what is applied now is what will be read again.
            constants = json.loads(json.dumps(step.fit(known), allow_nan=False))
        else:
            constants = given[place]
        try:
            outcome = step.apply(table, constants, label)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if given is None:
                raise
            raise UserError(f"The constants of step {label} do not fit ({error}): clean again without them.") from error
        summary.append(
            StepSummary(
                label,
                step.method_text,
                len(table),
                len(outcome.table),
                len(table.numbers),
                len(outcome.table.numbers),
                count_actions(outcome.decisions),
                step.readable(constants),
                step.note,
            )
        )
        fitted.append(constants)
        decisions += outcome.decisions
        table = outcome.table
    table = table.rows(np.argsort([order[row] for row in table.ids]).astype(int))
    return Cleaned(table, tuple(decisions), tuple(summary), FittedPipeline(steps, tuple(fitted)))
