"""Step outliers: values and rows far from the others (thesis section 3.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kadi_battgen.datasets.cleaning.detectors import (
    fit_autoencoder,
    fit_isolation_forest,
    isolation_scores,
    reconstruction_errors,
)
from kadi_battgen.datasets.cleaning.ranges import beyond
from kadi_battgen.datasets.cleaning.step import Finding, OnFinding, Outcome, Step, carry_out, chosen, complete, number
from kadi_battgen.datasets.cleaning.table import Table
from kadi_battgen.errors import UserError

#: Thresholds of the methods that look at one column: standard deviations, quartile ranges, scores.
_THRESHOLDS = {"standard-deviation": 3.0, "iqr": 1.5, "z-score": 3.0, "robust-z-score": 3.5}

_DETECTORS: dict[str, tuple[Callable[..., dict[str, Any]], Callable[..., np.ndarray], str]] = {
    "isolation-forest": (fit_isolation_forest, isolation_scores, "anomaly score"),
    "autoencoder": (fit_autoencoder, reconstruction_errors, "reconstruction error (squared standard deviations)"),
}

#: The median absolute deviation of a normal distribution in units of its standard deviation, inverted.
_MAD_TO_DEVIATION = 1.4826022185056018


class Outliers(Step):
    """Finds what lies far from the bulk of the training rows.

    In one column each: ``standard-deviation`` (mean plus or minus so many standard deviations), ``iqr`` (so many
    interquartile ranges beyond the quartiles), ``z-score`` (as the first, on standardised values) and ``robust-z-score``
    (median, and median absolute deviation times 1.4826: Iglewicz and Hoaglin, 1993). In all columns together:
    ``isolation-forest`` (Liu, Ting, Zhou, ICDM 2008) and ``autoencoder`` (reconstruction error); these take the given
    share of the training rows for outliers.
    """

    name: ClassVar[str] = "outliers"

    step: Literal["outliers"] = "outliers"
    method: Literal["standard-deviation", "iqr", "z-score", "robust-z-score", "isolation-forest", "autoencoder"] = (
        Field(default="iqr", description="how outliers are found")
    )
    columns: tuple[str, ...] | None = Field(default=None, description="by default the functional properties")
    threshold: float | None = Field(
        default=None, gt=0, description="of methods that look at one column: how far, dimensionless"
    )
    share: float = Field(
        default=0.01, gt=0, lt=1, description="of methods that look at all columns: fraction of the training rows"
    )
    logarithmic: bool = Field(
        default=False, description="whether to compare logarithms; values up to zero have none and are passed over"
    )
    side: Literal["both", "upper", "lower"] = Field(default="both", description="which side outliers lie on")
    action: OnFinding = Field(
        default="drop", description="about an outlier; clip only for methods that look at one column"
    )
    seed: int = Field(default=0, ge=0, description="seed of the isolation forest and the autoencoder")

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        given = self.model_fields_set
        wrong = given & ({"threshold", "logarithmic", "side"} if self.method in _DETECTORS else {"share", "seed"})
        if wrong:
            raise ValueError(f"{sorted(wrong)[0]} does not belong to the method {self.method}: leave it out")
        if self.method in _DETECTORS and self.action == "clip":
            raise ValueError(f"{self.method} finds rows, which cannot be clipped: drop or flag them")
        return self

    @property
    def method_text(self) -> str:
        """Method, threshold and what is done."""
        size = f"share {self.share}" if self.method in _DETECTORS else f"threshold {self._threshold}"
        logarithmic = ", logarithmic" if self.logarithmic else ""
        side = "" if self.side == "both" else f", {self.side} side"
        return f"{self.method}, {size}{logarithmic}{side}; {self.action}"

    @property
    def _threshold(self) -> float:
        return _THRESHOLDS[self.method] if self.threshold is None else self.threshold

    def fit(self, table: Table) -> dict[str, Any]:
        """Return the fences of each column, or the detector and the score it begins at."""
        columns = chosen(table, self.columns, table.properties)
        if self.method in _DETECTORS:
            learn, score, _ = _DETECTORS[self.method]
            values = complete(table, columns, self.name)
            if len(values) < 3:
                raise UserError(
                    f"Step outliers: {self.method} needs at least 3 training rows, there are {len(values)}."
                )
            detector = learn(values, self.seed)
            limit = float(np.quantile(score(values, detector), 1.0 - self.share))
            return {"columns": list(columns), "limit": limit, "detector": detector}
        return {"fences": {name: self._fences(table.numbers[name]) for name in columns}}

    def readable(self, constants: dict[str, Any]) -> dict[str, Any]:
        """Return the constants without the detector's."""
        return {name: value for name, value in constants.items() if name != "detector"}

    def apply(self, table: Table, constants: dict[str, Any], label: str) -> Outcome:
        """Drop, clip or flag outliers."""
        if self.method not in _DETECTORS:
            table.check(tuple(constants["fences"]))
            what = f"{self.method} fence ({number(self._threshold)})"
            found = [
                f for name, (low, high) in constants["fences"].items() for f in beyond(table, name, low, high, what)
            ]
            return carry_out(table, label, self.action, sorted(found, key=lambda finding: finding.row))
        _, score, what = _DETECTORS[self.method]
        scores = score(complete(table, constants["columns"], self.name), constants["detector"])
        limit = constants["limit"]
        # Sums of floats differ in their last digits between batches: a score on the limit is inside.
        outside = np.flatnonzero(scores > limit * (1.0 + 1e-9))
        reasons = {row: f"{what} {number(scores[row])} is above {number(limit)}" for row in outside}
        return carry_out(
            table, label, self.action, [Finding(int(row), "", "", "", reason) for row, reason in reasons.items()]
        )

    def _fences(self, values: np.ndarray) -> tuple[float | None, float | None]:
        """Return the lowest and the highest value of a column that are no outliers; None for no fence."""
        known = values[np.isfinite(values) & ((values > 0) if self.logarithmic else True)]
        if len(known) == 0:
            return None, None
        known = np.log(known) if self.logarithmic else known
        if self.method == "iqr":
            first, third = np.quantile(known, (0.25, 0.75))
            reach = self._threshold * (third - first)
        elif self.method == "robust-z-score":
            first = third = np.median(known)
            reach = self._threshold * _MAD_TO_DEVIATION * np.median(np.abs(known - first))
        else:
            first = third = known.mean()
            reach = self._threshold * known.std()
        fences = (first - reach, third + reach)
        low, high = (float(np.exp(fence) if self.logarithmic else fence) for fence in fences)
        return (None if self.side == "upper" else low), (None if self.side == "lower" else high)
