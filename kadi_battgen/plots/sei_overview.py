"""The autoencoder of SEI configurations: what it is made of, what it makes of one, how it learned (thesis figure 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.plots.learning import draw_curves
from kadi_battgen.plots.overview import draw_arrow, draw_box
from kadi_battgen.plots.palette import BLUE, GREEN, GRID, INK, VERMILION
from kadi_battgen.plots.sei import draw_configuration, explain_species
from kadi_battgen.plots.style import LABEL_SIZE, TICK_SIZE, TITLE_SIZE, dress, new_figure
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Width and height of a box of the schematic, and room between boxes.
_WIDTH, _HEIGHT, _GAP = 1.0, 0.9, 0.3

#: Losses that are shown, those of them that a history has.
_LOSSES = ("loss", "validation_loss", "reconstruction", "validation_reconstruction")


def prvae_overview(
    card: Mapping[str, Any], true: np.ndarray, shown: np.ndarray, history: Mapping[str, Sequence[float]]
) -> Figure:
    """Show an autoencoder: schematic (a), a configuration (b), its reconstruction (c) and the learning curves (d).

    Parameters
    ----------
    card
        Card of the trained model.
    true, shown
        Codes of the species of a configuration and of its reconstruction, (rows, columns) each.
    history
        Columns of equal length by name, ``epoch`` and ``loss`` among them, as
        :func:`kadi_battgen.training.loop.read_history` returns them.

    Raises
    ------
    ValueError
        If the configurations differ in shape, or the history has no loss.
    """
    if np.shape(true) != np.shape(shown) or "loss" not in history or "epoch" not in history:
        raise ValueError(f"configurations {np.shape(true)} and {np.shape(shown)} and {list(history)} make no overview.")
    figure = new_figure(10.6, 6.5)
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[2.3, 4.4])[:, 0]
    _head(upper, f"a  {card['parameters']:,} parameters")
    _schematic(upper.subplots(), card)
    left, right = lower.subfigures(1, 2, squeeze=False, width_ratios=[1.5, 1.0])[0]
    panels = left.subplots(1, 2)
    for axes, configuration, name in zip(panels, (true, shown), ("b  Simulated", "c  Reconstructed"), strict=True):
        draw_configuration(axes, np.asarray(configuration), labels=False)
        values = {key: column[0] for key, column in observables(np.asarray(configuration)).items()}
        axes.set_title(name, fontsize=TITLE_SIZE, color=INK, fontweight="bold", loc="left", pad=20)
        told = f"{values['flux']:.2f} ML, {values['thickness']:.2f} nm, porosity {values['porosity']:.2f}"
        axes.text(0.0, 1.02, told, transform=axes.transAxes, fontsize=TICK_SIZE, color=INK)
        axes.set_xlabel("Along the electrode / nm", fontsize=LABEL_SIZE, color=INK)
    panels[0].set_ylabel("Distance from the electrode / nm", fontsize=LABEL_SIZE, color=INK)
    explain_species(left, loc="outside lower center", ncols=4)
    axes = right.subplots()
    draw_curves(axes, history, [name for name in _LOSSES if name in history])
    dress(axes, xlabel="Epoch", ylabel="Loss (dimensionless)", grid="y")
    axes.set_title("d  Learning curves", fontsize=TITLE_SIZE, color=INK, fontweight="bold", loc="left", pad=20)
    return figure


def _head(part: Any, text: str) -> None:
    part.suptitle(text, fontsize=TITLE_SIZE, color=INK, fontweight="bold", x=0.012, ha="left")


def _schematic(axes: Axes, card: Mapping[str, Any]) -> None:
    """Draw encoder, latent and decoder from left to right, the regressor and the barriers below where there are any."""
    architecture = card["architecture"]
    lattice = f"{architecture['categories']} x {architecture['rows']} x {architecture['columns']}"
    steps = (
        (f"Configuration,\none-hot\n{lattice}", GRID),
        ("Encoder", GREEN),
        (f"Mean μ and\ndeviation σ,\n{architecture['latent_size']} each", GRID),
        ("Latent\nz = μ + σ ε", GRID),
        ("Decoder", GREEN),
        (f"Probabilities\nof the species\n{lattice}", GRID),
    )
    properties, barriers = tuple(card["properties"]), int(architecture["barriers"] or 0)
    step, second = _WIDTH + _GAP, bool(properties or barriers)
    base = 1.25 if second else 0.1
    for number, (text, colour) in enumerate(steps):
        draw_box(axes, (number * step, base), (_WIDTH, _HEIGHT), text, colour)
        if number:
            draw_arrow(axes, (number * step - _GAP, base + _HEIGHT / 2), (number * step, base + _HEIGHT / 2))
    below = 0.05
    if properties:
        names = ", ".join(OBSERVABLES[name].label.split(" (")[0].lower() for name in properties)
        draw_arrow(axes, (2 * step + 0.5 * _WIDTH, base), (2 * step + 0.5 * _WIDTH, below + _HEIGHT))
        draw_box(axes, (2 * step, below), (_WIDTH, _HEIGHT), f"Regressor\n{architecture['members']} members", BLUE)
        draw_arrow(axes, (2 * step, below + _HEIGHT / 2), (2 * step - _GAP, below + _HEIGHT / 2))
        told = f"Predicted {_broken(names)}"
        draw_box(axes, (0.0, below), (2 * step - _GAP, _HEIGHT), told, GRID)
    if barriers:
        draw_box(axes, (4 * step, below), (_WIDTH, _HEIGHT), f"{barriers} reaction\nbarriers", VERMILION)
        draw_arrow(axes, (4 * step + 0.5 * _WIDTH, below + _HEIGHT), (4 * step + 0.5 * _WIDTH, base))
    axes.set(xlim=(-0.05, 6 * step - _GAP + 0.05), ylim=(0.0, base + _HEIGHT + 0.05))
    axes.set_axis_off()


def _broken(names: str) -> str:
    """Return a list of names in lines of at most two."""
    parts = names.split(", ")
    return ",\n".join(", ".join(parts[first : first + 2]) for first in range(0, len(parts), 2))
