"""Latent spaces of SEI configurations: coloured by properties, side by side, and how their units are used (figure 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.plots.palette import BLUE, IMAGE_COLOURS, INK, MUTED, SERIES
from kadi_battgen.plots.sei_properties import MOST_POINTS
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, TICK_SIZE, dress, new_figure, note
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Points of a map, at most: each is there once a property and latent space.
_MAP_POINTS = 1500


def latent_maps(
    scores: Mapping[str, np.ndarray],
    properties: Mapping[str, np.ndarray],
    ordering: Sequence[Mapping[str, Mapping[str, float | None]]],
    title: str = "",
) -> Figure:
    """Show configurations in the plane of the first two principal components, coloured by each property (figure 4.2).

    One column a latent space and one row a property; both share the colours, which end at the 1 % and 99 % quantiles.

    Parameters
    ----------
    scores
        Coordinates along the principal components, (N, 2 or more), by the title of the latent space.
    properties
        Values in the observable's unit, (N,), by its name.
    ordering
        For each latent space, by property: ``linear_r2_in_plane`` and ``smoothness_in_plane``.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is nothing to show, or numbers differ.
    """
    lengths = {len(table) for table in (*scores.values(), *properties.values())}
    if len(lengths) != 1 or not scores or not properties or len(ordering) != len(scores):
        raise ValueError(
            f"{len(scores)} latent spaces and {len(properties)} properties of {sorted(lengths)} points do not fit."
        )
    figure = new_figure(0.9 + 3.2 * len(scores), 0.6 + 2.5 * len(properties), title)
    panels = figure.subplots(len(properties), len(scores), squeeze=False)
    shown = np.random.default_rng(0).permutation(lengths.pop())[:_MAP_POINTS]
    for row, (name, values) in zip(panels, properties.items(), strict=True):
        ends = np.quantile(values, (0.01, 0.99))
        for axes, (space, table), numbers in zip(row, scores.items(), ordering, strict=True):
            marks = axes.scatter(
                table[shown, 0],
                table[shown, 1] if table.shape[1] > 1 else np.zeros(len(shown)),
                c=values[shown],
                cmap=IMAGE_COLOURS,
                vmin=ends[0],
                vmax=max(ends[1], ends[0] + 1e-9),
                s=5,
                linewidths=0,
            )
            dress(axes, title=space if axes in panels[0] else "")
            linear, smooth = (_number(numbers[name][f"{key}_in_plane"]) for key in ("linear_r2", "smoothness"))
            # Above the points, since these may lie anywhere.
            axes.set_title(f"linear R² {linear}, smoothness {smooth}", fontsize=NOTE_SIZE, color=INK, loc="right")
            if axes in panels[-1]:
                axes.set_xlabel("Principal component 1 / dimensionless", fontsize=LABEL_SIZE, color=INK)
        row[0].set_ylabel("Principal component 2\n/ dimensionless", fontsize=LABEL_SIZE, color=INK)
        bar = figure.colorbar(marks, ax=list(row), pad=0.01, aspect=30)
        bar.set_label(OBSERVABLES[name].axis, fontsize=LABEL_SIZE, color=INK)
        bar.ax.tick_params(labelsize=TICK_SIZE, colors=MUTED, labelcolor=INK)
        bar.outline.set_visible(False)
    return figure


def latent_usage(usages: Mapping[str, Mapping[str, Any]], title: str = "") -> Figure:
    """Show how much each unit of a latent tells, those that tell most first, for one or more latent spaces.

    Parameters
    ----------
    usages
        By the title of the latent space: ``divergence_nat`` by unit, ``active_units``, ``units`` and
        ``effective_dimensions``, as :func:`kadi_battgen.metrics.latent_space.unit_usage` returns them.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is none.
    """
    if not usages:
        raise ValueError("there is no latent space to show.")
    figure = new_figure(6.4, 3.4, title)
    axes = figure.subplots()
    for colour, (space, usage) in zip(SERIES, usages.items(), strict=False):
        values = np.sort(np.maximum(usage["divergence_nat"], 1e-6))[::-1]
        label = (
            f"{space}: {usage['active_units']} of {usage['units']} units active, "
            f"{usage['effective_dimensions']:.1f} effective dimensions"
        )
        axes.plot(
            np.arange(1, len(values) + 1), values, color=colour, marker="o", markersize=3, linewidth=1.4, label=label
        )
    axes.set_yscale("log")
    dress(
        axes, xlabel="Unit of the latent, by rank / dimensionless", ylabel="Divergence from the prior / nat", grid="y"
    )
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, loc="lower left")
    return figure


def component_trends(scores: np.ndarray, values: np.ndarray, name: str, title: str = "") -> Figure:
    """Show a property over each principal component.

    Parameters
    ----------
    scores
        (N, components).
    values
        In the observable's unit, (N,).
    name
        Name of the observable.
    title
        Title of the figure.
    """
    figure = new_figure(0.8 + 2.7 * scores.shape[1], 2.9, title)
    panels = figure.subplots(1, scores.shape[1], squeeze=False, sharey=True)[0]
    shown = np.random.default_rng(0).permutation(len(scores))[:MOST_POINTS]
    for number, axes in enumerate(panels):
        axes.scatter(scores[shown, number], values[shown], s=5, color=BLUE, alpha=0.35, linewidths=0, rasterized=True)
        related = (
            abs(np.corrcoef(scores[:, number], values)[0, 1]) if np.ptp(scores[:, number]) * np.ptp(values) > 0 else 0.0
        )
        dress(
            axes,
            xlabel=f"Principal component {number + 1} / dimensionless",
            ylabel=OBSERVABLES[name].axis if number == 0 else "",
        )
        note(axes, f"|correlation| {related:.2f}")
    return figure


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")
