"""Predicted against true composition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.electrodes.composition import COMPOSITION_LENGTH, ELEMENT_INDEX
from kadi_battgen.plots.palette import BLUE, MUTED
from kadi_battgen.plots.style import dress, new_figure, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def composition_parity(
    true: np.ndarray,
    predicted: np.ndarray,
    elements: Sequence[str],
    title: str = "",
    count_label: str = "atoms per formula unit",
) -> Figure:
    """Show predicted against true numbers of atoms, one panel an element.

    Each panel tells the mean absolute error and R², which is undefined where the true count never changes.

    Parameters
    ----------
    true, predicted
        Composition vectors, shape (N, 112).
    elements
        Symbols of the elements to show.
    title
        Title of the figure.
    count_label
        Unit of the counts.

    Raises
    ------
    ValueError
        If the shapes do not fit or an element is not known.
    """
    true, predicted = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if true.shape != predicted.shape or true.ndim != 2 or true.shape[1] != COMPOSITION_LENGTH or len(true) == 0:
        raise ValueError(f"compositions have shapes {true.shape} and {predicted.shape}, not both (N, 112) with N > 0.")
    unknown = [symbol for symbol in elements if symbol not in ELEMENT_INDEX]
    if unknown or not elements:
        raise ValueError(f"there is no element to show, or it is not known: {', '.join(unknown)}.")
    across = min(len(elements), 4)
    rows = -(-len(elements) // across)
    figure = new_figure(max(4.0, 2.7 * across + 0.3), 2.7 * rows + 0.3, title)
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    for panel in panels[len(elements) :]:
        panel.remove()
    for index, symbol in enumerate(elements):
        position = ELEMENT_INDEX[symbol]
        _parity(panels[index], true[:, position], predicted[:, position])
        lowest = index + across >= len(elements)
        dress(
            panels[index],
            xlabel=f"True / {count_label}" if lowest else "",
            ylabel=f"Predicted / {count_label}" if index % across == 0 else "",
            title=symbol,
        )
    return figure


def _parity(axes: Axes, true: np.ndarray, predicted: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    low = min(0.0, float(true.min()), float(predicted.min()))
    high = max(1.0, float(true.max()), float(predicted.max()))
    pad = 0.06 * (high - low)
    axes.plot([low - pad, high + pad], [low - pad, high + pad], color=MUTED, linewidth=1.0, linestyle="--", zorder=1)
    opacity = float(np.clip(30.0 / len(true), 0.15, 0.7))
    axes.scatter(true, predicted, s=16, color=BLUE, alpha=opacity, linewidths=0, zorder=2)
    axes.set(xlim=(low - pad, high + pad), ylim=(low - pad, high + pad), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    variance = float(((true - true.mean()) ** 2).sum())
    score = f"{1.0 - float(((true - predicted) ** 2).sum()) / variance:.2f}" if variance > 0 else "undefined"
    note(axes, f"MAE {np.abs(true - predicted).mean():.2f}\nR² {score}".replace("-", "−"))
