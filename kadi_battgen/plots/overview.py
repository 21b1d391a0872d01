"""Where the training data come from and what the models are, drawn from results (thesis figures 4.9 and 4.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.electrodes.composition import COMPOSITION_LENGTH
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.plots.images import GREY_DESCRIPTORS, TYPE_MAP, colour_limits, draw_image, draw_type_map
from kadi_battgen.plots.palette import AFM_COLOURS, BLUE, GREEN, GRID, IMAGE_COLOURS, INK, MUTED, VERMILION, ion_colour
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, TITLE_SIZE, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def data_pipeline(
    electrodes: Mapping[str, int],
    stack: np.ndarray,
    descriptors: np.ndarray,
    parts: Mapping[str, tuple[int, int]],
    formula: str = "",
) -> Figure:
    """Show how training data come about: electrodes, AFM stacks, descriptors, and the parts of the data set.

    Parameters
    ----------
    electrodes
        Number of electrodes by working ion.
    stack
        An AFM stack, shape (slices, H, W), from the farthest slice to the nearest.
    descriptors
        Its descriptors, shape (6, H, W).
    parts
        Number of stacks and of electrodes by part of the data set.
    formula
        What the images show.

    Raises
    ------
    ValueError
        If there is no electrode or a shape does not fit.
    """
    stack, descriptors = np.asarray(stack, dtype=np.float64), np.asarray(descriptors, dtype=np.float64)
    if not electrodes or not parts or stack.ndim != 3 or descriptors.ndim != 3 or len(descriptors) != 6:
        raise ValueError(f"a stack {stack.shape} and descriptors {descriptors.shape} make no data set to show.")
    figure = new_figure(12.2, 3.9)
    columns = figure.subfigures(1, 4, squeeze=False, width_ratios=[1.1, 0.9, 1.3, 1.3])[0]
    shown = dict(electrodes)
    total = sum(shown.values())
    titles = (
        f"1  {total} electrodes",
        f"2  AFM stacks, {len(stack)} slices",
        "3  Material descriptors",
        "4  Data set, split by composition",
    )
    for column, title in zip(columns, titles, strict=True):
        column.suptitle(title, fontsize=TITLE_SIZE, color=INK, fontweight="bold", x=0.02, ha="left")
    counts = columns[0].subplots()
    counts.barh(range(len(shown)), list(shown.values()), color=[ion_colour(ion) for ion in shown], height=0.7)
    counts.set_yticks(range(len(shown)), list(shown))
    counts.invert_yaxis()
    dress(counts, xlabel="Number of electrodes", ylabel="Working ion", grid="x")

    panels = columns[1].subplots(3, 1)
    chosen = np.unique(np.linspace(0, len(stack) - 1, 3).round().astype(int))
    for panel, index in zip(panels, np.resize(chosen, 3), strict=True):
        draw_image(panel, stack[index], AFM_COLOURS, *colour_limits(stack, share=0.1))
        panel.set_ylabel(f"slice {index + 1}", fontsize=LABEL_SIZE, color=INK)
    panels[0].set_title(formula, fontsize=LABEL_SIZE, color=INK)

    panels = columns[2].subplots(2, 2).ravel()
    for panel, image, name in zip(panels[:3], descriptors[:3], GREY_DESCRIPTORS, strict=True):
        draw_image(panel, image, IMAGE_COLOURS, *colour_limits(image))
        panel.set_title(name, fontsize=NOTE_SIZE, color=INK)
    draw_type_map(panels[3], descriptors[3:])
    panels[3].set_title(TYPE_MAP, fontsize=NOTE_SIZE, color=INK)

    bars = columns[3].subplots()
    stacks = [count for count, _ in parts.values()]
    drawn = bars.barh(range(len(parts)), stacks, color=[BLUE, GREEN, VERMILION][: len(parts)], height=0.55)
    bars.bar_label(drawn, [f"{count:,} stacks" for count in stacks], fontsize=NOTE_SIZE, color=INK, padding=3)
    bars.set_yticks(range(len(parts)), [f"{part}\n{owners:,} electrodes" for part, (_, owners) in parts.items()])
    bars.set_xlim(0, 1.45 * max(stacks))
    bars.invert_yaxis()
    dress(bars, xlabel="Number of AFM stacks", grid="x")
    return figure


def model_overview(cards: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Show the trained models of a folder, what goes into each and what comes out, with their sizes.

    Parameters
    ----------
    cards
        Cards of the trained models by kind: ``translation``, and ``screening`` and ``composition`` where there are.

    Raises
    ------
    ValueError
        If there is no translator.
    """
    if "translation" not in cards:
        raise ValueError("there is no translator to show.")
    figure = new_figure(10.6, 0.4 + 1.45 * len(cards))
    panels = figure.subplots(len(cards), 1, squeeze=False)[:, 0]
    height, width = cards["translation"]["image_shape"]
    slices = cards["translation"]["architecture"]["slices"]
    latent = _latent(cards)
    chains = {
        "translation": (
            "Translation",
            GREEN,
            [
                f"AFM stack\n{slices} x {height} x {width}",
                "Encoder",
                f"Latent\n{latent}",
                "Decoder",
                f"Descriptors\n6 x {height} x {width}",
            ],
        ),
        "composition": (
            "Composition",
            BLUE,
            [f"Latent\n{latent}", "Regressor", f"Atoms per formula\nof {COMPOSITION_LENGTH} elements"],
        ),
        "screening": (
            "Screening",
            VERMILION,
            [
                f"Working ion,\n{len(FUNCTIONAL_PROPERTIES)} properties, noise",
                f"Denoising U-Net,\n{_timesteps(cards)} timesteps",
                f"Latent {latent},\ncomposition",
                "Decoder",
                f"Descriptors\n6 x {height} x {width}, formula",
            ],
        ),
    }
    for panel, (kind, card) in zip(panels, cards.items(), strict=True):
        name, colour, steps = chains.get(kind, (kind.replace("_", " ").capitalize(), MUTED, [kind.replace("_", " ")]))
        _chain(panel, steps, colour)
        panel.set_title(f"{name}: {card['parameters']:,} parameters", fontsize=TITLE_SIZE, color=INK, loc="left")
    return figure


def _latent(cards: Mapping[str, Mapping[str, Any]]) -> str:
    architecture = cards["translation"]["architecture"]
    halvings = 2 ** (len(architecture["channels"]) - 1) * architecture.get("patch_size", 1)
    height, width = (side // halvings for side in cards["translation"]["image_shape"])
    return f"{architecture['latent_channels']} x {height} x {width}"


def _timesteps(cards: Mapping[str, Mapping[str, Any]]) -> str:
    return str(cards.get("screening", {}).get("schedule", {}).get("timesteps", "?"))


def _chain(axes: Axes, steps: Sequence[str], colour: str) -> None:
    """Draw steps as boxes from left to right with arrows between them; what is computed is coloured, data are not."""
    gap = 0.25
    axes.set(xlim=(-0.05, 5 + 4 * gap + 0.05), ylim=(0, 1))
    axes.set_axis_off()
    for number, text in enumerate(steps):
        left = number * (1 + gap)
        # The decoder is the translator's wherever it is used.
        computed = GREEN if text == "Decoder" else colour
        draw_box(axes, (left, 0.1), (1, 0.8), text, GRID if number % 2 == 0 else computed)
        if number:
            draw_arrow(axes, (left - gap, 0.5), (left, 0.5))


def draw_box(axes: Axes, corner: tuple[float, float], size: tuple[float, float], text: str, colour: str) -> None:
    """Draw a step of an overview: a box at its lower left `corner` with a text in its middle; all in data coordinates."""
    from matplotlib.patches import FancyBboxPatch

    shape = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=shape, facecolor=colour, alpha=0.35, linewidth=0))
    middle = (corner[0] + size[0] / 2, corner[1] + size[1] / 2)
    axes.text(*middle, text, ha="center", va="center", fontsize=LABEL_SIZE, color=INK)


def draw_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow between two steps of an overview, in data coordinates."""
    from matplotlib.patches import FancyArrowPatch

    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color=MUTED, shrinkA=0, shrinkB=0))
