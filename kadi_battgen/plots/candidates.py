"""Candidates of a screening against what was asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.plots.palette import BLUE, GREEN, INK, MUTED, VERMILION
from kadi_battgen.plots.style import LABEL_SIZE, NOTE_SIZE, dress, formula_label, mathematical, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CAPACITY = FUNCTIONAL_PROPERTIES["gravimetric_capacity"].column
_ASKED, _OBTAINED = f"asked_{_CAPACITY}", f"theoretical_{_CAPACITY}"
_NEAREST, _DISTANCE = "nearest_known_formula", "nearest_known_distance_fraction"


def candidates_figure(rows: Sequence[Mapping[str, Any]], target: Mapping[str, Any], limit: int = 20) -> Figure:
    """Compare the capacity each candidate was asked to have with the one that follows from its formula.

    Beside it stand the asked properties as the property model expects them, with intervals, and how far each candidate is from
    the nearest known electrode.

    Parameters
    ----------
    rows
        Candidates, best first, as in ``candidates.csv``. Of their columns these are used: ``formula``;
        ``asked_gravimetric_capacity_mAh_per_g`` and ``theoretical_gravimetric_capacity_mAh_per_g`` (numbers or their
        texts, empty where there is none); ``nearest_known_formula`` and ``nearest_known_distance_fraction``, the share
        of atoms that differ; and, where they are there, ``predicted_`` columns of the asked properties with ``_low`` and
        ``_high``, and ``novel``.
    target
        What was asked for: ``working_ion`` and functional properties by name, each a number, a range
        (lowest, highest) with None for an open end, or a text such as ``3.5:4.0`` or ``150: mAh/g``, in its unit.
    limit
        Number of candidates to show.

    Raises
    ------
    ValueError
        If there is no candidate or a key is missing.
    """
    shown = list(rows[:limit])
    missing = [key for key in ("formula", _OBTAINED, _NEAREST, _DISTANCE) if any(key not in row for row in shown)]
    if not shown or missing:
        raise ValueError(f"there is no candidate to show, or it lacks {', '.join(missing)}.")
    expected = _expected(shown, target)
    figure = new_figure(9.6 + 2.6 * len(expected), 1.9 + 0.3 * len(shown))
    heading = textwrap.fill(f"Target: {describe_target(target)}", 100 + 25 * len(expected))
    figure.suptitle(heading, fontsize=LABEL_SIZE + 1, color=INK)
    left, *middle, right = figure.subplots(1, 2 + len(expected), width_ratios=[1.35, *[0.75] * len(expected), 1.0])
    _capacities(left, shown, target)
    for axes, name in zip(middle, expected, strict=True):
        _expectations(axes, shown, name, target.get(name))
    _distances(right, shown)
    for axes in (left, *middle, right):
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
    return figure


def describe_target(target: Mapping[str, Any]) -> str:
    """Return a target in words: ``Li, average voltage 3.5–4 V``."""
    ion = target.get("working_ion")
    parts = [] if not ion else ["any ion" if ion == "any" else str(ion)]
    for name, wanted in target.items():
        if name not in FUNCTIONAL_PROPERTIES or wanted is None:
            continue
        entry = FUNCTIONAL_PROPERTIES[name]
        low, high = _range(wanted)
        if np.isinf(low) or np.isinf(high):
            amount = f"≥ {low:g}" if np.isinf(high) else f"≤ {high:g}"
        else:
            amount = f"{low:g}" if low == high else f"{low:g}–{high:g}"
        unit = "(fraction)" if entry.unit == "fraction" else mathematical(entry.unit)
        parts.append(f"{entry.label.lower()} {amount} {unit}")
    return ", ".join(parts)


def _capacities(axes: Axes, rows: Sequence[Mapping[str, Any]], target: Mapping[str, Any]) -> None:
    places = np.arange(len(rows))
    asked = np.array([_number(row.get(_ASKED)) for row in rows])
    obtained = np.array([_number(row[_OBTAINED]) for row in rows])
    axes.hlines(places, np.fmin(asked, obtained), np.fmax(asked, obtained), color=MUTED, linewidth=1.0, zorder=1)
    if np.isfinite(asked).any():
        axes.plot(asked, places, "o", color="white", markeredgecolor=VERMILION, markeredgewidth=1.6, label="asked for")
    axes.plot(obtained, places, "o", color=BLUE, label="from the formula")
    axes.set_yticks(
        places, [f"{formula_label(str(row['formula'])) or 'no element'}  {place + 1}" for place, row in enumerate(rows)]
    )
    low, high = _range(target.get("gravimetric_capacity"))
    edges = [*asked, *obtained, low if np.isfinite(low) else 0.0]
    axes.set_xlim(0, 1.08 * max(float(np.nanmax(edges)), 1.0))
    # Only as far as the axis goes: a range may be open.
    low, high = np.clip((low, high), *axes.get_xlim())
    if target.get("gravimetric_capacity") is not None and high > low:
        axes.axvspan(low, high, color=GREEN, alpha=0.13, linewidth=0, label="target range")
    dress(axes, xlabel=FUNCTIONAL_PROPERTIES["gravimetric_capacity"].axis_label, ylabel="Candidate and rank", grid="x")
    axes.legend(frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)


def _expected(rows: Sequence[Mapping[str, Any]], target: Mapping[str, Any]) -> list[str]:
    """Return the properties whose expectations are shown: at most two asked ones that do not follow from the formula."""
    known = [
        entry.name
        for entry in FUNCTIONAL_PROPERTIES.values()
        if entry.name != "gravimetric_capacity" and f"predicted_{entry.column}" in rows[0]
    ]
    asked = [name for name in known if target.get(name) is not None]
    return (asked or known[:1])[:2]


def _expectations(axes: Axes, rows: Sequence[Mapping[str, Any]], name: str, wanted: Any) -> None:
    places, entry = np.arange(len(rows)), FUNCTIONAL_PROPERTIES[name]
    mean, low, high = (
        np.array([_number(row[f"predicted_{entry.column}{end}"]) for row in rows]) for end in ("", "_low", "_high")
    )
    axes.hlines(places, low, high, color=BLUE, alpha=0.45, linewidth=2.2)
    axes.plot(mean, places, "o", color=BLUE)
    if wanted is not None:
        # Only as far as the axis goes: a range may be open.
        bounds = axes.get_xlim()
        low_end, high_end = np.clip(_range(wanted), *bounds)
        if high_end > low_end:
            axes.axvspan(low_end, high_end, color=GREEN, alpha=0.13, linewidth=0)
        else:
            axes.axvline(low_end, color=GREEN, linewidth=1.6)
        axes.set_xlim(*bounds)
    axes.set_yticks(places, [str(place + 1) for place in places])
    dress(axes, xlabel=f"Expected {entry.axis_label[0].lower()}{entry.axis_label[1:]}", grid="x")


def _distances(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    places = np.arange(len(rows))
    distances = np.array([_number(row[_DISTANCE]) for row in rows])
    axes.barh(places, distances, height=0.55, color=BLUE, alpha=0.35)
    for place, (row, distance) in enumerate(zip(rows, distances, strict=True)):
        if row[_NEAREST]:
            axes.text(
                0.0 if np.isnan(distance) else distance,
                place,
                f"  {formula_label(str(row[_NEAREST]))}{' (known)' if str(row.get('novel')) == 'False' else ''}",
                va="center",
                fontsize=NOTE_SIZE,
                color=INK,
            )
    furthest = float(np.nanmax(distances, initial=0.0))
    # Room for the formulas to the right of the bars.
    axes.set_xlim(0, (furthest or 1.0) * 1.6)
    axes.set_yticks(places, [str(place + 1) for place in places])
    dress(axes, xlabel="Atoms that differ from the nearest\nknown electrode (fraction)", grid="x")


def _range(wanted: Any) -> tuple[float, float]:
    """Return the bounds of a target, infinite where it is open."""
    if isinstance(wanted, str):
        wanted = wanted.split()[0].split(":")
    bounds = list(wanted) if isinstance(wanted, Sequence | np.ndarray) else [wanted]
    low, high = (None if bound in (None, "") else float(bound) for bound in (bounds[0], bounds[-1]))
    return -np.inf if low is None else low, np.inf if high is None else high


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)
