"""A cleaning for people to read: what each step did and why, and the spread of the properties before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kadi_battgen.datasets.cleaning.audit import Decision, StepSummary, count_actions
from kadi_battgen.datasets.cleaning.pipeline import Cleaned
from kadi_battgen.datasets.cleaning.reading import READ
from kadi_battgen.datasets.cleaning.step import number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES

#: Quantiles that are shown, as fractions.
_QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)

#: Reasons that are shown of each step and action.
_EXAMPLES = 3


def step_lines(summary: Sequence[StepSummary]) -> list[str]:
    """Return one line a step: rows in and out, and the number of decisions by action."""
    width = max(len(entry.step) for entry in summary)
    return [
        f"{entry.step:{width}s}  {entry.rows_in:6d} -> {entry.rows_out:6d} rows  {_counts(entry.actions)} ({entry.method})"
        for entry in summary
    ]


def core_shares(table: Table) -> dict[str, float]:
    """Return how much of [0, 1] the core of each property takes under a min-max scaling, as a fraction.

    The core lies between the 1 % and the 99 % quantile: near 1 it fills the interval, near 0 a few values far away squeeze
    it into a corner.
    """
    shares = {}
    for name in table.properties:
        values = table.numbers[name][np.isfinite(table.numbers[name])]
        if len(values) and values.max() > values.min():
            low, high = np.quantile(values, (0.01, 0.99))
            shares[name] = float((high - low) / (values.max() - values.min()))
    return shares


def markdown_summary(before: Table, read: Sequence[Decision], rows: int, cleaned: Cleaned) -> str:
    """Return the summary as Markdown.

    Parameters
    ----------
    before
        The table that was cleaned.
    read
        Decisions of reading it.
    rows
        Number of rows in the file.
    cleaned
        What the cleaning made.
    """
    lines = ["# Cleaning of electrodes", "", f"{rows} rows came in, {len(cleaned.table)} are left.", "", "## Steps", ""]
    lines += ["| step | method | rows in | rows out | decisions |", "|---|---|---:|---:|---|"]
    lines.append(f"| {READ} | columns by name and unit | {rows} | {len(before)} | {_counts(count_actions(read))} |")
    lines += [
        f"| {entry.step} | {entry.method} | {entry.rows_in} | {entry.rows_out} | {_counts(entry.actions)} |"
        for entry in cleaned.summary
    ]
    lines += ["", "## Why", ""]
    if read:
        lines += [f"### {READ}", "", *_examples(read, READ), ""]
    for entry in cleaned.summary:
        lines += [f"### {entry.step}", ""]
        lines += [entry.note.strip(), ""] if entry.note else []
        lines += [*_examples(cleaned.decisions, entry.step), ""]
        lines += [f"Taken from the training rows: {_constants(entry.constants)}.", ""] if entry.constants else []
    lines += ["## Spread of the properties", ""]
    lines += [f"| property | | {' | '.join(_heading(q) for q in _QUANTILES)} | core |", f"|---|---|{'---:|' * 6}"]
    shares = core_shares(before), core_shares(cleaned.table)
    for name in before.properties:
        entry_ = FUNCTIONAL_PROPERTIES[name]
        for when, table, share in (("before", before, shares[0]), ("after", cleaned.table, shares[1])):
            values = table.numbers.get(name, np.array([]))
            values = values[np.isfinite(values)]
            cells = [number(value) for value in np.quantile(values, _QUANTILES)] if len(values) else ["-"] * 5
            core = f"{share[name]:.2f}" if name in share else "-"
            lines.append(f"| {entry_.axis_label} | {when} | {' | '.join(cells)} | {core} |")
    lines += [
        "",
        "The core is the share of [0, 1] that the values between the 1 % and the 99 % quantile take when the smallest and "
        "the largest value are scaled to 0 and 1: near 0, a few values far away squeeze all others into a corner.",
        "",
    ]
    return "\n".join(lines)


def _heading(quantile: float) -> str:
    return {0.0: "smallest", 0.5: "median", 1.0: "largest"}.get(quantile, f"{quantile:.0%}")


def _counts(actions: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {action}" for action, count in actions.items()) or "nothing to do"


def _examples(decisions: Sequence[Decision], step: str) -> list[str]:
    """Return the first decisions of a step for each action, and how many more there are."""
    lines = []
    own = [decision for decision in decisions if decision.step == step]
    for action, count in count_actions(own).items():
        shown = [decision for decision in own if decision.action == action][:_EXAMPLES]
        lines += [f"- {action}: {decision.row or decision.column}: {decision.reason}" for decision in shown]
        lines += [f"- and {count - _EXAMPLES} more {action}"] if count > _EXAMPLES else []
    return lines or ["Nothing to do."]


def _constants(constants: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {_value(value)}" for name, value in constants.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_value(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return number(value) if isinstance(value, float) else "none" if value is None else str(value)
