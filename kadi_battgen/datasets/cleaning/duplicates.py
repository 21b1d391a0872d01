"""Step duplicates: one row for each discharge formula and working ion."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.step import Outcome, Step, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.errors import UserError


class Duplicates(Step):
    """Keeps one row of those that agree in some columns (thesis: the discharge formula, per working ion).

    Formulas are compared as ratios of atoms. The row kept is the one with the smallest value in the first column of
    ``prefer`` that the table has, then in the next one, then the first by its id; a missing value comes last. By default
    that is the discharged phase nearest to the convex hull: of several polymorphs the one that most likely exists.
    """

    name: ClassVar[str] = "duplicates"

    step: Literal["duplicates"] = "duplicates"
    by: tuple[str, ...] = Field(
        default=("working_ion", "formula_discharge"), min_length=1, description="text columns that make rows alike"
    )
    prefer: tuple[str, ...] = Field(
        default=("stability_discharge", "stability_charge", "volume_change"),
        description="number columns whose smallest value decides which row stays; absent ones are passed over",
    )
    action: Literal["drop", "flag"] = Field(default="drop", description="about the rows that are not kept")

    @property
    def method_text(self) -> str:
        """The columns that make rows alike."""
        return f"one row for each {' and '.join(self.by)}; {self.action}"

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Keep one row of each group; rows with an empty cell in one of the columns are like no other."""
        table.check(self.by, text=True)
        criteria = [name for name in self.prefer if name in table.numbers]
        ranks = [np.where(np.isnan(table.numbers[name]), np.inf, table.numbers[name]) for name in criteria]
        groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in range(len(table)):
            cells = tuple(str(table.text[name][row]) for name in self.by)
            if all(cells):
                groups[tuple(map(canonical_cell, self.by, cells))].append(row)
        decisions: list[Decision] = []
        drop = np.zeros(len(table), dtype=bool)
        for rows in groups.values():
            if len(rows) > 1:
                kept = min(rows, key=lambda row: (*(rank[row] for rank in ranks), table.ids[row]))
                what = " and ".join(f"{name} {table.text[name][kept]}" for name in self.by)
                others = [row for row in rows if row != kept]
                decisions.append(
                    Decision(
                        label, table.ids[kept], "", "kept-representative", "", "", f"of {len(rows)} rows with {what}"
                    )
                )
                decisions += [self._decision(table, label, row, kept, what, criteria) for row in others]
                drop[others] = True
        decisions.sort(key=lambda decision: decision.row)
        return Outcome(table.rows(~drop) if self.action == "drop" else table.flagged(label, drop), tuple(decisions))

    def _decision(self, table: Table, label: str, row: int, kept: int, what: str, criteria: list[str]) -> Decision:
        """Return the decision about a row that another one stands for."""
        deciding = next((name for name in criteria if table.numbers[name][row] != table.numbers[name][kept]), None)
        if deciding is None:
            why = "which is first by id"
        else:
            own, other = table.numbers[deciding][[row, kept]]
            why = f"whose {deciding} {number(other)}{table.unit(deciding)} is lower than {number(own)}"
        reason = f"same {what} as {table.ids[kept]}, {why}"
        return Decision(label, table.ids[row], "", "dropped" if self.action == "drop" else "flagged", "", "", reason)


def canonical_cell(column: str, cell: str) -> str:
    """Return a cell for comparison: of a formula column the ratios of atoms, of any other one the cell as it is."""
    if not column.startswith("formula"):
        return cell
    try:
        amounts = parse_formula(cell)
    except UserError:
        return cell  # to say that it is no formula is for the step invariants
    total = sum(amounts.values())
    return " ".join(f"{symbol}{amounts[symbol] / total:.6f}" for symbol in sorted(amounts))
