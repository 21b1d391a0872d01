"""Properties of SEI configurations: predicted against true, and how they go together (thesis figures 4.3 and 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.plots.palette import BLUE, INK, MUTED, VERMILION
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, TICK_SIZE, dress, new_figure, note
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Points of a scatter plot, at most: more only thicken it.
MOST_POINTS = 3000


def property_parity(
    true: Mapping[str, np.ndarray],
    predicted: Mapping[str, np.ndarray],
    low: Mapping[str, np.ndarray],
    high: Mapping[str, np.ndarray],
    metrics: Mapping[str, Mapping[str, Any]],
    title: str = "",
) -> Figure:
    """Show predicted against true properties with their 90 % intervals, one panel a property (figure 4.3).

    Parameters
    ----------
    true, predicted, low, high
        Values and ends of intervals in the observable's unit, (N,) each, by its name; the panels are those of `predicted`.
    metrics
        By property ``r2`` (None where it is undefined), ``mean_absolute_error`` and ``coverage_90``, a fraction.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is nothing to show.
    """
    if not predicted:
        raise ValueError("there is no predicted property to show.")
    figure = new_figure(max(4.4, 3.1 * len(predicted)), 3.5 if title else 3.2, title)
    panels = figure.subplots(1, len(predicted), squeeze=False)[0]
    for axes, name in zip(panels, predicted, strict=True):
        x, y = np.asarray(true[name]), np.asarray(predicted[name])
        shown = _spread_out(len(x))
        smallest, largest = min(x.min(), y.min()), max(x.max(), y.max())
        pad = 0.05 * max(largest - smallest, 1e-9)
        ends = (smallest - pad, largest + pad)
        # Intervals may turn around where an ensemble is of one mind: an error bar is never negative.
        bars = np.maximum([y[shown] - low[name][shown], high[name][shown] - y[shown]], 0.0)
        axes.errorbar(
            x[shown],
            y[shown],
            yerr=bars,
            fmt="none",
            ecolor=BLUE,
            elinewidth=0.5,
            alpha=0.12,
            zorder=1,
            rasterized=True,
        )
        axes.scatter(x[shown], y[shown], s=7, color=BLUE, alpha=0.45, linewidths=0, zorder=2, rasterized=True)
        axes.plot(ends, ends, color=INK, linewidth=0.9, linestyle="--", zorder=3)
        axes.set(xlim=ends, ylim=ends, aspect="equal")
        entry, numbers = OBSERVABLES[name], metrics[name]
        dress(axes, xlabel=f"True {entry.axis[0].lower()}{entry.axis[1:]}", ylabel=f"Predicted / {entry.unit}")
        score = "undefined" if numbers["r2"] is None else f"{numbers['r2']:.4f}"
        error, held = f"{numbers['mean_absolute_error']:.3g} {entry.unit}", f"{numbers['coverage_90']:.1%}"
        note(axes, f"R² {score}\nMAE {error}\n90 % intervals hold {held}")
    return figure


def correlation_heatmap(correlations: Mapping[str, Mapping[str, float | None]], title: str = "") -> Figure:
    """Show the correlation of each pair of observables (figure 4.4).

    Parameters
    ----------
    correlations
        Pearson's correlation by the names of the two; None where it is undefined.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no observable.
    """
    names = list(correlations)
    if not names:
        raise ValueError("there is no observable whose correlations could be shown.")
    table = np.array(
        [[np.nan if (value := correlations[one][other]) is None else value for other in names] for one in names]
    )
    figure = new_figure(2.6 + 0.62 * len(names), 1.9 + 0.55 * len(names), title)
    axes = figure.subplots()
    # Blue over white to orange: apart for colour-blind readers, and white where nothing goes together.
    image = axes.imshow(np.ma.masked_invalid(table), cmap=_diverging(), vmin=-1.0, vmax=1.0)
    labels = [OBSERVABLES[name].label for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=40, ha="right", rotation_mode="anchor", fontsize=TICK_SIZE)
    axes.set_yticks(range(len(names)), labels, fontsize=TICK_SIZE)
    axes.tick_params(length=0, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for (row, column), value in np.ndenumerate(table):
        # No minus before a zero.
        text = "–" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
        colour = "white" if value < -0.75 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=NOTE_SIZE, color=colour)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("Pearson correlation / dimensionless", fontsize=LABEL_SIZE, color=INK)
    bar.ax.tick_params(labelsize=TICK_SIZE, colors=MUTED, labelcolor=INK)
    bar.outline.set_visible(False)
    return figure


def _diverging() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("blue-white-orange", [BLUE, "#FFFFFF", VERMILION])


def _spread_out(count: int) -> np.ndarray:
    """Return positions of at most ``MOST_POINTS`` points, at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))
