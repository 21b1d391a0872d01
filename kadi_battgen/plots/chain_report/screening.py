"""What an evaluation says of the screening."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.plots.chain_report.metrics import metric_table
from kadi_battgen.plots.paired import paired_descriptors
from kadi_battgen.plots.report import ReportFigure, Section
from kadi_battgen.plots.style import formula_label

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation

_COLUMNS = tuple(
    (name, label, "fraction", 2)
    for name, label in (
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
)


def screening_section(evaluation: Evaluation, pixel_size: float | None = None) -> Section:
    """Return the section on the screening."""
    table = metric_table(
        evaluation.metrics["screening"], _COLUMNS, "Way", "Ranges are 95 % confidence intervals over the targets."
    )
    text = (
        "Each held-out electrode's working ion and six functional properties were given as a target, and one candidate was "
        "generated for each. The capacity that follows from the candidate's formula and from the generated share of its ions "
        "that leaves is compared with the electrode's."
    )
    figures = [screened_figure(evaluation, pixel_size)] if evaluation.screened.get("titles") else []
    return Section("Screening of held-out targets", [text], figures, [table] if table is not None else [])


def screened_figure(evaluation: Evaluation, pixel_size: float | None = None) -> ReportFigure:
    """Return the figure of held-out targets beside what was generated for them."""
    screened = evaluation.screened
    return ReportFigure(
        paired_descriptors(
            screened["truth"],
            screened["generated"],
            [" ".join(map(formula_label, title.split())).replace(", ", ",\n") for title in screened["titles"]],
            ("Held-out electrode", "Generated"),
            pixel_size,
        ),
        f"Descriptors of held-out electrodes beside generated ones: {'; '.join(screened['titles'])}.",
        "From the target whose capacity was met best to the one met worst (thesis figure 4.12). Another orientation "
        "and another place on the surface are as good an answer: images are to be alike in kind, not pixel by pixel.",
    )
