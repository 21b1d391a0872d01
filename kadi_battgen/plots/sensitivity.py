"""Sensitivity of generated outputs to each condition (thesis figure 4.13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.plots.palette import BLUE, INK, MUTED, VERMILION
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, dress, new_figure, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TITLES = {
    "descriptors": ("Generated descriptors", "Root-mean-square change\n(descriptors scaled to 0 to 1)"),
    "composition": ("Generated composition", "L2 change of the atomic fractions\n(fraction)"),
}
_DIRECTIONS = (("increase", "condition raised", VERMILION, "^"), ("decrease", "condition lowered", BLUE, "v"))


def sensitivity_figure(rows: Sequence[Mapping[str, Any]], perturbation: float = 0.05, title: str = "") -> Figure:
    """Show how far each output moves when one condition changes, the most influential condition on top.

    The bar is the mean change and the black line its confidence interval over electrodes and noise seeds; triangles show the
    changes when the condition rises and falls, with theirs.

    Parameters
    ----------
    rows
        Rows of :meth:`kadi_battgen.applications.sensitivity_analysis.SensitivityStudy.rows`.
    perturbation
        Step on the normalised scale, for the text.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no row or a row lacks a value.
    """
    outputs = list(dict.fromkeys(str(row.get("output")) for row in rows))
    needed = ("condition", "l2_change", "change_low", "change_high")
    if not rows or any(name not in row or row[name] is None for row in rows for name in needed):
        raise ValueError("there is no sensitivity to show, or a row lacks a value.")
    most = max(sum(row["output"] == output for row in rows) for output in outputs)
    figure = new_figure(0.8 + 4.6 * len(outputs), 1.7 + 0.42 * most, title)
    panels = figure.subplots(1, len(outputs), squeeze=False)[0]
    for panel, output in zip(panels, outputs, strict=True):
        _bars(panel, [row for row in rows if row["output"] == output], output)
    handles, labels = panels[0].get_legend_handles_labels()
    step = f"by {perturbation:g} of its normalised range"
    figure.legend(
        handles,
        [f"{label} {step}" if "condition" in label else label for label in labels],
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=NOTE_SIZE,
        labelcolor=INK,
    )
    return figure


def condition_label(name: str) -> str:
    """Return a condition's name for an axis."""
    return FUNCTIONAL_PROPERTIES[name].label if name in FUNCTIONAL_PROPERTIES else name.replace("_", " ").capitalize()


def _bars(axes: Axes, rows: Sequence[Mapping[str, Any]], output: str) -> None:
    ordered = sorted(rows, key=lambda row: -float(row["l2_change"]))
    places = np.arange(len(ordered))
    centre = np.array([float(row["l2_change"]) for row in ordered])
    ends = np.array([[float(row["change_low"]), float(row["change_high"])] for row in ordered]).T
    axes.barh(places, centre, height=0.62, color=MUTED, alpha=0.35, label="mean of all changes")
    axes.errorbar(centre, places, xerr=_lengths(centre, ends), fmt="none", ecolor=INK, elinewidth=1.4, capsize=3)
    for (name, label, colour, marker), offset in zip(_DIRECTIONS, (-0.2, 0.2), strict=True):
        known = [n for n, row in enumerate(ordered) if row.get(f"l2_{name}") not in (None, "")]
        if known:
            values = np.array([float(ordered[n][f"l2_{name}"]) for n in known])
            limits = np.array([[float(ordered[n][f"{name}_{end}"]) for n in known] for end in ("low", "high")])
            axes.errorbar(
                values,
                places[known] + offset,
                xerr=_lengths(values, limits),
                fmt=marker,
                color=colour,
                markersize=5,
                elinewidth=1.0,
                label=label,
            )
    axes.set_yticks(places, [condition_label(str(row["condition"])) for row in ordered], fontsize=LABEL_SIZE)
    axes.set_ylim(len(ordered) - 0.4, -0.6)
    axes.set_xlim(left=0)
    heading, label = _TITLES.get(output, (output, "L2 change"))
    dress(axes, xlabel=label, title=heading, grid="x")
    axes.tick_params(axis="y", length=0)
    between = ordered[0].get("change_between_seeds")
    if between not in (None, ""):
        note(axes, f"two noise seeds: {float(between):.3g}", x=0.98, y=0.03, above=False)


def _lengths(centre: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.clip([centre - ends[0], ends[1] - centre], 0.0, None)
