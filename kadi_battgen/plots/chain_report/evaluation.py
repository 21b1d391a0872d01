"""The sections on what the models are worth, and the numbers to read first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kadi_battgen.plots.chain_report.composition import composition_section
from kadi_battgen.plots.chain_report.dataset import pixel_edge
from kadi_battgen.plots.chain_report.failures import failures_section
from kadi_battgen.plots.chain_report.metrics import label
from kadi_battgen.plots.chain_report.repetitions import trainings_section
from kadi_battgen.plots.chain_report.screening import screening_section
from kadi_battgen.plots.chain_report.translation import translation_section
from kadi_battgen.plots.report import KeyFigure, Section

if TYPE_CHECKING:
    from kadi_battgen.applications.evaluation import Evaluation


def evaluation_sections(evaluation: Evaluation, dataset_path: str | os.PathLike[str]) -> list[Section]:
    """Return the sections on failures, translation, composition and screening, each against its baselines."""
    from kadi_battgen.datasets.store import TrainingDataset

    with TrainingDataset.open(dataset_path) as dataset:
        scale, unit = dataset.stack_scale, dataset.stack_unit
        pixel_size = pixel_edge(dataset.conventions)
    sections = [
        failures_section(evaluation.metrics),
        translation_section(evaluation, scale, unit, pixel_size),
        composition_section(evaluation),
        screening_section(evaluation, pixel_size),
    ]
    repeated = trainings_section(evaluation)
    return sections if repeated is None else [*sections, repeated]


def headline(metrics: Mapping[str, Any]) -> list[KeyFigure]:
    """Return the few numbers of an evaluation that a reader should see first."""
    translation, screening = metrics["translation"], metrics["screening"]
    composition = metrics["composition"].get("regressor_pooled") or metrics["composition"]["training_mean"]
    similarity = {name: scores["grey"]["ssim"] for name, scores in translation.items() if name != "translator"}
    baseline = max(similarity, key=similarity.__getitem__)
    nearest = metrics["composition"].get("nearest_training_image_pooled", {}).get("mean_presence_auc")
    free = screening["unconditional"]
    asked = screening["conditional"]
    return [
        KeyFigure(
            "Similarity of translated grey descriptors",
            round(translation["translator"]["grey"]["ssim"], 3),
            "SSIM",
            f"{label(baseline).removeprefix('Baseline: ')} {similarity[baseline]:.3f}",
        ),
        KeyFigure(
            "Presence of elements from AFM",
            round(composition["mean_presence_auc"] or 0.5, 3),
            "AUC",
            "guessing 0.5" if nearest is None else f"nearest training images {nearest:.3f}",
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
