"""Pairs of descriptors side by side: truth and translation (thesis figure 4.11), truth and screened (figure 4.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.images import (
    GREY_DESCRIPTORS,
    TYPE_MAP,
    colour_limits,
    draw_image,
    draw_type_map,
    explain_type_map,
    scale_bar,
)
from kadi_battgen.plots.palette import IMAGE_COLOURS, INK
from kadi_battgen.plots.style import LABEL_SIZE, TITLE_SIZE, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inches of a row, and of its label beside the images.
_ROW, _LABEL = 1.3, 1.45


def paired_descriptors(
    first: np.ndarray,
    second: np.ndarray,
    titles: Sequence[str],
    names: tuple[str, str] = ("Truth", "Prediction"),
    pixel_size: float | None = None,
    title: str = "",
) -> Figure:
    """Show two sets of descriptors side by side, one row for each pair.

    The images of one descriptor share a colour scale, so that brightness compares between the sets and the rows.

    Parameters
    ----------
    first, second
        Shape (N, 6, H, W): height map, van der Waals spheres, atomic disks, red, green, blue.
    titles
        What stands beside each row, such as a formula; each of its lines is broken where it is too wide.
    names
        What the two sets are called.
    pixel_size
        Edge of a pixel in angstrom, for the scale bars; None draws none.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no pair or the shapes do not fit.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.ndim != 4 or first.shape[1] != 6 or first.shape != second.shape or len(first) != len(titles):
        raise ValueError(f"images of shapes {first.shape} and {second.shape} with {len(titles)} titles are no pairs.")
    if len(first) == 0:
        raise ValueError("there is no pair to show.")
    figure = new_figure(_LABEL + 8 * _ROW, 0.9 + _ROW * len(first), title)
    parts = figure.subfigures(1, 2, squeeze=False, width_ratios=[_LABEL + 4 * _ROW, 4 * _ROW])[0]
    limits = [colour_limits(np.stack([first[:, c], second[:, c]])) for c in range(3)]
    for part, images, name in zip(parts, (first, second), names, strict=True):
        part.suptitle(name, fontsize=TITLE_SIZE, color=INK, fontweight="bold")
        panels = part.subplots(len(images), 4, squeeze=False)
        for row, sample in enumerate(images):
            for column in range(3):
                draw_image(panels[row, column], sample[column], IMAGE_COLOURS, *limits[column])
            draw_type_map(panels[row, 3], sample[3:])
            if pixel_size is not None:
                scale_bar(panels[row, 0], sample.shape[-1], pixel_size)
            if images is first:
                lines = [wrapped(part, _LABEL - 0.1, LABEL_SIZE, 2) for part in titles[row].split("\n")]
                label = "\n".join(line for part in lines for line in part)
                panels[row, 0].set_ylabel(
                    label, fontsize=LABEL_SIZE, color=INK, rotation=0, ha="right", va="center", labelpad=6
                )
        for panel, descriptor in zip(panels[0], (*GREY_DESCRIPTORS, TYPE_MAP), strict=True):
            panel.set_title(descriptor.replace("Waals ", "Waals\n"), fontsize=LABEL_SIZE, color=INK)
    explain_type_map(figure, loc="outside lower center", ncols=3)
    return figure
