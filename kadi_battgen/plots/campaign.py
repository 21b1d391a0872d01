"""What an AFM campaign shows: slices and descriptors of a few electrodes, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.afm.tips import tip_parts
from kadi_battgen.plots.images import (
    GREY_DESCRIPTORS,
    TYPE_MAP,
    colour_limits,
    draw_colour_bar,
    draw_image,
    draw_type_map,
    explain_type_map,
    scale_bar,
    slice_name,
)
from kadi_battgen.plots.palette import AFM_COLOURS, IMAGE_COLOURS, INK
from kadi_battgen.plots.style import LABEL_SIZE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Slices of a stack that are shown: the farthest, one in between, the nearest.
_SHOWN = 3


def campaign_montage(
    stacks: np.ndarray,
    descriptors: np.ndarray,
    titles: Sequence[str],
    heights: Sequence[float] | np.ndarray,
    pixel_size: float,
    stack_label: str = "Frequency shift / Hz",
) -> Figure:
    """Show three AFM slices and the descriptors of some samples, one row each.

    All slices share one colour scale and so do the images of one descriptor, so that brightness compares between
    materials.

    Parameters
    ----------
    stacks
        AFM stacks, shape (N, slices, H, W), in the unit that `stack_label` names, farthest slice first.
    descriptors
        Descriptors in any units, shape (N, 6, H, W): height map, van der Waals spheres, atomic disks, red, green, blue.
    titles
        What each row shows, such as its formula.
    heights
        Tip-sample distance of each slice in angstrom.
    pixel_size
        Edge of a pixel in angstrom.
    stack_label
        Label of the colour bar.

    Raises
    ------
    ValueError
        If there is no sample or the shapes do not fit.
    """
    stacks, descriptors = np.asarray(stacks, dtype=np.float64), np.asarray(descriptors, dtype=np.float64)
    fits = stacks.ndim == 4 and descriptors.shape == (len(stacks), 6, *stacks.shape[2:])
    if not fits or not len(stacks) or len(titles) != len(stacks) or len(heights) != stacks.shape[1]:
        raise ValueError(
            f"stacks of shape {stacks.shape}, descriptors of shape {descriptors.shape}, {len(titles)} titles and "
            f"{len(heights)} heights do not fit together."
        )
    shown = _shown_slices(np.asarray(heights))
    columns = len(shown) + 4
    figure = new_figure(0.9 + 1.45 * columns, 1.15 + 1.45 * len(stacks))
    grid = figure.add_gridspec(len(stacks) + 1, columns, height_ratios=[1.0] * len(stacks) + [0.07])
    panels = [[figure.add_subplot(grid[row, column]) for column in range(columns)] for row in range(len(stacks))]
    names = [slice_name(heights, index) for index in shown]
    names[0] = f"tip–sample\n{names[0]}"
    names += [name.replace("Waals ", "Waals\n") for name in (*GREY_DESCRIPTORS, TYPE_MAP)]
    force = colour_limits(stacks[:, shown], share=0.3)
    grey = [colour_limits(descriptors[:, channel]) for channel in range(3)]
    dark, bright = float(descriptors[:, 3:].min()), float(descriptors[:, 3:].max())
    for row, (stack, images) in enumerate(zip(stacks, descriptors, strict=True)):
        for column, index in enumerate(shown):
            slices = draw_image(panels[row][column], stack[index], AFM_COLOURS, *force)
        for channel in range(3):
            draw_image(panels[row][len(shown) + channel], images[channel], IMAGE_COLOURS, *grey[channel])
        draw_type_map(panels[row][-1], (images[3:] - dark) / ((bright - dark) or 1.0))
        panels[row][0].set_ylabel(titles[row], fontsize=LABEL_SIZE, color=INK)
        scale_bar(panels[row][0], stack.shape[-1], pixel_size)
    for panel, name in zip(panels[0], names, strict=True):
        panel.set_title(name, fontsize=LABEL_SIZE, color=INK)
    draw_colour_bar(figure, slices, figure.add_subplot(grid[-1, : len(shown)]), stack_label, "horizontal")
    legend = figure.add_subplot(grid[-1, len(shown) :])
    legend.set_axis_off()
    explain_type_map(legend, loc="upper right", ncols=3)
    return figure


def _shown_slices(heights: np.ndarray) -> np.ndarray:
    """Return which slices are shown; of two tips the nearest of each."""
    last, parts = len(heights) - 1, tip_parts(heights)
    if len(parts) > 1:
        return np.unique([0, *(part.stop - 1 for part in parts)])
    return np.unique(np.linspace(0, last, min(_SHOWN, last + 1)).round().astype(int))
