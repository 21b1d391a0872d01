"""What was decided about every row, value and column, and why."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kadi_battgen.files import write_text

#: What can happen to a row, a value or a column.
Action = Literal[
    "dropped",
    "imputed",
    "clipped",
    "recomputed",
    "flagged",
    "unreadable",
    "kept-representative",
    "scaled-out",
    "unknown-category",
    "added",
]

#: Columns of the audit table.
COLUMNS = ("step", "row", "column", "action", "value_before", "value_after", "reason")


@dataclass(frozen=True)
class Decision:
    """One line of the audit.

    Attributes
    ----------
    step
        Number and name of the step.
    row
        Identifier of the row; empty where the decision is about a whole column.
    column
        Column that it is about; empty where it is about a whole row.
    action
        What was done.
    before, after
        The value before and after; empty where there is none.
    reason
        Why, with the number that decided it.
    """

    step: str
    row: str
    column: str
    action: Action
    before: float | str
    after: float | str
    reason: str


@dataclass(frozen=True)
class StepSummary:
    """What one step did in all.

    Attributes
    ----------
    step
        Number and name of the step.
    method
        How, in a few words.
    rows_in, rows_out
        Rows before and after.
    columns_in, columns_out
        Number columns before and after.
    actions
        Number of decisions by action.
    constants
        What the step took from the data, as far as people read it.
    note
        Why the step is there, in the words of the configuration.
    """

    step: str
    method: str
    rows_in: int
    rows_out: int
    columns_in: int
    columns_out: int
    actions: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


def count_actions(decisions: Iterable[Decision]) -> dict[str, int]:
    """Return the number of decisions by action, in the order of the actions' names."""
    return dict(sorted(Counter(decision.action for decision in decisions).items()))


def audit_text(decisions: Iterable[Decision]) -> str:
    """Return decisions as the text of a CSV table; numbers are written so that they read back exactly."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for decision in decisions:
        cells = (decision.before, decision.after)
        before, after = (value if isinstance(value, str) else repr(float(value)) for value in cells)
        writer.writerow([decision.step, decision.row, decision.column, decision.action, before, after, decision.reason])
    return table.getvalue()


def audit_digest(decisions: Iterable[Decision]) -> str:
    """Return the SHA-256 of the audit table, which is that of the file that :func:`write_audit` writes."""
    return hashlib.sha256(audit_text(decisions).encode("utf-8")).hexdigest()


def write_audit(path: str | os.PathLike[str], decisions: Iterable[Decision]) -> None:
    """Write the audit table (CSV with the columns of ``COLUMNS``)."""
    write_text(path, audit_text(decisions))
