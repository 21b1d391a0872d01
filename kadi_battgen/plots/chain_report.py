"""The sections of the BattGen report: inputs, data set, learning curves, results, candidates."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.plots.candidates import candidates_figure
from kadi_battgen.plots.composition import composition_parity
from kadi_battgen.plots.images import candidate_images, translation_panel
from kadi_battgen.plots.learning import learning_curves
from kadi_battgen.plots.properties import property_distributions
from kadi_battgen.plots.report import Column, KeyFigure, ReportFigure, Section, Table
from kadi_battgen.plots.style import formula_label

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation
    from kadi_battgen.datasets.store import TrainingDataset
    from kadi_battgen.electrodes.collection import ElectrodeCollection

#: How the networks and baselines are called in tables.
LABELS = {
    "translator": "Translator (variational autoencoder with discriminators)",
    "l1_baseline": "Baseline: U-Net trained with L1 alone",
    "training_mean": "Baseline: training mean",
    "regressor_per_stack": "Composition regressor, one stack",
    "regressor_pooled": "Composition regressor, orientations pooled",
    "conditional": "Screening model, formula from the composition latent",
    "conditional_from_image_latent": "Screening model, formula regressed from the image latent (thesis)",
    "unconditional": "Baseline: same model without conditions",
}

#: Units of the metrics by the last part of their name; all others are pure numbers.
_UNITS = {"psnr_db": "dB"}


def flat_metrics(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of every number in nested metrics; names are joined with dots."""
    for name, value in metrics.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping):
            yield from flat_metrics(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value), _UNITS.get(name, "1")


def pixel_edge(conventions: Mapping[str, Any]) -> float:
    """Return the edge of a pixel in Angstrom from the conventions that are stored with images."""
    return float(conventions["pixel_size"]["value"])


def electrode_section(collection: ElectrodeCollection) -> Section:
    """Return the section on the electrodes: where they come from, how many, how their properties spread."""
    electrodes = collection.electrodes
    values = {name: np.array([getattr(e.properties, name) for e in electrodes]) for name in FUNCTIONAL_PROPERTIES}
    ions = [electrode.working_ion for electrode in electrodes]
    methods = sorted({(e.source, e.method) for e in electrodes})
    rows = [
        (source, method, sum((e.source, e.method) == (source, method) for e in electrodes))
        for source, method in methods
    ]
    figure = ReportFigure(
        property_distributions(values, ions),
        "Number of electrodes per working ion and the spread of the six functional properties.",
        "Each point is an electrode. Capacities and energies refer to the discharged phase.",
    )
    counts = ", ".join(f"{ion} {count}" for ion, count in collection.counts().items() if count)
    table = Table(
        (Column("Source"), Column("How the energies were obtained"), Column("Electrodes", kind="number")),
        rows,
        "These are computed values, not experiments; the data card of the set states their errors.",
    )
    return Section("Electrodes", [f"{len(electrodes)} electrodes: {counts}."], [figure], [table])


def dataset_section(dataset: TrainingDataset) -> Section:
    """Return the section on the data set: size, split, scales and the conventions of the simulation."""
    owners = dataset.column("electrode_index")
    rows = []
    for part in ("training", "validation", "test"):
        indices = dataset.indices(part)
        rows.append((part, len(indices), len(np.unique(owners[indices]))))
    scaling = dataset.conditions_scaling
    ranges = [
        (FUNCTIONAL_PROPERTIES[name].label, unit, low, high)
        for name, unit, low, high in zip(scaling.names, scaling.units, scaling.minimum, scaling.maximum, strict=True)
    ]
    conventions = [(name.replace("_", " "), text) for name, text in _readable(dataset.conventions)]
    return Section(
        "Data set",
        [
            "No composition is in two parts of the split, so the test part holds materials that no training has seen.",
            f"Stacks are divided by one scale, {dataset.stack_scale:.4g} {dataset.stack_unit}, so that forces compare "
            "between slices and materials.",
        ],
        [],
        [
            Table(
                (Column("Part"), Column("Stacks", kind="number"), Column("Electrodes", kind="number")), rows, "Split."
            ),
            Table(
                (
                    Column("Property"),
                    Column("Unit"),
                    Column("0 means", kind="number"),
                    Column("1 means", kind="number"),
                ),
                ranges,
                "Scaling of the conditions, taken from the training part.",
            ),
            Table((Column("Convention"), Column("Value")), conventions, "Conventions of the AFM simulation."),
        ],
    )


def training_section(
    histories: Mapping[str, Mapping[str, list[float]]], cards: Mapping[str, Mapping[str, Any]]
) -> Section:
    """Return the section on the trainings: learning curves and sizes."""
    rows = [
        (name, card["parameters"], len(histories[name]["epoch"]), int(card["best"]["epoch"]), card["seed"])
        for name, card in cards.items()
    ]
    figure = ReportFigure(
        learning_curves(histories),
        "Training and validation loss of each model over its epochs.",
        "The weights of the epoch with the lowest validation loss are kept.",
    )
    head = ("Model", "Parameters", "Epochs", "Best epoch", "Seed")
    columns = tuple(Column(label, kind="text" if label == "Model" else "number") for label in head)
    return Section("Trainings", [], [figure], [Table(columns, rows)])


def evaluation_sections(evaluation: Evaluation, dataset_path: str | os.PathLike[str]) -> list[Section]:
    """Return the sections on translation, composition and screening, each against its baselines."""
    from kadi_battgen.datasets.store import TrainingDataset

    with TrainingDataset.open(dataset_path) as dataset:
        scale, unit = dataset.stack_scale, dataset.stack_unit
        pixel_size = pixel_edge(dataset.conventions)
    return [
        _translation_section(evaluation, scale, unit, pixel_size),
        _composition_section(evaluation),
        _screening_section(evaluation),
    ]


def _translation_section(evaluation: Evaluation, scale: float, unit: str, pixel_size: float) -> Section:
    examples, metrics = evaluation.examples, evaluation.metrics["translation"]
    figures = []
    for number, title in enumerate(examples["titles"]):
        baseline = examples["baseline"]
        figures.append(
            ReportFigure(
                translation_panel(
                    examples["stack"][number] * scale,
                    examples["truth"][number],
                    examples["prediction"][number],
                    None if baseline is None else baseline[number],
                    title=formula_label(title.split(" ")[0]) + " " + " ".join(title.split(" ")[1:]),
                    pixel_size=pixel_size,
                    stack_label=f"Frequency shift / {unit}",
                ),
                f"AFM slices of {title}, its true descriptors, the translated ones and those of the L1 baseline.",
                f"Held-out electrode {title}.",
            )
        )
    rows = []
    for name, groups in metrics.items():
        grey, colour = groups["grey"], groups["type_map"]
        rows.append(
            (
                LABELS[name],
                *(group[key] for key in ("mean_absolute_error", "ssim", "psnr_db") for group in (grey, colour)),
                colour["class_accuracy"],
            )
        )
    head = ("MAE grey", "MAE type map", "SSIM grey", "SSIM type map", "PSNR grey", "PSNR type map", "Atom class right")
    columns = [Column("Network")] + [
        Column(label, unit="dB" if "PSNR" in label else "", kind="number", decimals=1 if "PSNR" in label else 3)
        for label in head
    ]
    text = (
        f"Measured on {evaluation.metrics['samples']} stacks of {evaluation.metrics['electrodes']} electrodes of the "
        f"{evaluation.metrics['part']} part. Images are scaled to [0, 1]; grey stands for height map, van der Waals "
        "spheres and atomic disks; the last column is the fraction of pixels on atoms whose class (colour) is right. "
        "Shown are a good, a typical and the worst translation, ordered by their error."
    )
    return Section("Translation of AFM stacks", [text], figures, [Table(tuple(columns), rows)])


def _composition_section(evaluation: Evaluation) -> Section:
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


def _screening_section(evaluation: Evaluation) -> Section:
    metrics = evaluation.metrics["screening"]
    keys = (
        ("working_ion_present_fraction", "Asked ion present"),
        ("capacity_within_15_percent_fraction", "Capacity within 15 %"),
        ("median_capacity_error_fraction", "Median capacity error"),
        ("mean_composition_distance_fraction", "Distance to the held-out formula"),
        ("novel_fraction", "Not in the training part"),
        ("unique_fraction", "Distinct formulas"),
    )
    rows = [(LABELS[name], *(m[key] for key, _ in keys)) for name, m in metrics.items()]
    columns = (Column("Way"), *(Column(label, unit="fraction", kind="number", decimals=2) for _, label in keys))
    text = (
        "Each held-out electrode's working ion and six functional properties were given as a target, and one candidate was "
        "generated for each. Compared is the capacity that follows from the candidate's formula with the electrode's."
    )
    return Section("Screening of held-out targets", [text], [], [Table(columns, rows)])


def candidates_section(
    table: str | os.PathLike[str], images: np.ndarray, target: Mapping[str, str], pixel_size: float | None = None
) -> Section:
    """Return the section on the ranked candidates of a ``candidates.csv`` with their generated descriptors.

    Parameters
    ----------
    table
        The CSV file of ``battgen screen``.
    images
        Scaled descriptors in the order of the table, (candidates, 6, H, W).
    target
        What was asked, as texts with units.
    pixel_size
        Edge of a pixel in Angstrom.
    """
    with open(table, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    voltage, capacity = (FUNCTIONAL_PROPERTIES[n].column for n in ("average_voltage", "gravimetric_capacity"))
    columns = (
        Column("Rank", kind="number"),
        Column("Formula", kind="formula"),
        Column("Ion present"),
        Column("Charges balance"),
        Column("Miss of the target", unit="fraction", kind="number", decimals=3),
        Column("Capacity by formula", unit="mAh/g", kind="number", decimals=1),
        Column("Nearest known", kind="formula"),
        Column("Its distance", unit="fraction", kind="number", decimals=2),
        Column("Its voltage", unit="V", kind="number", decimals=2),
        Column("Its capacity", unit="mAh/g", kind="number", decimals=1),
        Column("Seed", kind="code"),
    )
    cells = [
        (
            int(row["rank"]),
            row["formula"],
            "yes" if row["working_ion_present"] == "True" else "no",
            "yes" if row["charge_balanced"] == "True" else "no",
            float(row["target_miss_fraction"]),
            float(row["theoretical_gravimetric_capacity_mAh_per_g"]),
            row["nearest_known_formula"],
            float(row["nearest_known_distance_fraction"]),
            float(row[f"nearest_known_{voltage}"]),
            float(row[f"nearest_known_{capacity}"]),
            row["seed"],
        )
        for row in rows
    ]
    top = min(6, len(rows))
    figures = [
        ReportFigure(
            candidates_figure(rows, target),
            "Asked and obtained gravimetric capacity of each candidate, and its distance to the nearest known electrode.",
        ),
        ReportFigure(
            candidate_images(images[:top], [row["formula"] for row in rows[:top]], pixel_size),
            "Generated height map, van der Waals spheres, atomic disks and type map of the best candidates.",
            "Descriptors generated together with the formulas.",
        ),
    ]
    wanted = "; ".join(f"{name.replace('_', ' ')} {text}" for name, text in target.items())
    text = (
        f"Target: {wanted}. First come candidates that hold the working ion, then those whose charges balance, then the "
        "smaller miss of the target (capacity by the candidate's own formula, the other properties by its nearest known "
        "electrode), then the smaller distance to a known electrode. Candidates are proposals for a closer look, not "
        "predictions of stability."
    )
    return Section("Candidates", [text], figures, [Table(columns, cells, "All candidates.")])


def headline(metrics: Mapping[str, Any]) -> list[KeyFigure]:
    """Return the few numbers of an evaluation that a reader should see first."""
    translation, screening = metrics["translation"], metrics["screening"]
    composition = metrics["composition"].get("regressor_pooled") or metrics["composition"]["training_mean"]
    baseline = translation.get("l1_baseline", translation["training_mean"])
    free = screening["unconditional"]
    asked = screening["conditional"]
    return [
        KeyFigure(
            "Similarity of translated grey descriptors",
            round(translation["translator"]["grey"]["ssim"], 3),
            "SSIM",
            f"L1 baseline {baseline['grey']['ssim']:.3f}",
        ),
        KeyFigure(
            "Presence of elements from AFM",
            round(composition["mean_presence_auc"] or 0.5, 3),
            "AUC",
            "guessing 0.5",
        ),
        KeyFigure(
            "Asked working ion in the candidate",
            round(asked["working_ion_present_fraction"], 2),
            "fraction",
            f"without conditions {free['working_ion_present_fraction']:.2f}",
        ),
        KeyFigure(
            "Asked capacity met within 15 %",
            round(asked["capacity_within_15_percent_fraction"], 2),
            "fraction",
            f"without conditions {free['capacity_within_15_percent_fraction']:.2f}",
        ),
    ]


def _readable(conventions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those conventions that are a text, a number with its unit, or a range of heights."""
    for name, value in conventions.items():
        if isinstance(value, str | int | float):
            yield name, str(value)
        elif isinstance(value, Mapping) and "unit" in value and "value" in value:
            yield name, f"{value['value']:.4g} {value['unit']}"
        elif isinstance(value, Mapping) and "unit" in value and "values" in value:
            first, last = value["values"][0], value["values"][-1]
            yield name, f"{len(value['values'])} from {first:g} to {last:g} {value['unit']}"
        elif isinstance(value, Mapping) and "name" in value:
            yield name, str(value["name"])
