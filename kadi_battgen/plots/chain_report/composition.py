"""What an evaluation says of compositions read from stacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS, formula_from_vector
from kadi_battgen.metrics.candidates import composition_distance
from kadi_battgen.metrics.regression import working_ion_table
from kadi_battgen.plots.calibration import calibration_figure, reliability_figure
from kadi_battgen.plots.chain_report.metrics import label, metric_table, with_interval
from kadi_battgen.plots.chain_report.thesis import ATOM_REGRESSION, PROTOCOL
from kadi_battgen.plots.composition import composition_parity
from kadi_battgen.plots.ion_counts import ion_count_violins, ion_error_histograms
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation

#: Elements whose counts are shown, and electrodes that are listed as the worst.
_ELEMENTS_SHOWN, _WORST = 12, 10


def composition_section(evaluation: Evaluation) -> Section:
    """Return the section on the composition."""
    metrics = evaluation.metrics["composition"]
    text = (
        "A stack shows the topmost atoms in one orientation, the composition counts all of them: read the presence as the "
        "chance that a material with an element scores above one without it (0.5 is guessing), averaged over elements. "
        f"{_protocol(evaluation)}"
    )
    tables = [_ways(metrics), _formulas(metrics), _working_ions(evaluation), _worst(evaluation)]
    return Section(
        "Composition from AFM",
        [text, PROTOCOL],
        _figures(evaluation),
        [table for table in tables if table is not None],
    )


def _protocol(evaluation: Evaluation) -> str:
    names = {
        "image": "Images of one material are in several parts: a model may recognise the crystal.",
        "composition": "No composition is in two parts: these materials were never seen.",
        "chemical-system": "No chemical system is in two parts: these combinations of elements were never seen.",
    }
    return names.get(str(evaluation.metrics.get("split_rule", "composition")), "")


def _ways(metrics: Mapping[str, Any]) -> Table | None:
    rows = {}
    for name, found in metrics.items():
        if isinstance(found, Mapping) and "overall" in found:
            overall, anions = found["overall"], found.get("anion_class", {})
            row = {**overall, "mean_presence_auc": found.get("mean_presence_auc")}
            row["minimum_common_presence_auc"] = found.get("minimum_common_presence_auc")
            row["anion_accuracy"] = anions.get("accuracy")
            intervals = {**overall.get("intervals", {}), **found.get("intervals", {})}
            if "accuracy" in anions.get("intervals", {}):
                intervals["anion_accuracy"] = anions["intervals"]["accuracy"]
            rows[name] = {**row, "intervals": intervals}
    columns = (
        ("mean_absolute_error", "Mean absolute error", "atoms per formula", 4),
        ("r2", "R²", "", 3),
        ("mean_presence_auc", "Presence, area under the curve", "", 3),
        ("minimum_common_presence_auc", "The same for the common element told worst", "", 3),
        ("anion_accuracy", "O, F, S or P class right", "fraction", 3),
    )
    return metric_table(rows, columns, "Prediction", "All 112 counts. Ranges are 95 % intervals over electrodes.")


def _formulas(metrics: Mapping[str, Any]) -> Table | None:
    """Return how often decoded formulas are right; None where none were decoded."""
    rows = {
        name: found["formula"] for name, found in metrics.items() if isinstance(found, Mapping) and "formula" in found
    }
    columns = (
        ("right_fraction", "Formula right", "fraction", 3),
        ("right_fraction_of_the_surer_half", "The same in the surer half", "fraction", 3),
        ("element_set_right_fraction", "Elements right", "fraction", 3),
        ("charge_balanced_fraction", "Charges balance", "fraction", 3),
        ("mean_confidence_fraction", "Mean confidence", "fraction", 3),
    )
    return metric_table(rows, columns, "Prediction", "Formulas decoded from the predicted counts and presences.")


def _working_ions(evaluation: Evaluation) -> Table:
    """Return the errors of the working ions' counts beside the thesis's (table 4.1)."""
    arrays = evaluation.compositions
    found = evaluation.metrics["composition"].get("regressor_pooled", {}).get("working_ions")
    rows = found or working_ion_table(arrays["true"], arrays["predicted"], _ions(evaluation))
    columns = [Column("Working ion"), Column("Electrodes", kind="number")]
    for where in ("", ", thesis"):
        columns += [
            Column(f"MAE{where}", "atoms", "number", 4),
            Column(f"MSE{where}", "atoms²", "number", 4),
            Column(f"R²{where}", "", "number", 3),
        ]
    cells = [
        (
            row["working_ion"],
            row["samples"],
            *(
                with_interval(row, name, places)
                for name, places in (("mean_absolute_error", 4), ("mean_squared_error", 4), ("r2", 3))
            ),
            *ATOM_REGRESSION.get(row["working_ion"], (None, None, None)),
        )
        for row in rows
    ]
    caption = "Number of atoms of each working ion over all electrodes of the part, beside table 4.1 of the thesis."
    return Table(columns, cells, caption)


def _ions(evaluation: Evaluation) -> list[str]:
    return [str(ion) for ion in evaluation.compositions["working_ions"]]


def _worst(evaluation: Evaluation) -> Table:
    """Return the electrodes whose predicted composition is furthest from the true one."""
    true, predicted = evaluation.compositions["true"], evaluation.compositions["predicted"]
    distances = composition_distance(true, np.clip(predicted, 0, None))
    rows = []
    for index in np.argsort(-distances, kind="stable")[:_WORST]:
        errors = predicted[index] - true[index]
        largest = np.argsort(-np.abs(errors), kind="stable")[:3]
        wrong = ", ".join(f"{ELEMENTS[n]} {errors[n]:+.2f}".replace("-", "−") for n in largest)
        rows.append((formula_from_vector(true[index]), distances[index], wrong))
    columns = (
        Column("Electrode", kind="formula"),
        Column("Atoms to exchange", "fraction", "number", 2),
        Column("Largest errors", "atoms per formula"),
    )
    return Table(columns, rows, "The electrodes whose composition is most wrong, the worst first.")


def _figures(evaluation: Evaluation) -> list[ReportFigure]:
    true, predicted = evaluation.compositions["true"], evaluation.compositions["predicted"]
    occurrence = (true > 0).sum(axis=0)
    order = np.argsort(-occurrence, kind="stable")[:_ELEMENTS_SHOWN]
    figures = [
        ReportFigure(
            composition_parity(true, predicted, [ELEMENTS[index] for index in order if occurrence[index] > 0]),
            "Predicted against true number of atoms per formula unit for the most frequent elements.",
            "Held-out electrodes, predictions averaged over the orientations.",
        ),
        ReportFigure(
            ion_count_violins(true, predicted, _ions(evaluation)),
            "True and predicted numbers of atoms of each working ion, as violins.",
            "Electrodes that work with the ion; thick dashed lines are medians, thin ones quartiles (thesis figure 4.14).",
        ),
        ReportFigure(
            ion_error_histograms(true, predicted),
            "Errors of the predicted number of atoms of each working ion, as histograms.",
            "Predicted minus true number of atoms; the vertical axis is logarithmic above one (thesis figure 4.15).",
        ),
    ]
    ways = {
        label(name): found for name, found in evaluation.metrics["composition"].items() if isinstance(found, Mapping)
    }
    calibration = {name: found["calibration"] for name, found in ways.items() if "calibration" in found}
    reliability = {name: found["reliability"] for name, found in ways.items() if "reliability" in found}
    if calibration:
        figures.append(
            ReportFigure(
                calibration_figure(calibration),
                "Observed against nominal coverage of the predicted intervals.",
                "On the dashed line intervals hold the truth as often as they say.",
            )
        )
    if reliability:
        figures.append(
            ReportFigure(
                reliability_figure(reliability),
                "How often elements are there against the predicted probability.",
                "On the dashed line elements are there as often as predicted; bars are 95 % intervals.",
            )
        )
    return figures
