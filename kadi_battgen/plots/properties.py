"""Distributions of the functional properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.electrodes.properties import WORKING_IONS, check_property, check_working_ion
from kadi_battgen.plots.palette import INK, ion_colour
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, TICK_SIZE, dress, new_figure, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def property_distributions(values: Mapping[str, np.ndarray], working_ions: Sequence[str], title: str = "") -> Figure:
    """Show how many electrodes each working ion has and how their functional properties spread.

    Every electrode is a point in the row of its working ion; the black bar is the median, the thick line spans the
    middle half. Rare extreme values that would squeeze the rest are not drawn but counted in the panel.

    Parameters
    ----------
    values
        Arrays of shape (electrodes,) by name of the functional property, in its unit; NaN where unknown.
    working_ions
        Working ion of each electrode.
    title
        Title of the figure.

    Raises
    ------
    UserError
        If a property or an ion is not known.
    ValueError
        If there is no electrode or an array has another length.
    """
    ions = np.array([check_working_ion(symbol) for symbol in working_ions])
    present = [symbol for symbol in WORKING_IONS if symbol in set(ions.tolist())]
    if not present or not values:
        raise ValueError("there is no electrode or no property to show.")
    columns = -(-len(values) // 2) if len(values) > 1 else 1
    rows = 2 if len(values) > 1 else 1
    figure = new_figure(2.9 + 2.9 * columns, 0.6 + rows * (1.0 + 0.19 * len(present)), title)
    grid = figure.add_gridspec(rows, columns + 1, width_ratios=[0.8, *[1.0] * columns])

    _counts(figure.add_subplot(grid[:, 0]), ions, present)
    for index, (name, entries) in enumerate(values.items()):
        entries = np.asarray(entries, dtype=np.float64)
        if entries.shape != ions.shape:
            raise ValueError(f"{name} has shape {entries.shape} for {len(ions)} working ions.")
        axes = figure.add_subplot(grid[index // columns, 1 + index % columns])
        _strips(axes, entries, ions, present)
        dress(
            axes, xlabel=check_property(name).axis_label, ylabel="Working ion" if index % columns == 0 else "", grid="x"
        )
        axes.tick_params(axis="y", length=0)
    return figure


def _counts(axes: Axes, ions: np.ndarray, present: list[str]) -> None:
    counts = [int((ions == symbol).sum()) for symbol in present]
    bars = axes.barh(range(len(present)), counts, color=[ion_colour(symbol) for symbol in present], height=0.7)
    axes.bar_label(bars, fontsize=LABEL_SIZE, color=INK, padding=3)
    axes.set_yticks(range(len(present)), present)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    dress(axes, xlabel="Number of electrodes", ylabel="Working ion", title=f"{sum(counts)} electrodes", grid="x")
    axes.tick_params(axis="y", length=0, labelsize=TICK_SIZE + 1)


def _strips(axes: Axes, entries: np.ndarray, ions: np.ndarray, present: list[str]) -> None:
    known = np.isfinite(entries)
    low, high = _focus(entries[known])
    outside = known & ((entries < low) | (entries > high))
    for row, symbol in enumerate(present):
        chosen = known & (ions == symbol)
        points = np.sort(entries[chosen & ~outside])
        # A low-discrepancy sequence spreads the points over the row's height, alike in every run.
        offsets = ((np.arange(len(points)) * 0.6180339887498949) % 1.0 - 0.5) * 0.66
        crowd = float(np.clip(40.0 / max(len(points), 1), 0.2, 1.0))
        axes.scatter(points, row + offsets, s=7, color=ion_colour(symbol), alpha=0.25 + 0.6 * crowd, linewidths=0)
        if chosen.sum() >= 4:
            lower, middle, upper = np.percentile(entries[chosen], (25, 50, 75))
            axes.plot([lower, upper], [row, row], color=INK, linewidth=1.6, solid_capstyle="butt")
            axes.plot([middle, middle], [row - 0.32, row + 0.32], color=INK, linewidth=1.6)
    axes.set_yticks(range(len(present)), present)
    axes.set_ylim(len(present) - 0.5, -0.5)
    pad = 0.03 * (high - low)
    axes.set_xlim(low - pad, high + pad)
    remarks = [f"{int(outside.sum())} beyond the axis"] if outside.any() else []
    remarks += [f"{int((~known).sum())} unknown"] if not known.all() else []
    if remarks:
        note(axes, ", ".join(remarks), x=0.98, y=0.02, above=False)
        axes.texts[-1].set_fontsize(NOTE_SIZE - 0.5)


def _focus(values: np.ndarray) -> tuple[float, float]:
    """Return limits that hold all values but those further than six interquartile ranges from the middle half."""
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    lower, upper = (float(limit) for limit in np.percentile(values, (25, 75)))
    if upper > lower:
        room = 6.0 * (upper - lower)
        low, high = max(low, lower - room), min(high, upper + room)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
