"""What an evaluation says of several trainings that differ in their seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.plots.chain_report.metrics import label
from kadi_battgen.plots.report import Column, Section, Table, format_number

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation

#: Metrics that are shown, by the end of their path; all are in metrics.json.
_SHOWN = (
    "ssim",
    "psnr_db",
    "class_accuracy",
    "overall.mean_absolute_error",
    "overall.r2",
    "mean_presence_auc",
    "working_ion_present_fraction",
    "capacity_within_15_percent_fraction",
)


def trainings_section(evaluation: Evaluation) -> Section | None:
    """Return the section on the scatter over trainings; None for one training alone."""
    found = evaluation.metrics.get("trainings")
    if not found:
        return None
    rows = []
    for path, entry in found["metrics"].items():
        if path.endswith(_SHOWN):
            area, name, *rest = path.split(".")
            values = ", ".join(format_number(value, 3) for value in entry["values"])
            what = " ".join(rest).replace("_", " ")
            rows.append((area, label(name), what, entry["estimate"], entry["low"], entry["high"], values))
    columns = (
        Column("Model"),
        Column("Network or way"),
        Column("Metric"),
        Column("Mean", kind="number", decimals=3),
        Column("95 % from", kind="number", decimals=3),
        Column("95 % to", kind="number", decimals=3),
        Column("Single trainings"),
    )
    text = (
        f"{found['count']} trainings with different seeds were measured on the same electrodes. The mean and its 95 % "
        "interval (Student's t over the trainings) tell what a training gives; the intervals in the sections above tell how "
        "sure the first training's numbers are, given the electrodes."
    )
    return Section("Several trainings", [text], [], [Table(columns, rows)])
