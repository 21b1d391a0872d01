"""The figure of the guided generation and of the closed loop, from the results that sei_generation.py wrote.

    python benchmarks/sei_generation_figure.py

draws sei_generation.png beside sei_generation.json anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.files import read_json
from kadi_battgen.plots.palette import BLUE, INK, MUTED
from kadi_battgen.plots.style import NOTE_SIZE, dress, image_bytes, new_figure, note
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"


def figure(found: Mapping[str, Any]) -> Figure:
    """Draw the errors by property and way, and asked against obtained thickness."""
    drawn = new_figure(10.4, 4.4)
    left, right = drawn.subplots(1, 2, width_ratios=[1.35, 1.0])
    singles = [names for names in found["guided"] if "+" not in names]
    colours = (MUTED, "#56B4E9", BLUE, INK)
    for number, (way, colour) in enumerate(zip(found["guided"][singles[0]], colours, strict=True)):
        intervals = [found["guided"][name][way]["median_relative_error"][name] for name in singles]
        middle_ = np.array([entry["estimate"] for entry in intervals])
        ends = np.array(
            [[entry["estimate"] - entry["low"], entry["high"] - entry["estimate"]] for entry in intervals]
        ).T
        place = np.arange(len(singles)) + 0.2 * (number - 1.5)
        left.errorbar(
            place, middle_, yerr=np.maximum(ends, 0), fmt="o", color=colour, markersize=5, capsize=3, label=way
        )
    left.axhline(0.05, color=MUTED, linewidth=1.0, linestyle="--")
    left.set_yscale("log")
    left.set_xticks(np.arange(len(singles)), [OBSERVABLES[name].label for name in singles])
    dress(left, ylabel="Median relative error / fraction", title="Guided generation", grid="y")
    # Below the axis: points may lie anywhere in the panel.
    left.legend(
        frameon=False, fontsize=NOTE_SIZE, labelcolor=INK, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.09)
    )
    asked, mean, deviation = (np.array(found["points"][key]) for key in ("asked", "mean", "deviation"))
    ends_ = (-0.5, 1.05 * max(asked.max(), mean.max()))
    right.plot(ends_, ends_, color=MUTED, linewidth=1.0, linestyle="--")
    right.errorbar(asked, mean, yerr=deviation, fmt="o", color=BLUE, markersize=3.5, alpha=0.55, elinewidth=0.8)
    right.set(xlim=ends_, ylim=ends_, aspect="equal")
    dress(right, xlabel="Asked thickness / nm", ylabel="Simulated thickness / nm", title="Closed loop")
    numbers = found["closed_loop"]["ways"]["proposed"]
    note(
        right,
        f"Spearman {numbers['spearman']['mean']:.3f}\nbetween seeds {numbers['spearman_between_seeds']['mean']:.3f}",
    )
    return drawn


if __name__ == "__main__":
    drawing = image_bytes(figure(read_json(RESULTS / "sei_generation.json")), "png", 120)
    (RESULTS / "sei_generation.png").write_bytes(drawing)
