"""Whether predicted intervals and probabilities keep what they promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.plots.palette import INK, MUTED, SERIES
from kadi_battgen.plots.style import NOTE_SIZE, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def calibration_figure(tables: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Show the share of true counts that lie in the predicted intervals against what the intervals promise.

    Full lines count the elements that are there, dotted ones all 112: absent elements are easy.

    Parameters
    ----------
    tables
        Of :func:`kadi_battgen.metrics.calibration.calibration_table`, by what they are called.

    Raises
    ------
    ValueError
        If there is no table.
    """
    figure, axes = _square(bool(tables))
    for (name, table), colour in zip(tables.items(), SERIES, strict=False):
        levels = table["levels"]
        if table["overall_present"] is not None:
            axes.plot(levels, table["overall_present"], "o-", color=colour, label=f"{name}, elements present")
        axes.plot(levels, table["overall"], ":", color=colour, label=f"{name}, all elements")
    dress(axes, xlabel="Nominal coverage (fraction)", ylabel="Observed coverage (fraction)", grid="both")
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK)
    return figure


def reliability_figure(tables: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Show how often an element is there against the probability it was given, with 95 % intervals.

    Parameters
    ----------
    tables
        Of :func:`kadi_battgen.metrics.reliability.reliability_table`, by what they are called.

    Raises
    ------
    ValueError
        If there is no table.
    """
    figure, axes = _square(bool(tables))
    for (name, table), colour in zip(tables.items(), SERIES, strict=False):
        frequency = np.array(table["frequency"])
        ends = np.clip([frequency - table["low"], table["high"] - frequency], 0.0, None)
        label = f"{name}, calibration error {table['calibration_error']:.3f}"
        axes.errorbar(table["probability"], frequency, yerr=ends, fmt="o-", color=colour, markersize=5, label=label)
    dress(axes, xlabel="Predicted probability (fraction)", ylabel="Observed frequency (fraction)", grid="both")
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, loc="upper left")
    return figure


def _square(filled: bool) -> tuple[Figure, Axes]:
    if not filled:
        raise ValueError("there is no table to show.")
    figure = new_figure(4.6, 4.3)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "--", color=MUTED, linewidth=1.0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    return figure, axes
