"""The growth of an SEI as an animation: the lattice beside its volume fraction over time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.plots.palette import INK, MUTED
from kadi_battgen.plots.sei import (
    FLUX_COLOURS,
    checked_growth,
    draw_configuration,
    draw_growth,
    explain_species,
)
from kadi_battgen.plots.style import new_figure
from kadi_battgen.sei.observables import observables

#: Endings of animations and the programs that write them, as Matplotlib calls those.
WRITERS: Final = {".gif": "pillow", ".mp4": "ffmpeg"}

#: Frames that the end stays for.
_LAST: Final = 12


def growth_animation(
    path: str | os.PathLike[str],
    configurations: np.ndarray,
    times: Sequence[float] | np.ndarray,
    *,
    title: str = "",
    frames_per_second: int = 10,
    resolution: int = 80,
) -> None:
    """Write the growth of an SEI as a GIF, or as an MP4 where the program ffmpeg is installed.

    Parameters
    ----------
    path
        The file; its ending says which of the two.
    configurations
        Codes of the species at each time, (S, rows, columns), row 0 the electrode.
    times
        Simulated time of each in s.
    title
        Title of the pictures.
    frames_per_second
        How fast it plays; each configuration is one frame.
    resolution
        Dots per inch.

    Raises
    ------
    UserError
        If the ending is another one, or ffmpeg is missing for an MP4.
    ValueError
        If there is no configuration or the numbers differ.
    """
    from matplotlib import animation

    stack, seconds = checked_growth(configurations, times)
    kind = WRITERS.get(Path(path).suffix.lower())
    if kind is None:
        raise UserError(f"{path} is no animation: let its name end in {' or '.join(WRITERS)}.")
    if not animation.writers.is_available(kind):
        raise UserError(f"{path} needs the program {kind}, which is not installed: install it, or write a .gif.")
    flux = {name: values for name, values in observables(stack).items() if name in FLUX_COLOURS}
    figure = new_figure(8.6, 4.6, title)
    lattice, curve = figure.subplots(1, 2, width_ratios=[1.0, 0.9])
    draw_growth(curve, seconds, flux, FLUX_COLOURS, "Volume fraction / monolayers")
    draw_configuration(lattice, stack[0])
    explain_species(figure, loc="outside lower center", ncols=4)
    (marker,) = curve.plot([], [], color=MUTED, linewidth=1.2, linestyle="--")
    heading = lattice.set_title("", fontsize=10, color=INK)
    # The layout stays as it is for the first frame: labels that jump distract.
    figure.canvas.draw()
    figure.set_layout_engine("none")
    writer = animation.writers[kind](fps=frames_per_second)
    with atomic_path(path) as temporary:
        # The writers choose the format by the ending.
        place = temporary.with_suffix(Path(path).suffix)
        try:
            with writer.saving(figure, str(place), resolution):
                for number in [*range(len(stack)), *[len(stack) - 1] * _LAST]:
                    lattice.images[0].set_data(stack[number])
                    heading.set_text(f"{seconds[number]:.2e} s")
                    marker.set_data([max(seconds[number], curve.get_xlim()[0])] * 2, curve.get_ylim())
                    writer.grab_frame()
            place.replace(temporary)
        finally:
            place.unlink(missing_ok=True)
