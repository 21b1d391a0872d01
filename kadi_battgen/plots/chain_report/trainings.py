"""The section on the trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kadi_battgen.plots.learning import learning_curves
from kadi_battgen.plots.overview import model_overview
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


def models_section(
    cards: Mapping[str, Mapping[str, Any]], resources: Mapping[str, Mapping[str, Any]] | None = None
) -> Section:
    """Return the section on the models of a folder: what goes in and comes out, their sizes, what their training took.

    Parameters
    ----------
    cards, resources
        Of :func:`kadi_battgen.training.model_card.read_models`.
    """
    chain = {kind: card for kind, card in cards.items() if kind in ("translation", "composition", "screening")}
    figure = ReportFigure(
        model_overview(chain),
        "The models of the folder with what goes into each and what comes out.",
        "Grey boxes are data, coloured ones are computed; numbers are channels x height x width in pixels.",
    )
    rows = []
    for kind, card in cards.items():
        took = (resources or {}).get(kind, {})
        memory = took.get("peak_memory_bytes")
        rows.append(
            (
                kind.replace("_", " "),
                card["parameters"],
                card.get("preset"),
                card.get("device"),
                None if took.get("seconds") is None else took["seconds"] / 60,
                None if memory is None else memory / 2**30,
            )
        )
    columns = (
        Column("Model"),
        Column("Parameters", kind="number"),
        Column("Preset"),
        Column("Device"),
        Column("Training time", unit="min", kind="number", decimals=1),
        Column("Peak memory", unit="GiB", kind="number", decimals=2),
    )
    return Section("Models", [], [figure], [Table(columns, rows)])
