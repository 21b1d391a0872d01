"""Step reduce-rows: fewer rows that stand for all (thesis section 3.1.2)."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.classes import CHEMICAL_CLASS, chemical_class
from kadi_battgen.datasets.cleaning.step import Outcome, Step, chosen, complete, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.datasets.scaling import StandardScaling
from kadi_battgen.errors import UserError


class ReduceRows(Step):
    """Keeps some rows in place of all.

    ``stratified`` keeps the same fraction of every stratum (working ion and chemical class), at least one row; which ones,
    a checksum of seed and id decides, so that neither the order of the rows nor other rows play a part. ``balanced`` keeps
    at most so many rows of every stratum. ``k-means`` groups the rows by their standardised columns and keeps of each
    group the row nearest to its centre (the medoid).
    """

    name: ClassVar[str] = "reduce-rows"

    step: Literal["reduce-rows"] = "reduce-rows"
    method: Literal["stratified", "balanced", "k-means"] = Field(
        default="stratified", description="how rows are chosen"
    )
    by: tuple[str, ...] = Field(
        default=("working_ion", CHEMICAL_CLASS),
        description="text columns that make strata; chemical_class follows from the discharge formula",
    )
    fraction: float = Field(default=0.5, gt=0, le=1, description="stratified: fraction of each stratum to keep")
    largest: int = Field(default=100, ge=1, description="balanced: number of rows of a stratum to keep")
    clusters: int = Field(default=100, ge=1, description="k-means: number of groups, and of rows to keep")
    columns: tuple[str, ...] | None = Field(default=None, description="k-means: by default the functional properties")
    seed: int = Field(default=0, ge=0, description="seed of the choice")

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        own = {"stratified": {"by", "fraction"}, "balanced": {"by", "largest"}, "k-means": {"clusters", "columns"}}
        wrong = self.model_fields_set & (set().union(*own.values()) - own[self.method])
        if wrong:
            raise ValueError(f"{sorted(wrong)[0]} does not belong to the method {self.method}: leave it out")
        return self

    @property
    def method_text(self) -> str:
        """Method and size."""
        size = {
            "stratified": f"fraction {self.fraction} of each {' and '.join(self.by)}",
            "balanced": f"up to {self.largest} of each {' and '.join(self.by)}",
            "k-means": f"{self.clusters} groups",
        }
        return f"{self.method}, {size[self.method]}"

    def fit(self, table: Table) -> dict[str, Any]:
        """Return the centres of the groups of ``k-means``."""
        if self.method != "k-means":
            return {}
        columns = chosen(table, self.columns, table.properties)
        values = complete(table, columns, self.name)
        if len(values) == 0:
            raise UserError("Step reduce-rows: there is no training row to group.")
        from sklearn.cluster import KMeans

        scaling = StandardScaling.fit(values, columns, [table.units.get(name, "") for name in columns])
        points = scaling.transform(values)
        groups = min(self.clusters, len(np.unique(points, axis=0)))
        centres = KMeans(groups, n_init=4, random_state=self.seed).fit(points).cluster_centers_
        return {"scaling": scaling.to_json(), "centres": centres.tolist()}

    def readable(self, constants: dict[str, Any]) -> dict[str, Any]:
        """Return the number of groups."""
        return {"groups": len(constants["centres"])} if constants else {}

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Keep the chosen rows."""
        return self._medoids(table, constants, label) if constants else self._strata(table, label)

    def _strata(self, table: Table, label: str) -> Outcome:
        if CHEMICAL_CLASS in self.by and CHEMICAL_CLASS not in table.text:
            table.check(["formula_discharge"], text=True)
            classes = [chemical_class(formula) for formula in table.text["formula_discharge"]]
            table = table.with_text(CHEMICAL_CLASS, np.array(classes, dtype=object))
        table.check(self.by, text=True)
        strata: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in range(len(table)):
            strata[tuple(table.text[name][row] for name in self.by)].append(row)
        drop = np.zeros(len(table), dtype=bool)
        decisions = []
        for stratum, rows in strata.items():
            ranked = sorted(rows, key=lambda row: self._lot(str(table.ids[row])))
            size = math.ceil(self.fraction * len(rows) - 1e-9) if self.method == "stratified" else self.largest
            drop[ranked[size:]] = True
            reason = f"{min(size, len(rows))} of {len(rows)} rows of {' '.join(stratum)} are kept"
            decisions += [Decision(label, table.ids[row], "", "dropped", "", "", reason) for row in ranked[size:]]
        return Outcome(table.rows(~drop), tuple(sorted(decisions, key=lambda decision: decision.row)))

    def _lot(self, row_id: str) -> str:
        return hashlib.sha256(f"{self.seed}\0{row_id}".encode()).hexdigest()

    def _medoids(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        scaling = StandardScaling.from_json(constants["scaling"])
        points = scaling.transform(complete(table, scaling.names, self.name))
        centres = np.array(constants["centres"])
        distances = np.sqrt(((points[:, None, :] - centres[None]) ** 2).sum(axis=-1))
        group = distances.argmin(axis=1) if len(table) else np.zeros(0, dtype=int)
        decisions, keep = [], np.zeros(len(table), dtype=bool)
        for centre in np.unique(group):
            members = np.flatnonzero(group == centre)
            medoid = members[distances[members, centre].argmin()]
            keep[medoid] = True
            nearest = number(distances[medoid, centre])
            text = f"nearest of {len(members)} rows to the centre of group {centre}, {nearest} standard deviations away"
            decisions.append(Decision(label, table.ids[medoid], "", "kept-representative", "", "", text))
            for row in members[members != medoid]:
                text = (
                    f"{table.ids[medoid]} stands for group {centre}: {nearest} standard deviations from its centre, this "
                    f"row {number(distances[row, centre])}"
                )
                decisions.append(Decision(label, table.ids[row], "", "dropped", "", "", text))
        return Outcome(table.rows(keep), tuple(sorted(decisions, key=lambda decision: decision.row)))
