"""Which rows of a table train: whole compositions, as in the data set."""

from __future__ import annotations

import numpy as np

from kadi_battgen.datasets.cleaning.duplicates import canonical_cell
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.datasets.splitting import PARTS, split_by_composition
from kadi_battgen.errors import UserError

#: Text column with the part of each row.
PART = "part"


def with_parts(table: Table, split: str, seed: int) -> Table:
    """Return the table with the part of each row, whole compositions at a time and spread over the working ions.

    Parameters
    ----------
    table
        Rows with a working ion and, where known, a discharge formula; a row without one is a composition of its own.
    split
        Fractions of the compositions in training, validation and test, such as ``0.7,0.15,0.15``.
    seed
        Seed of the split.

    Raises
    ------
    UserError
        If the fractions are wrong, or the compositions are too few for them.
    """
    try:
        shares = [float(share) for share in split.split(",")]
    except ValueError as error:
        raise UserError(f"The split {split!r} is not three fractions: give e.g. 0.7,0.15,0.15.") from error
    table.check(["working_ion"], text=True)
    formulas = table.text.get("formula_discharge", np.array([""] * len(table), dtype=object))
    compositions = [
        canonical_cell("formula_discharge", formula) if formula else f"row {row}"
        for formula, row in zip(formulas, table.ids, strict=True)
    ]
    parts = split_by_composition(compositions, table.text["working_ion"].tolist(), seed, shares)
    return table.with_text(PART, np.array([PARTS[part] for part in parts], dtype=object))


def training_rows(table: Table) -> np.ndarray:
    """Return which rows are in the training part, Boolean, (rows,); all where the table has no parts."""
    if not set(table.text.get(PART, [""])) <= set(PARTS):
        return np.ones(len(table), dtype=bool)
    return table.text[PART] == PARTS[0]
