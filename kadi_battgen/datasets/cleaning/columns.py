"""Step reduce-columns: fewer descriptors that tell as much (thesis section 3.1.2)."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.step import Outcome, Step, chosen, complete, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.datasets.scaling import RangeScaling, StandardScaling
from kadi_battgen.errors import UserError

#: Parameters of each method.
_OWN = {
    "variance": {"threshold"},
    "correlation": {"threshold"},
    "mutual-information": {"target", "keep", "seed"},
    "recursive-elimination": {"target", "keep"},
    "lasso": {"target", "strength"},
    "pca": {"explained"},
}

_THRESHOLDS = {"variance": 1e-4, "correlation": 0.95}


class ReduceColumns(Step):
    """Drops descriptors that tell little, or puts components in their place.

    Filters: ``variance`` drops columns whose variance, scaled to [0, 1], is below the threshold; ``correlation`` drops the
    later one of two columns whose Pearson correlation is larger in size; ``mutual-information`` keeps the columns that
    share most with the target. Wrapper: ``recursive-elimination`` drops the weakest column of a linear model of the
    target again and again. Embedded: ``lasso`` drops what an L1-penalised linear model of the target leaves out.
    Extraction: ``pca`` replaces the columns by the principal components of their z-scores. scikit-learn computes.
    """

    name: ClassVar[str] = "reduce-columns"

    step: Literal["reduce-columns"] = "reduce-columns"
    method: Literal["variance", "correlation", "mutual-information", "recursive-elimination", "lasso", "pca"] = Field(
        default="correlation", description="how columns are chosen"
    )
    columns: tuple[str, ...] | None = Field(
        default=None, description="by default all descriptors beside the properties"
    )
    target: str = Field(default="average_voltage", description="column that the chosen ones are to tell about")
    threshold: float | None = Field(default=None, ge=0, description="of variance and correlation, dimensionless")
    keep: int = Field(default=5, ge=1, description="number of columns to keep")
    strength: float = Field(default=0.01, gt=0, description="penalty of lasso, in standard deviations of the target")
    explained: float = Field(default=0.95, gt=0, le=1, description="fraction of the variance that components keep")
    seed: int = Field(default=0, ge=0, description="seed of mutual-information")

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        wrong = self.model_fields_set & (set().union(*_OWN.values()) - _OWN[self.method])
        if wrong:
            raise ValueError(f"{sorted(wrong)[0]} does not belong to the method {self.method}: leave it out")
        return self

    def fit(self, table: Table) -> dict[str, Any]:
        """Return which columns stay, or the principal components."""
        columns = chosen(table, self.columns, table.descriptors)
        protected = [name for name in columns if name in table.protected]
        if protected:
            raise UserError(
                f"Step reduce-columns: {protected[0]} belongs to every electrode of a collection and cannot be dropped; "
                "name other columns, or clean a CSV table."
            )
        if self.target in columns and "target" in _OWN[self.method]:
            raise UserError(
                f"Step reduce-columns: {self.target} is the target and among the columns: leave it out there."
            )
        values = complete(table, columns, self.name)
        if len(columns) == 0 or len(values) < 2:
            return {"columns": list(columns), "scores": dict.fromkeys(columns, 0.0), "kept": list(columns)}
        if self.method == "pca":
            return self._components(values, columns, table)
        scores, kept = self._select(values, columns, table)
        scores_ = {name: float(score) for name, score in zip(columns, scores, strict=True)}
        return {
            "columns": list(columns),
            "scores": scores_,
            "kept": [name for name, stays in zip(columns, kept, strict=True) if stays],
        }

    def readable(self, constants: dict[str, Any]) -> dict[str, Any]:
        """Return the columns that stay, or how much each component explains."""
        names = ("explained",) if "explained" in constants else ("kept", "scores")
        return {name: constants[name] for name in names}

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Drop the columns that do not stay."""
        columns = constants["columns"]
        table.check(columns)
        if "components" in constants:
            scaling = StandardScaling.from_json(constants["scaling"])
            points = scaling.transform(complete(table, columns, self.name)) @ np.array(constants["components"]).T
            names = component_names(len(constants["components"]))
            shares = constants["explained"]
            added = [
                Decision(label, "", name, "added", "", share, f"explains {number(share)} of the variance")
                for name, share in zip(names, shares, strict=True)
            ]
            dropped = [
                Decision(label, "", c, "dropped", "", "", f"{len(names)} components stand for it") for c in columns
            ]
            reduced = table.without(columns).with_numbers(dict(zip(names, points.T, strict=True)), derived=True)
            return Outcome(reduced, (*dropped, *added))
        gone = [name for name in columns if name not in constants["kept"]]
        decisions = tuple(
            Decision(label, "", name, "dropped", constants["scores"][name], "", self._reason(constants["scores"][name]))
            for name in gone
        )
        return Outcome(table.without(gone), decisions)

    def _reason(self, score: float) -> str:
        limit = _THRESHOLDS.get(self.method, 0.0) if self.threshold is None else self.threshold
        return {
            "variance": f"variance {number(score)} of the scaled column is below {number(limit)}",
            "correlation": f"correlation {number(score)} with a column before it is above {number(limit)}",
            "mutual-information": f"mutual information {number(score)} nat with {self.target} is not among the first "
            f"{self.keep}",
            "recursive-elimination": f"rank {number(score)} for {self.target}, of which 1 stays",
            "lasso": f"weight {number(score)} in the model of {self.target}",
        }[self.method]

    def _select(self, values: np.ndarray, columns: tuple[str, ...], table: Table) -> tuple[np.ndarray, np.ndarray]:
        """Return the score of each column and whether it stays."""
        units = [""] * len(columns)
        limit = _THRESHOLDS.get(self.method, 0.0) if self.threshold is None else self.threshold
        if self.method == "variance":
            variances = RangeScaling.fit(values, columns, units).transform(values).var(axis=0)
            return variances, variances >= limit
        if self.method == "correlation":
            return _uncorrelated(values, limit)
        points = StandardScaling.fit(values, columns, units).transform(values)
        target = complete(table, [self.target], self.name)[:, 0]
        aim = (target - target.mean()) / (target.std() or 1.0)
        if self.method == "mutual-information":
            from sklearn.feature_selection import mutual_info_regression

            neighbours = min(3, len(points) - 1)
            shared = mutual_info_regression(points, aim, n_neighbors=neighbours, random_state=self.seed)
            kept = np.zeros(len(columns), dtype=bool)
            kept[np.argsort(-shared, kind="stable")[: self.keep]] = True
            return shared, kept
        if self.method == "recursive-elimination":
            from sklearn.feature_selection import RFE
            from sklearn.linear_model import Ridge

            model = RFE(Ridge(alpha=1e-3), n_features_to_select=min(self.keep, len(columns))).fit(points, aim)
            return model.ranking_.astype(float), model.support_
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import Lasso

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            weights = Lasso(alpha=self.strength, max_iter=10_000).fit(points, aim).coef_
        return weights, weights != 0.0

    def _components(self, values: np.ndarray, columns: tuple[str, ...], table: Table) -> dict[str, Any]:
        from sklearn.decomposition import PCA

        scaling = StandardScaling.fit(values, columns, [table.units.get(name, "") for name in columns])
        points = scaling.transform(values)
        if not points.any():
            raise UserError(
                "Step reduce-columns: no descriptor varies, so there are no components; put variance before."
            )
        model = PCA(svd_solver="full").fit(points)
        count = int(np.searchsorted(model.explained_variance_ratio_.cumsum(), self.explained - 1e-9)) + 1
        count = min(count, len(model.components_))
        return {
            "columns": list(columns),
            "scaling": scaling.to_json(),
            "components": model.components_[:count].tolist(),
            "explained": model.explained_variance_ratio_[:count].tolist(),
        }

    def inverse(self, table: Table, constants: dict[str, Any]) -> Table:
        """Return a table with the columns that its principal components stand for, as far as these tell."""
        if "components" not in constants:
            return table
        components = np.array(constants["components"])
        points = table.matrix(component_names(len(components))) @ components
        values = StandardScaling.from_json(constants["scaling"]).inverse(points)
        return table.with_numbers(dict(zip(constants["columns"], values.T, strict=True)))


def component_names(count: int) -> list[str]:
    """Return the names of the columns of so many principal components."""
    return [f"principal_component_{place}" for place in range(1, count + 1)]


def _uncorrelated(values: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each column's largest correlation with an earlier one that stays, and whether it stays itself."""
    deviation = values - values.mean(axis=0)
    length = np.sqrt((deviation**2).sum(axis=0))
    unit = deviation / np.where(length > 0, length, 1.0)
    correlation = np.abs(unit.T @ unit)
    kept, largest = np.zeros(len(length), dtype=bool), np.zeros(len(length))
    for column in range(len(length)):
        earlier = np.flatnonzero(kept)
        largest[column] = correlation[column, earlier].max() if len(earlier) else 0.0
        kept[column] = largest[column] <= limit
    return largest, kept
