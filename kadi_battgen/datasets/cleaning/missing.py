"""Step missing: values that a table lacks (thesis section 3.1.2)."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.invariants import capacity_of_formulas
from kadi_battgen.datasets.cleaning.step import Finding, Outcome, Step, carry_out, chosen, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.errors import UserError

#: Products of two properties: energy = voltage times capacity.
_PRODUCTS = (
    ("gravimetric_energy", "average_voltage", "gravimetric_capacity"),
    ("volumetric_energy", "average_voltage", "volumetric_capacity"),
)


class Missing(Step):
    """Drops rows with missing values or fills them in.

    ``derive`` computes what follows exactly from the other values of the row (energy, voltage and capacity from each
    other, the gravimetric capacity from the formulas) and leaves the rest missing. ``mean``, ``median`` and ``mode`` take
    one value for each column from the training rows. ``knn`` takes the mean over the nearest training rows, near in the
    other columns, each divided by its standard deviation (scikit-learn's ``KNNImputer``).
    """

    name: ClassVar[str] = "missing"

    step: Literal["missing"] = "missing"
    method: Literal["drop", "derive", "mean", "median", "mode", "knn"] = Field(
        default="drop", description="what becomes of missing values"
    )
    columns: tuple[str, ...] | None = Field(
        default=None, description="by default the functional properties; mode also takes text columns"
    )
    neighbours: int = Field(default=5, ge=1, description="number of rows that knn averages over")

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        if "neighbours" in self.model_fields_set and self.method != "knn":
            raise ValueError(f"neighbours belong to the method knn, not to {self.method}: leave them out")
        return self

    def fit(self, table: Table) -> dict[str, Any]:
        """Return what missing values are filled with."""
        if self.method in ("drop", "derive"):
            return {}
        if self.method == "mode" and self.columns is not None:
            texts = [name for name in self.columns if name in table.text]
            numbers = chosen(table, tuple(name for name in self.columns if name not in texts), ())
        else:
            texts, numbers = [], chosen(table, self.columns, table.properties)
        values = table.matrix(numbers)
        empty = [name for name, column in zip(numbers, values.T, strict=True) if np.isnan(column).all()]
        if empty:
            raise UserError(f"Step missing: {empty[0]} has no value in any training row; leave the column out.")
        if self.method == "knn":
            deviation = np.nanstd(values, axis=0)
            donors = [[None if np.isnan(value) else value for value in row] for row in values.tolist()]
            return {"columns": list(numbers), "deviation": deviation.tolist(), "donors": donors}
        fills: dict[str, Any] = dict(zip(numbers, _statistic(self.method, values).tolist(), strict=True))
        return {"fill": {**fills, **{name: _most_frequent(table.text[name].tolist()) for name in texts}}}

    def readable(self, constants: dict[str, Any]) -> dict[str, Any]:
        """Return the constants, with the number of donors in place of the donors."""
        return {**constants, "donors": len(constants["donors"])} if "donors" in constants else constants

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Drop rows with missing values, or fill these in."""
        if self.method == "drop":
            columns = chosen(table, self.columns, table.properties)
            rows = np.argwhere(np.isnan(table.matrix(columns)))
            found = [Finding(int(row), columns[place], "", "", f"{columns[place]} is missing") for row, place in rows]
            return carry_out(table, label, "drop", found)
        if self.method == "derive":
            return _derive(table, chosen(table, self.columns, table.properties), label)
        if self.method == "knn":
            names = constants["columns"]
            filled = dict(zip(names, self._neighbours(table.matrix(names), constants).T, strict=True))
            return _fill(table, filled, label, f"mean of the {self.neighbours} nearest training rows")
        fills = constants["fill"]
        table.check([name for name in fills if name not in table.text])
        columns_ = {name: np.full(len(table), value) for name, value in fills.items() if name not in table.text}
        outcome = _fill(table, columns_, label, f"{self.method} of the training rows")
        decisions = list(outcome.decisions)
        table = outcome.table
        for name in (name for name in fills if name in table.text):
            empty = table.text[name] == ""
            reason = f"{name} is missing: mode of the training rows"
            decisions += [Decision(label, row, name, "imputed", "", fills[name], reason) for row in table.ids[empty]]
            table = table.with_text(name, np.where(empty, fills[name], table.text[name]).astype(object))
        return Outcome(table, tuple(decisions))

    def _neighbours(self, values: np.ndarray, constants: dict[str, Any]) -> np.ndarray:
        """Return values (rows, columns) with the missing ones taken from the nearest donors."""
        if not np.isnan(values).any():
            return values
        from sklearn.impute import KNNImputer

        deviation = np.array(constants["deviation"])
        scale = np.where(deviation > 0, deviation, 1.0)
        donors = np.array(constants["donors"], dtype=np.float64).reshape(-1, values.shape[1])
        imputer = KNNImputer(n_neighbors=self.neighbours).fit(donors / scale)
        return np.where(np.isnan(values), imputer.transform(values / scale) * scale, values)


def _statistic(method: str, values: np.ndarray) -> np.ndarray:
    """Return mean, median or mode (the smallest of several) of each column, missing values left out."""
    if method == "mean":
        return np.nanmean(values, axis=0)
    if method == "median":
        return np.nanmedian(values, axis=0)
    return np.array([_most_frequent(column[~np.isnan(column)].tolist()) for column in values.T])


def _most_frequent(values: list[Any]) -> Any:
    """Return the most frequent value that is not an empty text, the smallest of several."""
    counts = Counter(value for value in values if value != "")
    if not counts:
        raise UserError("Step missing: a text column has no value in any training row; leave the column out.")
    return min(counts, key=lambda value: (-counts[value], value))


def _fill(table: Table, filled: dict[str, np.ndarray], label: str, what: str) -> Outcome:
    """Return the table with missing values replaced by those in `filled`, which stay missing where it is NaN."""
    decisions: list[Decision] = []
    columns: dict[str, np.ndarray] = {}
    for name, values in filled.items():
        holes = np.isnan(table.numbers[name]) & ~np.isnan(values)
        columns[name] = np.where(holes, values, table.numbers[name])
        decisions += [
            Decision(
                label,
                table.ids[row],
                name,
                "imputed",
                "",
                float(values[row]),
                f"{name} is missing: {what}, {number(values[row])}{table.unit(name)}",
            )
            for row in np.flatnonzero(holes)
        ]
    return Outcome(table.with_numbers(columns), tuple(decisions))


def _derive(table: Table, columns: tuple[str, ...], label: str) -> Outcome:
    """Compute what follows from the other values of a row, until nothing more does."""
    decisions: list[Decision] = []

    def fill(name: str, values: np.ndarray, what: str) -> None:
        nonlocal table
        values = np.where(np.isfinite(values), values, np.nan)
        outcome = _fill(table, {name: values}, label, what)
        decisions.extend(outcome.decisions)
        table = outcome.table

    if "gravimetric_capacity" in columns:
        fill("gravimetric_capacity", _formula_capacities(table), "n z F / (3.6 M) of the formulas")
    # A voltage found from one energy may give the other one: two rounds reach everything.
    for _ in range(2):
        for energy, voltage, capacity in _PRODUCTS:
            if {energy, voltage, capacity} <= set(table.numbers):
                with np.errstate(divide="ignore", invalid="ignore"):
                    ways = {
                        energy: (table.numbers[voltage] * table.numbers[capacity], f"{voltage} times {capacity}"),
                        voltage: (table.numbers[energy] / table.numbers[capacity], f"{energy} over {capacity}"),
                        capacity: (table.numbers[energy] / table.numbers[voltage], f"{energy} over {voltage}"),
                    }
                for name, (values, what) in ways.items():
                    if name in columns:
                        fill(name, values, what)
    return Outcome(table, tuple(decisions))


def _formula_capacities(table: Table) -> np.ndarray:
    """Return the gravimetric capacity in mAh/g that follows from the formulas of rows that lack one, else NaN."""
    capacities = np.full(len(table), np.nan)
    names = ("formula_charge", "formula_discharge", "working_ion")
    if set(names) <= set(table.text):
        for row in np.flatnonzero(np.isnan(table.numbers["gravimetric_capacity"])):
            cells = [str(table.text[name][row]) for name in names]
            if all(cells):
                try:
                    capacities[row] = capacity_of_formulas(*cells)
                except UserError:
                    continue  # what is wrong with the formulas is for the step invariants to say
    return capacities
