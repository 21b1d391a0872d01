"""Step encode: numbers for categories."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.step import Outcome, Step
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError


class Encode(Step):
    """Adds number columns for text columns, which stay.

    ``one-hot`` adds a column of zeros and ones for each category (``working_ion_Li`` ...), ``label`` one column with the
    position of the category (``working_ion_code``). Working ions have the order of the condition vector, other categories
    that of the alphabet. A category that no training row has is all zeros, or -1.
    """

    name: ClassVar[str] = "encode"

    step: Literal["encode"] = "encode"
    method: Literal["one-hot", "label"] = Field(default="one-hot", description="which code")
    columns: tuple[str, ...] = Field(default=("working_ion",), min_length=1, description="text columns")

    def fit(self, table: Table) -> dict[str, Any]:
        """Return the categories of each column."""
        table.check(self.columns, text=True)
        return {
            name: list(WORKING_IONS) if name == "working_ion" else sorted({*table.text[name].tolist()} - {""})
            for name in self.columns
        }

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Add the codes."""
        table.check(tuple(constants), text=True)
        columns: dict[str, np.ndarray] = {}
        decisions: list[Decision] = []
        for name, categories in constants.items():
            place = {category: number for number, category in enumerate(categories)}
            codes = np.array([place.get(cell, -1) for cell in table.text[name]], dtype=np.int64)
            if self.method == "label":
                columns[f"{name}_code"] = codes.astype(np.float64)
            else:
                columns |= {f"{name}_{category}": (codes == number) * 1.0 for category, number in place.items()}
            for row in np.flatnonzero(codes < 0):
                reason = f"{table.text[name][row]!r} is none of the {len(categories)} categories of {name}"
                decisions.append(Decision(label, table.ids[row], name, "unknown-category", "", "", reason))
        taken = sorted(set(columns) & set(table.numbers))
        if taken:
            raise UserError(f"Step encode: the table has a column {taken[0]!r} already; rename it.")
        return Outcome(table.with_numbers(columns, derived=True), tuple(decisions))

    def inverse(self, table: Table, constants: dict[str, Any]) -> Table:
        """Return a table with the text columns read back from the codes; empty where the category was unknown."""
        for name, categories in constants.items():
            if self.method == "label":
                codes = table.matrix([f"{name}_code"])[:, 0].astype(np.int64)
            else:
                codes = np.full(len(table), -1)
                if categories:
                    ones = table.matrix([f"{name}_{category}" for category in categories])
                    codes = np.where(ones.any(axis=1), ones.argmax(axis=1), -1)
            cells = [categories[code] if code >= 0 else "" for code in codes]
            table = table.with_text(name, np.array(cells, dtype=object))
        return table
