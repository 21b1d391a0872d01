"""Generated SEI configurations and proposed barriers: what was asked, and what is measured or simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.palette import BLUE, INK, MUTED
from kadi_battgen.plots.sei import draw_configuration, explain_species
from kadi_battgen.plots.style import TICK_SIZE, dress, new_figure, note
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Configurations that are shown, and how many stand side by side.
_SHOWN, _ACROSS = 15, 5


def generated_montage(
    configurations: np.ndarray, asked: Mapping[str, np.ndarray], measured: Mapping[str, np.ndarray], title: str = ""
) -> Figure:
    """Show the best generated configurations with what was asked and what is measured on them.

    Parameters
    ----------
    configurations
        Codes of the species, (N, rows, columns), best first.
    asked, measured
        By observable in its unit, (N,) each; the first observable that was asked for stands above each configuration, the
        thickness where none was.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no configuration.
    """
    count = min(len(configurations), _SHOWN)
    if not count:
        raise ValueError("there is no generated configuration to show.")
    across = min(count, _ACROSS)
    rows = -(-count // across)
    figure = new_figure(0.9 + 1.8 * max(across, 4), 0.9 + 2.0 * rows, title)
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    name = next(iter(asked), "thickness")
    unit = OBSERVABLES[name].unit
    for number, axes in enumerate(panels):
        if number >= count:
            axes.set_axis_off()
            continue
        draw_configuration(axes, configurations[number], labels=False)
        wanted = f"asked {asked[name][number]:.3g}, " if name in asked else ""
        axes.set_title(f"{wanted}has {measured[name][number]:.3g} {unit}", fontsize=TICK_SIZE, color=INK, pad=3)
        axes.set_xlabel("nm" if number >= count - across else "", fontsize=TICK_SIZE, color=INK)
        axes.set_ylabel("Distance / nm" if number % across == 0 else "", fontsize=TICK_SIZE, color=INK)
    explain_species(figure, loc="outside lower center", ncols=4)
    return figure


def asked_and_obtained(
    asked: Mapping[str, np.ndarray],
    obtained: Mapping[str, np.ndarray],
    notes: Mapping[str, str],
    *,
    what: str = "Measured",
    spread: Mapping[str, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """Show obtained over asked values, one panel an observable.

    Parameters
    ----------
    asked, obtained
        By observable in its unit, (N,) each; the panels are those of `asked`.
    notes
        Text in each panel, by observable.
    what
        How the values were obtained, for the vertical axis.
    spread
        Standard deviation of the obtained values, (N,) by observable, shown as bars.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If nothing was asked for.
    """
    if not asked:
        raise ValueError("no observable was asked for: there is nothing to compare.")
    figure = new_figure(max(4.2, 3.3 * len(asked)), 3.5, title)
    panels = figure.subplots(1, len(asked), squeeze=False)[0]
    for axes, (name, wanted) in zip(panels, asked.items(), strict=True):
        values, entry = np.asarray(obtained[name]), OBSERVABLES[name]
        bars = None if spread is None else spread[name]
        low, high = min(wanted.min(), values.min()), max(wanted.max(), values.max())
        pad = 0.07 * max(high - low, 0.05 * abs(high), 1e-6)
        ends = (low - pad, high + pad)
        axes.plot(ends, ends, color=MUTED, linewidth=1.0, linestyle="--", zorder=1)
        axes.errorbar(
            wanted, values, yerr=bars, fmt="o", markersize=4, color=BLUE, alpha=0.6, elinewidth=0.8, markeredgewidth=0
        )
        axes.set(xlim=ends, ylim=ends, aspect="equal")
        lower = f"{entry.label[0].lower()}{entry.label[1:]}"
        dress(axes, xlabel=f"Asked {lower} / {entry.unit}", ylabel=f"{what} / {entry.unit}")
        note(axes, notes.get(name, ""))
    return figure
