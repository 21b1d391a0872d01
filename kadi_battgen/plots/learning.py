"""Learning curves of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.palette import INK, SERIES
from kadi_battgen.plots.style import NOTE_SIZE, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = ("-", "--", "-.", ":")


def learning_curves(
    histories: Mapping[str, Mapping[str, Sequence[float]]], columns: Sequence[str] | None = None
) -> Figure:
    """Show the losses of each model over its epochs, one panel a model, with the best validation epoch marked.

    Parameters
    ----------
    histories
        By model name: columns of equal length, ``epoch`` among them; NaN where an epoch has no value.
    columns
        Columns to draw; by default all whose name ends in ``loss``.

    Raises
    ------
    ValueError
        If there is no history, or one lacks ``epoch`` or the columns to draw.
    """
    if not histories:
        raise ValueError("there is no learning curve to show.")
    across = 2 if len(histories) == 4 else min(len(histories), 3)
    rows = -(-len(histories) // across)
    figure = new_figure(max(5.0, 3.6 * across), 3.1 * rows)
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    for panel in panels[len(histories) :]:
        panel.remove()
    for index, (model, history) in enumerate(histories.items()):
        names = [name for name in history if name.endswith("loss")] if columns is None else list(columns)
        missing = [name for name in ("epoch", *names) if name not in history]
        if missing or not names:
            raise ValueError(f"the history of {model} lacks {', '.join(missing) or 'a loss'}.")
        draw_curves(panels[index], history, names)
        dress(
            panels[index],
            xlabel="Epoch",
            ylabel="Loss (dimensionless)" if index % across == 0 else "",
            title=model,
            grid="y",
        )
    return figure


def draw_curves(axes: Axes, history: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    """Draw columns of a history over its epochs, the best validation loss marked; widely spread ones logarithmically."""
    from matplotlib.ticker import MaxNLocator

    epochs = np.asarray(history["epoch"], dtype=np.float64)
    drawn = []
    # Training and validation look alike in every panel; the other columns follow.
    training = "loss" if "loss" in names else "train_loss"
    ordered = dict.fromkeys((training, "validation_loss", *names))
    styles = {name: (SERIES[place % len(SERIES)], _LINES[place % len(_LINES)]) for place, name in enumerate(ordered)}
    for name in names:
        values = np.asarray(history[name], dtype=np.float64)
        known = np.isfinite(values)
        drawn.append(values[known])
        colour, line = styles[name]
        marker = "o" if known.sum() == 1 else None
        axes.plot(epochs[known], values[known], line, color=colour, linewidth=1.6, marker=marker, label=_readable(name))
        if name == "validation_loss" and known.any():
            best = int(np.nanargmin(values))
            axes.plot(
                epochs[best],
                values[best],
                "o",
                color=colour,
                markeredgecolor="white",
                markersize=8,
                label=f"Best: {values[best]:.3g} at epoch {epochs[best]:g}",
            )
    together = np.concatenate(drawn)
    if together.size and together.min() > 0 and together.max() / together.min() > 30:
        axes.set_yscale("log")
    if epochs.size and epochs.min() == epochs.max():
        axes.set_xlim(epochs[0] - 1.0, epochs[0] + 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, loc="best")


def _readable(column: str) -> str:
    words = {"train": "Training", "validation": "Validation", "test": "Test", "loss": "Training"}
    first, _, rest = column.removesuffix("_loss").partition("_")
    if first in words and rest:
        return f"{words[first]}, {rest.replace('_', ' ')}"
    return words.get(first, column.replace("_", " ").capitalize())
