"""The section on the trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kadi_battgen.plots.learning import learning_curves
from kadi_battgen.plots.report import Column, ReportFigure, Section, Table


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
