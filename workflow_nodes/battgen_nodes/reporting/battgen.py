"""Sections on trainings, evaluations and screenings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.errors import UserError
from kadi_battgen.plots import chain_report
from kadi_battgen.plots.report import KeyFigure, Section

if TYPE_CHECKING:
    from pathlib import Path

    from battgen_nodes.reporting.chain import Step


def screening_sections(step: Step) -> list[Section]:
    """Return the section on the candidates of a screening."""
    from kadi_battgen.applications.screening.candidate_files import read_candidate_images

    (table,) = step.results(".csv")
    images = step.results(".h5")
    if not images:
        return [chain_report.candidates_section(table, None)]
    descriptors, target, conventions = read_candidate_images(images[0])
    return [chain_report.candidates_section(table, descriptors, target, chain_report.pixel_edge(conventions))]


def evaluation_sections(step: Step) -> list[Section]:
    """Return the sections on what the models are worth."""
    from kadi_battgen.applications.evaluation import Evaluation

    dataset = step.used("dataset")
    if dataset is None:
        raise UserError(f"{step.record.identifier} does not say on what it was measured.")
    return chain_report.evaluation_sections(Evaluation.load(_measured(step)), dataset)


def key_figures(step: Step) -> list[KeyFigure]:
    """Return the few numbers of an evaluation that a reader should see first."""
    from kadi_battgen.files import read_json

    return chain_report.headline(read_json(_measured(step) / "metrics.json"))


def training_sections(*steps: Step) -> list[Section]:
    """Return the section on all trainings of a chain."""
    from kadi_battgen.files import read_json
    from kadi_battgen.training.history import read_history

    cards, histories = {}, {}
    for folder in (folder for step in reversed(steps) for folder in step.folders()):
        cards[folder.name] = read_json(folder / "card.json")
        histories[folder.name] = read_history(folder / "metrics.csv")
    return [chain_report.training_section(histories, cards)]


def _measured(step: Step) -> Path:
    return step.folders()[0]
