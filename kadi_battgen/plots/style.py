"""What all figures share: size, type, axes, labels; without touching Matplotlib's global settings."""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from kadi_battgen.plots.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Sizes of type in points.
TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 10.5, 9.0, 8.0, 8.0

#: Dots per inch that texts are measured with: enough that rounding to dots does not matter.
_DOTS = 300


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


def formula_label(formula: str, longest: int = 40) -> str:
    """Return a chemical formula with subscripts: ``LiFePO4`` becomes LiFePO₄.

    Numbers that follow an element or a closing bracket are lowered; decimal points stay on the line. A formula of more than
    `longest` characters, as an untrained model gives, is cut after a whole element.
    """
    shown = formula
    if len(formula) > longest:
        shown = re.sub(r"(?<=.)[A-Z][^A-Z]*$", "", formula[:longest]) + "…"
    return re.sub(
        r"(?<=[A-Za-z)\]])[\d.]+", lambda match: match[0].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")), shown
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


def wrapped(text: str, room: float, size: float, count: int, *, bold: bool = False) -> list[str]:
    """Break a text into at most `count` lines that fit into `room` inches; what does not is cut with an ellipsis."""
    words, lines = text.split(), [""]
    for number, word in enumerate(words):
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size, bold=bold) <= room or not lines[-1]:
            lines[-1] = longer
        elif len(lines) < count:
            lines.append(word)
        else:
            lines[-1] = " ".join([lines[-1], *words[number:]])
            break
    return [cut(line, room, size, bold=bold) for line in lines]


def cut(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits into `room` inches, with an ellipsis where something is missing."""
    if text_width(text, size, bold=bold) <= room:
        return text
    while text and text_width(f"{text}…", size, bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in inches; `size` is in points."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return float(_renderer().get_text_width_height_descent(text, font, False)[0]) / _DOTS


@lru_cache(maxsize=1)
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, _DOTS)


def image_bytes(figure: Figure, kind: Literal["png", "svg", "pdf"], resolution: int = 160) -> bytes:
    """Return a figure as PNG, SVG or PDF; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        What to write.
    kind
        ``png`` has dots; in ``svg`` and ``pdf`` all but images and clouds of many points scales without loss, with letters as
        outlines (SVG) or as an embedded font (PDF), so that they look alike everywhere.
    resolution
        Dots per inch of all that has dots.
    """
    from matplotlib import rc_context

    # A date or a program's version would make other bytes of the same figure.
    silent = {"png": ("Software",), "svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}[kind]
    buffer = io.BytesIO()
    # Names of shared shapes are random otherwise.
    with rc_context({"svg.hashsalt": "kadi-battgen", "svg.fonttype": "path", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=kind, dpi=resolution, facecolor="white", metadata=dict.fromkeys(silent))
    return buffer.getvalue()
