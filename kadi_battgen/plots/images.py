"""Panels that show images: AFM slices and the material descriptors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.afm.tips import tip_parts
from kadi_battgen.plots.palette import AFM_COLOURS, IMAGE_COLOURS, INK, MUTED
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, TICK_SIZE, TITLE_SIZE, formula_label, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

#: The single-channel descriptors in the order of their channels; channels 3 to 5 are the type map's red, green, blue.
GREY_DESCRIPTORS = ("Height map", "Van der Waals spheres", "Atomic disks")
TYPE_MAP = "Type map"
#: What the colours of the type map stand for (thesis section 4.2).
TYPE_MAP_CLASSES = (("#0000FF", "working ion"), ("#00B400", "H, N, O, F, Cl, noble gas"), ("#FF0000", "other element"))


def translation_panel(
    stack: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    baseline: np.ndarray | None = None,
    title: str = "",
    pixel_size: float | None = None,
    *,
    heights: Sequence[float] | None = None,
    stack_label: str = "Frequency shift / Hz",
    descriptor_label: str = "Scaled to the training range (0 to 1)",
) -> Figure:
    """Show an AFM stack, the descriptors it was translated to, and the true ones.

    All slices share one colour scale and so do the images of one descriptor, so that brightness compares. Under each
    translated image stands its mean absolute error against the truth.

    Parameters
    ----------
    stack
        Slices of constant height, shape (slices, H, W), in the unit that `stack_label` names.
    truth, prediction
        Descriptors, shape (6, H, W): height map, van der Waals spheres, atomic disks, red, green, blue.
    baseline
        Descriptors from the network to compare with, shape (6, H, W).
    title
        Title of the figure, such as the material's formula.
    pixel_size
        Edge of a pixel in angstrom, for the scale bars; None draws none.
    heights
        Tip-sample distance of each slice in angstrom, for the slices' titles.
    stack_label, descriptor_label
        Labels of the colour bars.

    Raises
    ------
    ValueError
        If a shape does not fit.
    """
    stack = np.asarray(stack, dtype=np.float64)
    if stack.ndim != 3:
        raise ValueError(f"stack has shape {stack.shape}, not (slices, H, W).")
    rows = {"Truth": _descriptors(truth), "Prediction": _descriptors(prediction)}
    if baseline is not None:
        rows["Baseline"] = _descriptors(baseline)
    shown = np.unique(np.linspace(0, len(stack) - 1, min(5, len(stack))).round().astype(int))

    figure = new_figure(8.8, 2.6 + 2.15 * len(rows), title)
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.75, 0.6 + 2.15 * len(rows)])[:, 0]
    _slices(upper, stack, shown, heights, stack_label, pixel_size)

    panels = lower.subplots(len(rows) + 1, 4, squeeze=False, height_ratios=[1.0] * len(rows) + [0.07])
    for row, (name, images) in enumerate(rows.items()):
        for column in range(3):
            image = draw_image(
                panels[row, column], images[column], IMAGE_COLOURS, *colour_limits(rows["Truth"][column])
            )
            if row == 0:
                draw_colour_bar(lower, image, panels[-1, column], descriptor_label if column == 1 else "", "horizontal")
        draw_type_map(panels[row, 3], images[3:])
        panels[row, 0].set_ylabel(name, fontsize=TITLE_SIZE, color=INK, fontweight="bold")
        if pixel_size is not None:
            scale_bar(panels[row, 0], images.shape[-1], pixel_size)
        if row:
            errors = [np.abs(images[column] - rows["Truth"][column]).mean() for column in range(3)]
            errors.append(np.abs(images[3:] - rows["Truth"][3:]).mean())
            for panel, error in zip(panels[row], errors, strict=True):
                panel.set_xlabel(f"MAE {error:.3f}", fontsize=NOTE_SIZE, color=INK, labelpad=2)
    for panel, name in zip(panels[0], (*GREY_DESCRIPTORS, TYPE_MAP), strict=True):
        panel.set_title(name, fontsize=TITLE_SIZE, color=INK)
    panels[-1, 3].set_axis_off()
    explain_type_map(panels[-1, 3], loc="upper center", bbox_to_anchor=(0.5, 1.6), ncols=1)
    return figure


def candidate_images(
    images: np.ndarray, formulas: Sequence[str], pixel_size: float | None = None, title: str = ""
) -> Figure:
    """Show the generated descriptors of candidates, one row of four images for each.

    Parameters
    ----------
    images
        Shape (N, 6, H, W), channels as in :func:`translation_panel`; a colour scale is shared by one descriptor's
        images.
    formulas
        Formula of each candidate.
    pixel_size
        Edge of a pixel in angstrom, for the scale bars; None draws none.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no candidate or the shapes do not fit.
    """
    images = np.asarray(images, dtype=np.float64)
    if images.ndim != 4 or images.shape[1] != 6 or len(images) != len(formulas) or len(images) == 0:
        raise ValueError(f"images have shape {images.shape} for {len(formulas)} formulas, not (N, 6, H, W) with N > 0.")
    blocks = 1 if len(images) <= 3 else 2
    rows = -(-len(images) // blocks)
    figure = new_figure(5.6 * blocks, 0.75 + 1.32 * rows, title)
    panels = figure.subplots(rows, 4 * blocks, squeeze=False)
    limits = [colour_limits(images[:, column]) for column in range(3)]
    for index in range(rows * blocks):
        row, block = index % rows, index // rows
        group = panels[row, 4 * block : 4 * block + 4]
        if index >= len(images):
            for panel in group:
                panel.remove()
            continue
        for column in range(3):
            draw_image(group[column], images[index, column], IMAGE_COLOURS, *limits[column])
        draw_type_map(group[3], images[index, 3:])
        group[0].set_ylabel(f"{index + 1}\n{_wrapped(formula_label(formulas[index]))}", fontsize=LABEL_SIZE, color=INK)
        if pixel_size is not None:
            scale_bar(group[0], images.shape[-1], pixel_size)
        if row == 0:
            for panel, name in zip(group, (*GREY_DESCRIPTORS, TYPE_MAP), strict=True):
                panel.set_title(name.replace("Waals ", "Waals\n"), fontsize=LABEL_SIZE, color=INK)
    explain_type_map(figure, loc="outside lower center", ncols=3)
    return figure


def scale_bar(axes: Axes, width: int, pixel_size: float) -> None:
    """Draw a scale bar of a round length, about a quarter of an image of `width` pixels of `pixel_size` angstrom."""
    from matplotlib.patheffects import withStroke

    target = 0.3 * width * pixel_size
    magnitude = 10.0 ** np.floor(np.log10(target))
    length = max(step * magnitude for step in (1, 2, 5) if step * magnitude <= target * (1 + 1e-9))
    pixels = length / pixel_size
    start, base = 0.05 * width, 0.06 * width
    edge = [withStroke(linewidth=4.2, foreground="black")]
    line: dict[str, Any] = {"color": "white", "linewidth": 2.6, "solid_capstyle": "butt"}
    axes.plot([start, start + pixels], [base, base], path_effects=edge, **line)
    axes.text(
        start + pixels / 2,
        base + 0.03 * width,
        f"{length:g} Å",
        color="white",
        ha="center",
        va="bottom",
        fontsize=NOTE_SIZE,
        fontweight="bold",
        path_effects=[withStroke(linewidth=2.4, foreground="black")],
    )


def _slices(
    figure: Any,
    stack: np.ndarray,
    shown: np.ndarray,
    heights: Sequence[float] | None,
    label: str,
    pixel_size: float | None,
) -> None:
    """Draw the chosen slices on one colour scale, so that the growth of the force on approach shows."""
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    low, high = colour_limits(stack, share=0.1)
    for panel, index in zip(panels, shown, strict=True):
        image = draw_image(panel, stack[index], AFM_COLOURS, low, high)
        name = f"slice {index + 1}" if heights is None else slice_name(heights, index)
        first = "" if heights is None or index else "tip–sample "
        panel.set_title(first + name, fontsize=LABEL_SIZE, color=INK)
    panels[0].set_ylabel("AFM stack", fontsize=TITLE_SIZE, color=INK, fontweight="bold")
    if pixel_size is not None:
        scale_bar(panels[0], stack.shape[-1], pixel_size)
    draw_colour_bar(figure, image, panels, label, "vertical")


def slice_name(heights: Sequence[float] | np.ndarray, index: int) -> str:
    """Return the tip-sample distance of a slice in words, with its tip where two scanned all heights after one another."""
    name = f"{heights[index]:.2f} Å".replace("-", "−")
    first, *second = tip_parts(heights)
    return f"{'neutral' if index < first.stop else 'charged'}\n{name}" if second else name


def draw_colour_bar(figure: Any, image: AxesImage, place: Any, label: str, orientation: str) -> None:
    """Draw a colour bar into the axes `place`, or to the right of several."""
    where = {"cax": place} if orientation == "horizontal" else {"ax": place, "shrink": 0.9, "aspect": 14, "pad": 0.01}
    bar = figure.colorbar(image, orientation=orientation, extend="both", **where)
    bar.ax.tick_params(labelsize=TICK_SIZE, colors=MUTED, labelcolor=INK)
    bar.set_label(label, fontsize=LABEL_SIZE, color=INK)


def _descriptors(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images, dtype=np.float64)
    if images.ndim != 3 or images.shape[0] != 6:
        raise ValueError(f"descriptors have shape {images.shape}, not (6, H, W).")
    return images


def colour_limits(values: np.ndarray, share: float = 0.5) -> tuple[float, float]:
    """Return limits of a colour scale that the extreme pixels (`share` percent at each end) do not stretch."""
    low, high = (float(limit) for limit in np.nanpercentile(values, (share, 100.0 - share)))
    if high <= low:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return (low, high) if high > low else (low, low + 1.0)


def draw_image(axes: Axes, values: np.ndarray, colours: str, low: float, high: float) -> AxesImage:
    """Draw an image with one channel, row 0 at the bottom."""
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, origin="lower", interpolation="nearest")
    _bare(axes)
    return image


def draw_type_map(axes: Axes, channels: np.ndarray) -> None:
    """Draw the three channels of a type map as colours."""
    axes.imshow(np.clip(np.moveaxis(channels, 0, -1), 0.0, 1.0), origin="lower", interpolation="nearest")
    _bare(axes)


def explain_type_map(target: Any, **placing: Any) -> None:
    """Explain the colours of the type map beside an axes or a figure."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour, edgecolor=MUTED, label=name) for colour, name in TYPE_MAP_CLASSES]
    target.legend(handles=handles, frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, **placing)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color=MUTED, linewidth=0.6)


def _wrapped(formula: str, width: int = 15) -> str:
    """Break a long formula between elements, so that it fits beside its row of images."""
    lines = [""]
    for part in re.findall(r"\(|[A-Z][a-z]?[^A-Z(]*|.", formula):
        if len(lines[-1]) + len(part) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
