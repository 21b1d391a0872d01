"""What an evaluation says of the translation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kadi_battgen.plots.chain_report.metrics import metric_table
from kadi_battgen.plots.chain_report.thesis import FID
from kadi_battgen.plots.images import translation_panel
from kadi_battgen.plots.paired import paired_descriptors
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table
from kadi_battgen.plots.style import formula_label

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation

_GROUPS = {"grey": "Grey descriptors", "type_map": "Type map"}
_SCORES = (
    ("mean_absolute_error", "Mean absolute error", "", 3),
    ("ssim", "SSIM", "", 3),
    ("psnr_db", "PSNR", "dB", 1),
    ("class_accuracy", "Atom class right", "fraction", 3),
)
_CLASS_SCORES = ("accuracy", "recall", "precision", "share")


def translation_section(evaluation: Evaluation, scale: float, unit: str, pixel_size: float) -> Section:
    """Return the section on the translation."""
    examples, metrics = evaluation.examples, evaluation.metrics["translation"]
    titles = [_title(title) for title in examples["titles"]]
    figures = [translated_figure(evaluation, pixel_size)]
    for number, title in enumerate(titles):
        baseline = examples["baseline"]
        figures.append(
            ReportFigure(
                translation_panel(
                    examples["stack"][number] * scale,
                    examples["truth"][number],
                    examples["prediction"][number],
                    None if baseline is None else baseline[number],
                    title=title,
                    pixel_size=pixel_size,
                    stack_label=f"Frequency shift / {unit}",
                ),
                f"AFM slices of {examples['titles'][number]}, its true descriptors, the translated ones and a baseline's.",
                f"Held-out electrode {title}.",
            )
        )
    text = (
        f"Measured on {evaluation.metrics['samples']} stacks of {evaluation.metrics['electrodes']} electrodes of the "
        f"{evaluation.metrics['part']} part. Images are scaled to [0, 1]; grey stands for height map, van der Waals "
        "spheres and atomic disks; the atom class is that of pixels on atoms. Ranges in brackets are 95 % confidence "
        "intervals over electrodes. Shown are a good, a typical and the worst translations, ordered by their error."
    )
    tables = [_scores(metrics, group) for group in _GROUPS]
    tables += [_distributions(metrics, group) for group in _GROUPS]
    tables += [_classes(metrics), _worst(metrics["translator"])]
    remark = (
        "Distances between distributions depend on the feature network in their name, and FID on the number of images: the "
        f"thesis's {FID['grey']} (grey) and {FID['type_map']} (type map) are with Inception features and compare with "
        "columns named inception_v3_fid alone."
    )
    return Section(
        "Translation of AFM stacks", [text, remark], figures, [table for table in tables if table is not None]
    )


def translated_figure(evaluation: Evaluation, pixel_size: float) -> ReportFigure:
    """Return the figure of true and translated descriptors side by side."""
    examples = evaluation.examples
    titles = [_title(title).replace(" (", "\n(") for title in examples["titles"]]
    return ReportFigure(
        paired_descriptors(examples["truth"], examples["prediction"], titles, ("Truth", "Translated"), pixel_size),
        f"True and translated descriptors of {', '.join(examples['titles'])}.",
        "True and translated descriptors of held-out electrodes, from a good one to the worst.",
    )


def _title(title: str) -> str:
    formula, _, rest = title.partition(" ")
    return f"{formula_label(formula)} {rest}".strip()


def _scores(metrics: Mapping[str, Any], group: str) -> Table | None:
    rows = {name: found[group] for name, found in metrics.items() if group in found}
    extra = [name for name in _names(rows) if name.startswith("perceptual_")]
    columns = [*_SCORES, *((name, name.replace("_", " ").capitalize(), "", 3) for name in extra)]
    return metric_table(rows, columns, "Network", f"{_GROUPS[group]}: error and similarity.")


def _distributions(metrics: Mapping[str, Any], group: str) -> Table | None:
    rows = {name: found[group] for name, found in metrics.items() if group in found}
    names = [name for name in _names(rows) if name.startswith(("fid_", "kid_", "inception_score_"))]
    columns = [(name, _metric_label(name), "", 4 if name.startswith("kid") else 2) for name in names]
    return metric_table(rows, columns, "Network", f"{_GROUPS[group]}: distance between the distributions of images.")


def _names(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for group in rows.values() for name in group))


def _metric_label(name: str) -> str:
    for prefix, words in (("fid_", "FID"), ("kid_", "KID"), ("inception_score_", "Inception score")):
        if name.startswith(prefix):
            return f"{words}, {name.removeprefix(prefix).replace('_', ' ')}"
    return name


def _classes(metrics: Mapping[str, Any]) -> Table | None:
    """Return how well the translator tells each class of the type map; None where that was not measured."""
    found = metrics["translator"].get("class_scores")
    if not found:
        return None
    columns = [Column("Channel"), *(Column(n.capitalize(), "fraction", "number", 3) for n in _CLASS_SCORES)]
    rows = [(name.replace("_", " "), *(scores.get(score) for score in _CLASS_SCORES)) for name, scores in found.items()]
    return Table(columns, rows, "Type map of the translator by channel, over pixels on atoms.")


def _worst(metrics: Mapping[str, Any]) -> Table | None:
    cases = metrics.get("worst_cases")
    if not cases:
        return None
    columns = [
        Column("Electrode", kind="code"),
        Column("Formula", kind="formula"),
        Column("Orientation", kind="number"),
    ]
    for words in _GROUPS.values():
        columns += [
            Column(f"{words}: mean absolute error", kind="number", decimals=3),
            Column(f"{words}: SSIM", kind="number", decimals=3),
        ]
    rows = [
        (
            case["electrode"],
            case["formula"],
            case["orientation_rank"],
            *(case[group][score] for group in _GROUPS for score in ("mean_absolute_error", "ssim")),
        )
        for case in cases
    ]
    return Table(columns, rows, "The stacks that the translator gets most wrong, the worst first.")
