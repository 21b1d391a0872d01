"""SEI configurations in the colours of the reference model, campaigns by regime, and growth over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kadi_battgen.plots.palette import BLUE, INK, MUTED, VERMILION
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, TICK_SIZE, dress, formula_label, new_figure
from kadi_battgen.sei.chemistry import SITE_SIZE, SPECIES
from kadi_battgen.sei.observables import OBSERVABLES, observables
from kadi_battgen.sei.regimes import REGIMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of the species by symbol: those of the thesis (section 4.1: purple organic and red inorganic layers, orange
#: intermediates) and of the published site counts, in shades that also differ in brightness.
SPECIES_COLOURS: Final = MappingProxyType(
    {
        "S": "#FFFFFF",
        "E": "#1A1A1A",
        "A": "#BDBDBD",
        "P": "#2CA02C",
        "F": "#D7261E",
        "O": "#F5A623",
        "OO": "#2F6DD0",
        "C": "#8E44AD",
    }
)

#: Observables of the growth with the colours of their curves, those of the species that they count.
FLUX_COLOURS: Final = MappingProxyType({"flux": INK, "in_flux": SPECIES_COLOURS["F"], "or_flux": SPECIES_COLOURS["C"]})
_HEIGHT_COLOURS: Final = {"thickness": INK, "in_thickness": SPECIES_COLOURS["F"]}
_PORE_COLOURS: Final = {"porosity": INK, "in_layer_porosity": BLUE, "closed_porosity": VERMILION}


def draw_configuration(axes: Axes, configuration: np.ndarray, *, labels: bool = True) -> None:
    """Draw a configuration, the electrode at the bottom; the vertical axis is the distance from its surface.

    Parameters
    ----------
    axes
        Where to draw.
    configuration
        Codes of the species, (rows, columns), row 0 the electrode.
    labels
        Whether the axes are labelled (in nm).

    Raises
    ------
    ValueError
        If it is not two-dimensional or holds a code that is no species.
    """
    from matplotlib.colors import ListedColormap

    codes = np.asarray(configuration)
    if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"a configuration of shape {codes.shape} and type {codes.dtype} is not a lattice of codes.")
    if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) < len(SPECIES):
        raise ValueError(f"a configuration holds the code {int(codes.max())}; the species are 0 to {len(SPECIES) - 1}.")
    rows, columns = codes.shape
    axes.imshow(
        codes,
        cmap=ListedColormap([SPECIES_COLOURS[entry.symbol] for entry in SPECIES]),
        vmin=-0.5,
        vmax=len(SPECIES) - 0.5,
        origin="lower",
        interpolation="nearest",
        extent=(0.0, columns * SITE_SIZE, -SITE_SIZE, (rows - 1) * SITE_SIZE),
    )
    axes.tick_params(labelsize=TICK_SIZE, colors=MUTED, labelcolor=INK, width=0.8, length=3)
    for spine in axes.spines.values():
        spine.set(color=MUTED, linewidth=0.8)
    if labels:
        axes.set_xlabel("Along the electrode / nm", fontsize=LABEL_SIZE, color=INK)
        axes.set_ylabel("Distance from the electrode / nm", fontsize=LABEL_SIZE, color=INK)


def explain_species(target: Any, **placing: Any) -> None:
    """Explain the colours of the species beside an axes or a figure."""
    from matplotlib.patches import Patch

    handles = [
        Patch(
            facecolor=SPECIES_COLOURS[entry.symbol], edgecolor=MUTED, linewidth=0.6, label=species_label(entry.symbol)
        )
        for entry in SPECIES
    ]
    target.legend(handles=handles, frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, **placing)


def species_label(symbol: str) -> str:
    """Return what a species is called in legends: the formula of a salt, else its name."""
    entry = next(entry for entry in SPECIES if entry.symbol == symbol)
    named = not entry.formula or symbol in ("S", "C")
    return entry.name if named else formula_label(entry.formula)


def configuration_figure(configuration: np.ndarray, title: str = "") -> Figure:
    """Show one configuration with its legend and its observables.

    Parameters
    ----------
    configuration
        Codes of the species, (rows, columns), row 0 the electrode.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If it is no configuration.
    """
    figure = new_figure(7.4, 4.9, title)
    panel, side = figure.subplots(1, 2, width_ratios=[1.0, 0.5])
    draw_configuration(panel, configuration)
    side.set_axis_off()
    explain_species(side, loc="upper left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.0)
    values = observables(np.asarray(configuration))
    lines = [f"{OBSERVABLES[name].label}: {value[0]:.3g} {OBSERVABLES[name].unit}" for name, value in values.items()]
    side.text(0.0, 0.0, "\n".join(lines), transform=side.transAxes, fontsize=NOTE_SIZE, color=INK, va="bottom")
    return figure


def regime_montage(
    configurations: np.ndarray, regimes: Sequence[str] | np.ndarray, *, per_regime: int = 6, title: str = ""
) -> Figure:
    """Show some configurations of each regime, one row a regime, with the share of the runs in it.

    Parameters
    ----------
    configurations
        Codes of the species, (N, rows, columns).
    regimes
        Regime of each, one of ``REGIMES``.
    per_regime
        Configurations in a row, taken at even distances from the regime's runs in order of their volume fraction, which
        stands above each in monolayers (ML).
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no configuration or the numbers differ.
    """
    stack, kinds = np.asarray(configurations), np.asarray(regimes)
    if stack.ndim != 3 or not len(stack) or len(kinds) != len(stack):
        raise ValueError(f"configurations of shape {stack.shape} and {len(kinds)} regimes do not fit together.")
    flux = observables(stack)["flux"]
    present = [name for name in REGIMES if name in kinds]
    columns = min(per_regime, max(int((kinds == name).sum()) for name in present))
    figure = new_figure(1.1 + 1.5 * max(columns, 4), 0.9 + 1.75 * len(present), title)
    panels = figure.subplots(len(present), columns, squeeze=False)
    for row, name in zip(panels, present, strict=True):
        members = np.flatnonzero(kinds == name)
        members = members[np.argsort(flux[members], kind="stable")]
        shown = members[np.unique(np.linspace(0, len(members) - 1, min(columns, len(members))).round().astype(int))]
        for panel, index in zip(row, shown, strict=False):
            draw_configuration(panel, stack[index], labels=False)
            panel.set_title(f"run {index}: {flux[index]:.2f} ML", fontsize=TICK_SIZE, color=INK, pad=3)
        for panel in row[len(shown) :]:
            panel.set_axis_off()
        for panel in row[1 : len(shown)]:
            panel.set_yticklabels([])
        row[0].set_ylabel(
            f"{name.capitalize()}\n{len(members) / len(stack):.0%} of {len(stack)}\ndistance / nm",
            fontsize=LABEL_SIZE,
            color=INK,
        )
    for panel in panels[-1]:
        panel.set_xlabel("nm", fontsize=TICK_SIZE, color=INK)
    explain_species(figure, loc="outside lower center", ncols=4)
    return figure


def growth_figure(configurations: np.ndarray, times: Sequence[float] | np.ndarray, title: str = "") -> Figure:
    """Show a run over time: volume fractions, thickness and porosities over logarithmic time, and five configurations.

    Parameters
    ----------
    configurations
        Codes of the species at each time, (S, rows, columns), row 0 the electrode.
    times
        Simulated time of each in s.
    title
        Title of the figure.

    Raises
    ------
    ValueError
        If there is no configuration or the numbers differ.
    """
    stack, seconds = checked_growth(configurations, times)
    values = observables(stack)
    figure = new_figure(9.6, 5.6, title)
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[1.0, 1.05])[:, 0]
    shown = np.unique(np.linspace(0, len(stack) - 1, min(5, len(stack))).round().astype(int))
    pictures = upper.subplots(1, len(shown), squeeze=False)[0]
    for panel, index in zip(pictures, shown, strict=True):
        draw_configuration(panel, stack[index], labels=False)
        panel.set_title(f"{seconds[index]:.2g} s", fontsize=LABEL_SIZE, color=INK)
        panel.set_xlabel("nm", fontsize=TICK_SIZE, color=INK)
    pictures[0].set_ylabel("Distance / nm", fontsize=LABEL_SIZE, color=INK)
    explain_species(upper, loc="outside lower center", ncols=4)
    axes = lower.subplots(1, 3)
    groups = {
        "Volume fraction / monolayers": FLUX_COLOURS,
        "Thickness / nm": _HEIGHT_COLOURS,
        "Porosity / fraction": _PORE_COLOURS,
    }
    for panel, (label, colours) in zip(axes, groups.items(), strict=True):
        draw_growth(panel, seconds, {name: values[name] for name in colours}, colours, label)
    return figure


def draw_growth(
    axes: Axes, times: np.ndarray, values: Mapping[str, np.ndarray], colours: Mapping[str, str], ylabel: str
) -> None:
    """Draw observables over logarithmic time.

    Parameters
    ----------
    axes
        Where to draw.
    times
        Time in s; what is not positive (the start) is left out.
    values
        Each observable by name.
    colours
        Colour of each.
    ylabel
        Label of the vertical axis, with its unit.
    """
    later = np.asarray(times) > 0
    for name, series in values.items():
        axes.plot(
            np.asarray(times)[later],
            np.asarray(series)[later],
            color=colours[name],
            label=OBSERVABLES[name].label,
            linewidth=1.6,
            marker="o",
            markersize=2.6,
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0.0)
    dress(axes, xlabel="Simulated time / s", ylabel=ylabel, grid="both")
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK)


def checked_growth(configurations: np.ndarray, times: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return configurations over time and their times as arrays.

    Raises
    ------
    ValueError
        If there is no configuration or the numbers differ.
    """
    stack, seconds = np.asarray(configurations), np.asarray(times, dtype=np.float64)
    if stack.ndim != 3 or not len(stack) or seconds.shape != (len(stack),):
        raise ValueError(
            f"configurations of shape {stack.shape} and times of shape {seconds.shape} do not fit together."
        )
    return stack, seconds
