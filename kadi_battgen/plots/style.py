"""What all figures share: size, type, axes, labels; without touching Matplotlib's global settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from kadi_battgen.plots.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Sizes of type in points.
TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 10.5, 9.0, 8.0, 8.0


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """Return an empty white figure of `width` by `height` inches whose layout leaves room for every label."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    room = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    figure = Figure(figsize=(width, height), dpi=100, facecolor="white", layout=room)
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=TITLE_SIZE + 1, color=INK, fontweight="bold")
    return figure


def dress(
    axes: Axes, *, xlabel: str = "", ylabel: str = "", title: str = "", grid: Literal["x", "y", "both", ""] = ""
) -> None:
    """Give axes the common look.

    Parameters
    ----------
    axes
        What to dress.
    xlabel, ylabel
        Labels with units.
    title
        Title above the panel.
    grid
        Axis along which grid lines are drawn: ``x``, ``y``, ``both`` or none.
    """
    axes.set_facecolor("white")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color=MUTED, linewidth=0.8)
    axes.tick_params(labelsize=TICK_SIZE, colors=MUTED, labelcolor=INK, width=0.8, length=3)
    axes.set_xlabel(mathematical(xlabel), fontsize=LABEL_SIZE, color=INK)
    axes.set_ylabel(mathematical(ylabel), fontsize=LABEL_SIZE, color=INK)
    if title:
        axes.set_title(title, fontsize=TITLE_SIZE, color=INK, loc="left")
    if grid:
        axes.grid(visible=True, axis=grid, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def mathematical(label: str) -> str:
    """Return a label with its exponents raised: ``mAh/cm^3`` becomes mAh/cm³."""
    return re.sub(r"\^(\d)", lambda match: "⁰¹²³⁴⁵⁶⁷⁸⁹"[int(match[1])], label)


def formula_label(formula: str) -> str:
    """Return a chemical formula with subscripts: ``LiFePO4`` becomes LiFePO₄.

    Numbers that follow an element or a closing bracket are lowered; decimal points stay on the line.
    """
    return re.sub(
        r"(?<=[A-Za-z)\]])[\d.]+", lambda match: match[0].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")), formula
    )


def note(axes: Axes, text: str, *, x: float = 0.03, y: float = 0.97, above: bool = True) -> None:
    """Write a small note inside the panel, readable over marks; `x` and `y` are fractions of the panel."""
    axes.text(
        x,
        y,
        text,
        transform=axes.transAxes,
        ha="left" if x < 0.5 else "right",
        va="top" if above else "bottom",
        fontsize=NOTE_SIZE,
        color=INK,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )
