"""Configurations beside what an autoencoder makes of them (thesis figure 4.1 b and c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.palette import INK
from kadi_battgen.plots.sei import draw_configuration, explain_species
from kadi_battgen.plots.style import LABEL_SIZE, TICK_SIZE, new_figure
from kadi_battgen.sei.observables import observables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reconstruction_figure(true: np.ndarray, shown: np.ndarray, title: str = "") -> Figure:
    """Show configurations in the upper row and their reconstructions below, with volume fraction (ML) and thickness.

    Parameters
    ----------
    true, shown
        Codes of the species, (N, rows, columns) each.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is none, or the shapes differ.
    """
    stacks = [np.asarray(true), np.asarray(shown)]
    if stacks[0].ndim != 3 or not len(stacks[0]) or stacks[0].shape != stacks[1].shape:
        raise ValueError(f"configurations of shapes {stacks[0].shape} and {stacks[1].shape} do not fit together.")
    count = len(stacks[0])
    figure = new_figure(1.1 + 1.6 * max(count, 4), 4.9, title)
    panels = figure.subplots(2, count, squeeze=False)
    for row, stack, name in zip(panels, stacks, ("Simulated", "Reconstructed"), strict=True):
        values = observables(stack)
        for index, panel in enumerate(row):
            draw_configuration(panel, stack[index], labels=False)
            text = f"{values['flux'][index]:.2f} ML, {values['thickness'][index]:.1f} nm"
            panel.set_title(text, fontsize=TICK_SIZE, color=INK, pad=3)
            if index:
                panel.set_yticklabels([])
        row[0].set_ylabel(f"{name}\ndistance / nm", fontsize=LABEL_SIZE, color=INK)
    for panel in panels[-1]:
        panel.set_xlabel("nm", fontsize=TICK_SIZE, color=INK)
    explain_species(figure, loc="outside lower center", ncols=4)
    return figure
