"""Decoded SEI configurations along walks, and neighbours: rows of lattices with what is measured on them (4.5 to 4.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.palette import INK
from kadi_battgen.plots.sei import draw_configuration, explain_species
from kadi_battgen.plots.style import LABEL_SIZE, TICK_SIZE, new_figure
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kadi_battgen.applications.sei.characterization import Neighbourhood
    from kadi_battgen.applications.sei.walks import Walk


def walk_figure(walks: Sequence[Walk], name: str = "thickness", title: str = "") -> Figure:
    """Show walks, one a row, from their least to their greatest position (figures 4.5 to 4.8).

    Parameters
    ----------
    walks
        At least one walk, all of as many steps.
    name
        Observable that stands above each configuration.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no walk.
    """
    rows = [
        (
            walk.label.replace(" / ", "\n/ "),
            walk.configurations,
            [
                f"at {position:.3g}: {_measured(value, name)}".replace("-", "−")
                for position, value in zip(walk.positions, walk.measured[name], strict=True)
            ],
        )
        for walk in walks
    ]
    return _lattice_rows(rows, title)


def neighbour_figure(neighbourhoods: Sequence[Neighbourhood], name: str = "thickness", title: str = "") -> Figure:
    """Show configurations and their nearest neighbours in the latent space, one neighbourhood a row.

    Parameters
    ----------
    neighbourhoods
        At least one.
    name
        Observable that stands above each configuration.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is none.
    """
    rows = []
    for hood in neighbourhoods:
        stack = np.concatenate([hood.query[None], hood.configurations])
        values = observables(stack)[name]
        found = [f"run {run}: {_measured(value, name)}" for run, value in zip(hood.runs, values[1:], strict=True)]
        rows.append((hood.label.replace(", ", "\n"), stack, [f"asked: {_measured(values[0], name)}", *found]))
    return _lattice_rows(rows, title)


def _measured(value: float, name: str) -> str:
    unit = {"monolayers": "ML", "fraction": ""}.get(OBSERVABLES[name].unit, OBSERVABLES[name].unit)
    return f"{value:.2f} {unit}".strip()


def _lattice_rows(rows: Sequence[tuple[str, np.ndarray, Sequence[str]]], title: str) -> Figure:
    """Show rows of lattices, each with its name at the left and a text above each lattice."""
    if not rows:
        raise ValueError("there is no configuration to show.")
    across = max(len(stack) for _, stack, _ in rows)
    figure = new_figure(1.2 + 1.75 * across, 0.9 + 1.95 * len(rows), title)
    panels = figure.subplots(len(rows), across, squeeze=False)
    for row, (name, stack, texts) in zip(panels, rows, strict=True):
        for axes, configuration, text in zip(row, stack, texts, strict=False):
            draw_configuration(axes, configuration, labels=False)
            axes.set_title(text, fontsize=TICK_SIZE, color=INK, pad=3)
        for axes in row[len(stack) :]:
            axes.set_axis_off()
        for axes in row[1:]:
            axes.set_yticklabels([])
        row[0].set_ylabel(f"{name}\ndistance / nm", fontsize=LABEL_SIZE, color=INK)
    for axes in panels[-1]:
        axes.set_xlabel("nm", fontsize=TICK_SIZE, color=INK)
    explain_species(figure, loc="outside lower center", ncols=4)
    return figure
