"""What an evaluation says of the screening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.plots.chain_report.metrics import LABELS
from kadi_battgen.plots.report import Column, Section, Table

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation


def screening_section(evaluation: Evaluation) -> Section:
    """Return the section on the screening."""
    metrics = evaluation.metrics["screening"]
    keys = (
        ("working_ion_present_fraction", "Asked ion present"),
        ("capacity_within_15_percent_fraction", "Capacity within 15 %"),
        ("capacity_of_all_ions_within_15_percent_fraction", "The same if all ions leave"),
        ("met_and_novel_fraction", "Ion and capacity met by a new formula"),
        ("charge_balanced_fraction", "Charges balance"),
        ("median_capacity_error_fraction", "Median capacity error"),
        ("mean_composition_distance_fraction", "Distance to the held-out formula"),
        ("novel_fraction", "Not in the training part"),
        ("unique_fraction", "Distinct formulas"),
    )
    rows = [(LABELS[name], *(m[key] for key, _ in keys)) for name, m in metrics.items()]
    columns = (Column("Way"), *(Column(label, unit="fraction", kind="number", decimals=2) for _, label in keys))
    text = (
        "Each held-out electrode's working ion and six functional properties were given as a target, and one candidate was "
        "generated for each. The capacity that follows from the candidate's formula and from the generated share of its ions "
        "that leaves is compared with the electrode's."
    )
    return Section("Screening of held-out targets", [text], [], [Table(columns, rows)])
