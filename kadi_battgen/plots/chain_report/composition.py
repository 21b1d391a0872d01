"""What an evaluation says of compositions read from stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.plots.chain_report.metrics import LABELS
from kadi_battgen.plots.composition import composition_parity
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation


def composition_section(evaluation: Evaluation) -> Section:
    """Return the section on the composition."""
    metrics = evaluation.metrics["composition"]
    true, predicted = evaluation.compositions["true"], evaluation.compositions["predicted"]
    occurrence = (true > 0).sum(axis=0)
    shown = [ELEMENTS[index] for index in np.argsort(-occurrence, kind="stable")[:12] if occurrence[index] > 0]
    rows = [
        (LABELS[name], m["overall"]["mean_absolute_error"], m["overall"]["r2"], m["mean_presence_auc"])
        for name, m in metrics.items()
    ]
    columns = (
        Column("Prediction"),
        Column("Mean absolute error", unit="atoms per formula", kind="number", decimals=4),
        Column("R²", kind="number", decimals=3),
        Column("Presence, area under the curve", kind="number", decimals=3),
    )
    text = (
        "A stack shows the topmost atoms in one orientation, the composition counts all of them: read the last column as "
        "the chance that a material with an element scores above one without it (0.5 is guessing), averaged over elements."
    )
    figure = ReportFigure(
        composition_parity(true, predicted, shown),
        "Predicted against true number of atoms per formula unit for the most frequent elements.",
        "Held-out electrodes, predictions averaged over the orientations.",
    )
    return Section("Composition from AFM", [text], [figure], [Table(columns, rows)])
