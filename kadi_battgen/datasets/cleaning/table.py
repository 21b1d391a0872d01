"""The table of electrodes that cleaning works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError

#: Text column with the names of the steps that flagged a row, separated by blanks.
FLAGS = "flags"


@dataclass(frozen=True)
class Table:
    """Rows of electrodes: identifiers, texts and numbers.

    Attributes
    ----------
    ids
        Identifier of each row, no two alike.
    text
        Text columns by name (``working_ion``, ``formula_charge``, ``formula_discharge`` ...); empty where missing.
    numbers
        Number columns by name, float64, NaN where missing: the functional properties and other descriptors.
    units
        Unit of number columns, where known.
    protected
        Columns that no step may remove or fill with something else than what the electrode follows.
    derived
        Columns that steps added (scaled, encoded, components); no step takes them for data.
    """

    ids: np.ndarray
    text: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]
    units: Mapping[str, str] = field(default_factory=dict)
    protected: frozenset[str] = frozenset()
    derived: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        text: Mapping[str, Sequence[str]],
        numbers: Mapping[str, Sequence[float]],
        units: Mapping[str, str] | None = None,
        protected: frozenset[str] = frozenset(),
    ) -> Self:
        """Return a table of plain sequences; the units of the functional properties are known.

        Raises
        ------
        UserError
            If an identifier occurs twice.
        """
        if len(set(ids)) < len(ids):
            twice = next(name for number, name in enumerate(ids) if name in ids[:number])
            raise UserError(f"Row {twice!r} occurs more than once: give each electrode an id of its own.")
        known = {name: entry.unit for name, entry in FUNCTIONAL_PROPERTIES.items() if name in numbers}
        return cls(
            np.array(ids, dtype=object),
            {name: np.array(values, dtype=object) for name, values in text.items()},
            {name: np.array(values, dtype=np.float64) for name, values in numbers.items()},
            {**known, **(units or {})},
            protected,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def properties(self) -> tuple[str, ...]:
        """Functional properties that the table has, in their usual order."""
        return tuple(name for name in FUNCTIONAL_PROPERTIES if name in self.numbers)

    @property
    def descriptors(self) -> tuple[str, ...]:
        """Number columns that are neither functional properties nor derived by a step."""
        return tuple(name for name in self.numbers if name not in FUNCTIONAL_PROPERTIES and name not in self.derived)

    def rows(self, selection: np.ndarray) -> Self:
        """Return some rows: a Boolean mask, or positions in a new order."""
        return replace(
            self,
            ids=self.ids[selection],
            text={name: values[selection] for name, values in self.text.items()},
            numbers={name: values[selection] for name, values in self.numbers.items()},
        )

    def matrix(self, columns: Sequence[str]) -> np.ndarray:
        """Return number columns as float64, shape (rows, columns)."""
        self.check(columns)
        return np.stack([self.numbers[name] for name in columns], axis=1) if columns else np.zeros((len(self), 0))

    def check(self, columns: Sequence[str], text: bool = False) -> None:
        """Check that the columns are there.

        Raises
        ------
        UserError
            If one is not; the sentence lists those that are.
        """
        there = self.text if text else self.numbers
        for name in columns:
            if name not in there:
                kind = "texts" if text else "numbers"
                raise UserError(
                    f"The table has no column {name!r} of {kind}: choose from {', '.join(there) or 'none'}."
                )

    def unit(self, column: str) -> str:
        """Return the unit of a column with a blank before it, empty where it is not known or a fraction."""
        unit = self.units.get(column, "")
        return f" {unit}" if unit not in ("", "fraction", "1") else ""

    def with_numbers(self, columns: Mapping[str, np.ndarray], derived: bool = False) -> Self:
        """Return the table with columns replaced or added."""
        added = self.derived | frozenset(columns) if derived else self.derived
        return replace(self, numbers={**self.numbers, **columns}, derived=added)

    def without(self, columns: Sequence[str]) -> Self:
        """Return the table without some number columns."""
        return replace(self, numbers={name: values for name, values in self.numbers.items() if name not in columns})

    def flagged(self, label: str, mask: np.ndarray) -> Self:
        """Return the table with rows marked by the name of a step."""
        flags = self.text.get(FLAGS, np.array([""] * len(self), dtype=object))
        marked = [f"{flag} {label}".strip() if here else flag for flag, here in zip(flags, mask, strict=True)]
        return replace(self, text={**self.text, FLAGS: np.array(marked, dtype=object)})

    def with_text(self, column: str, values: np.ndarray) -> Self:
        """Return the table with a text column replaced or added."""
        return replace(self, text={**self.text, column: values})
