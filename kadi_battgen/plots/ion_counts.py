"""True and predicted atoms of the working ions, and the errors (thesis figures 4.14 and 4.15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.electrodes.composition import COMPOSITION_LENGTH, ELEMENT_INDEX
from kadi_battgen.electrodes.properties import WORKING_IONS, check_working_ion
from kadi_battgen.plots.palette import BLUE, INK, MUTED, VERMILION
from kadi_battgen.plots.style import NOTE_SIZE, dress, new_figure, note

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Smallest standard deviation of a kernel, in atoms: counts are whole numbers, and equal ones would be a needle.
_NARROWEST = 0.08


def ion_count_violins(
    true: np.ndarray, predicted: np.ndarray, working_ions: Sequence[str], ions: Sequence[str] = WORKING_IONS
) -> Figure:
    """Show how true and predicted numbers of atoms of each working ion spread over the electrodes that work with it.

    The left half of a violin is the truth, the right half the prediction; its width is a kernel density estimate, the
    thick dashed line the median and the thin ones the quartiles.

    Parameters
    ----------
    true, predicted
        Atoms per formula unit, shape (N, 112).
    working_ions
        Working ion of each electrode.
    ions
        The ions to show; those without an electrode are left out.

    Raises
    ------
    UserError
        If an ion is not known.
    ValueError
        If the shapes do not fit or no electrode is left.
    """
    true, predicted = _compositions(true, predicted)
    labels = np.array([check_working_ion(ion) for ion in working_ions])
    shown = [ion for ion in ions if (labels == ion).any()]
    if len(labels) != len(true) or not shown:
        raise ValueError(f"{len(labels)} working ions for {len(true)} electrodes leave nothing to show.")
    figure = new_figure(1.2 + 0.85 * len(shown), 3.9)
    axes = figure.add_subplot()
    for place, ion in enumerate(shown):
        chosen, column = labels == ion, ELEMENT_INDEX[ion]
        for counts, side, colour in ((true, -1, MUTED), (predicted, 1, BLUE)):
            _half_violin(axes, counts[chosen, column], place, side, colour)
    axes.set_xticks(range(len(shown)), [f"{ion}\n{int((labels == ion).sum())}" for ion in shown])
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    dress(axes, xlabel="Working ion and number of electrodes", ylabel="Atoms per formula unit", grid="y")
    for colour, label in ((MUTED, "true"), (BLUE, "predicted")):
        axes.fill_between([], [], color=colour, alpha=0.5, label=label)
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, ncols=2, loc="lower left", bbox_to_anchor=(0, 1.0))
    return figure


def ion_error_histograms(true: np.ndarray, predicted: np.ndarray, ions: Sequence[str] = WORKING_IONS) -> Figure:
    """Show how the errors of the predicted numbers of atoms spread, one panel an ion.

    Apart are the electrodes that hold the element and those that do not, of which there are many more; the line is a kernel
    density estimate of the former, scaled to their number. A dashed line marks no error.

    Parameters
    ----------
    true, predicted
        Atoms per formula unit, shape (N, 112).
    ions
        Symbols of the elements to show.

    Raises
    ------
    ValueError
        If the shapes do not fit or an element is not known.
    """
    true, predicted = _compositions(true, predicted)
    if not ions or any(ion not in ELEMENT_INDEX for ion in ions):
        raise ValueError(f"there is no element to show, or one of {', '.join(ions)} is not known.")
    across = min(5, len(ions))
    rows = -(-len(ions) // across)
    figure = new_figure(0.5 + 2.3 * across, 0.7 + 2.2 * rows)
    panels = figure.subplots(rows, across, squeeze=False).ravel()
    for panel in panels[len(ions) :]:
        panel.remove()
    for place, ion in enumerate(ions):
        column = ELEMENT_INDEX[ion]
        _errors(panels[place], true[:, column], predicted[:, column])
        dress(
            panels[place],
            xlabel="Error / atoms per\nformula unit" if place + across >= len(ions) else "",
            ylabel="Number of electrodes" if place % across == 0 else "",
            title=ion,
        )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=NOTE_SIZE, labelcolor=INK
    )
    return figure


def kernel_density(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the density of `values` at `places` with a Gaussian kernel of Silverman's width, at least 0.08.

    Source: Silverman, Density Estimation for Statistics and Data Analysis (1986), equation 3.31.
    """
    values = np.asarray(values, dtype=np.float64)
    spread = min(values.std(), np.subtract(*np.percentile(values, (75, 25))) / 1.34) or values.std()
    width = max(0.9 * spread * len(values) ** -0.2, _NARROWEST)
    kernels = np.exp(-0.5 * ((places[:, None] - values[None]) / width) ** 2)
    return kernels.sum(axis=1) / (len(values) * width * np.sqrt(2 * np.pi))


def _compositions(true: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if true.shape != predicted.shape or true.ndim != 2 or true.shape[1] != COMPOSITION_LENGTH or len(true) == 0:
        raise ValueError(f"compositions have shapes {true.shape} and {predicted.shape}, not both (N, 112) with N > 0.")
    return true, predicted


def _half_violin(axes: Axes, counts: np.ndarray, place: float, side: int, colour: str) -> None:
    room = 3 * _NARROWEST
    heights = np.linspace(counts.min() - room, counts.max() + room, 200)
    density = kernel_density(counts, heights)
    widths = 0.42 * density / density.max()
    axes.fill_betweenx(heights, place, place + side * widths, color=colour, alpha=0.5, linewidth=0)
    for quantile, line in ((25, 0.8), (50, 1.8), (75, 0.8)):
        value = float(np.percentile(counts, quantile))
        reach = float(np.interp(value, heights, widths))
        axes.plot([place, place + side * reach], [value, value], linestyle="--", color=INK, linewidth=line)


def _errors(axes: Axes, true: np.ndarray, predicted: np.ndarray) -> None:
    from matplotlib.ticker import MaxNLocator

    errors, holds = predicted - true, true > 0
    limit = max(0.5, float(np.abs(errors).max()))
    edges = np.linspace(-limit, limit, 32).tolist()
    axes.hist(errors[~holds], edges, color=MUTED, alpha=0.35, label="electrodes without the element")
    axes.hist(errors[holds], edges, color=BLUE, alpha=0.6, label="electrodes with the element")
    if holds.sum() >= 3:
        places = np.linspace(-limit, limit, 200)
        scaled = kernel_density(errors[holds], places) * holds.sum() * (edges[1] - edges[0])
        axes.plot(places, scaled, color=VERMILION, linewidth=1.4, label="their kernel density")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 20 * axes.get_ylim()[1])  # room for the note
    axes.axvline(0.0, color=INK, linestyle="--", linewidth=1.0)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    if holds.any():
        bias = f"{errors[holds].mean():+.2f}".replace("-", "−")
        note(axes, f"with: MAE {np.abs(errors[holds]).mean():.2f}, bias {bias}\nall: MAE {np.abs(errors).mean():.3f}")
