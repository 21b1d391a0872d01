"""What an evaluation says of the translation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.plots.chain_report.metrics import LABELS
from kadi_battgen.plots.images import translation_panel
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table
from kadi_battgen.plots.style import formula_label

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation


def translation_section(evaluation: Evaluation, scale: float, unit: str, pixel_size: float) -> Section:
    """Return the section on the translation."""
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
                f"AFM slices of {title}, its true descriptors, the translated ones and those of the best baseline.",
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
