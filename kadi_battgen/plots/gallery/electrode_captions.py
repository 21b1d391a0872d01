"""What is said of figures 4.9 to 4.15, with the numbers of the runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kadi_battgen.metrics.regression import working_ion_table
from kadi_battgen.plots.chain_report.thesis import ATOM_REGRESSION
from kadi_battgen.plots.sensitivity import condition_label

if TYPE_CHECKING:
    from kadi_battgen.plots.gallery.electrodes import ElectrodeRuns


def training_data(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.9."""
    parts = runs.part_sizes
    told = ", ".join(
        f"{part} {stacks:,} stacks of {electrodes:,} electrodes" for part, (stacks, electrodes) in parts.items()
    )
    total = sum(electrodes for _, electrodes in parts.values())
    return f"The {total:,} electrodes of the data set and its parts, in which no composition is twice: {told}."


def models(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.10."""
    told = ", ".join(f"{kind} {card['parameters']:,}" for kind, card in runs.cards.items())
    presets = ", ".join(dict.fromkeys(str(card["preset"]) for card in runs.cards.values()))
    return f"Grey boxes are data, coloured ones networks. Parameters of preset {presets}: {told}."


def translated(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.11."""
    metrics, found = runs.found.metrics["translation"], runs.found.metrics
    return (
        "A good, a typical and the worst translations of held-out electrodes. Structural similarity (SSIM) over "
        f"{found['samples']} stacks of {found['electrodes']} electrodes, with 95 % intervals: grey descriptors "
        f"{_score(metrics['translator']['grey'], 'ssim')}, type map {_score(metrics['translator']['type_map'], 'ssim')}; "
        f"of the training mean {_score(metrics['training_mean']['grey'], 'ssim')} and "
        f"{_score(metrics['training_mean']['type_map'], 'ssim')}."
    )


def screened(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.12."""
    metrics = runs.found.metrics["screening"]
    asked, free = metrics["conditional"], metrics["unconditional"]
    names = {
        "working_ion_present_fraction": "holds the asked working ion",
        "capacity_within_15_percent_fraction": "has the asked gravimetric capacity within 15 %",
    }
    told = " and ".join(
        f"a share of {_score(asked, name, '.2f')} {text} ({free[name]:.2f} without conditions)"
        for name, text in names.items()
    )
    return (
        "From the target whose capacity was met best to the one met worst. Of the candidates for held-out targets "
        f"{told}; intervals are 95 %. Another orientation and another place on the surface are as good an answer: images are "
        "to be alike in kind, not pixel by pixel."
    )


def sensitivity(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.13."""
    rows = runs.sensitivities
    words = {"descriptors": "descriptors move", "composition": "the composition moves"}
    told = []
    for output in dict.fromkeys(row["output"] for row in rows):
        ranked = sorted((row for row in rows if row["output"] == output), key=lambda row: -float(row["l2_change"]))
        first, last = (condition_label(row["condition"]).lower() for row in (ranked[0], ranked[-1]))
        told.append(f"{words[output]} most with the {first} and least with the {last}")
    return (
        f"Change of what is generated when one condition changes, for {rows[0]['electrodes']} held-out electrodes and "
        f"{rows[0]['seeds']} noise seeds each; black lines are 95 % intervals. {'; '.join(told).capitalize()}."
    )


def ion_counts(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.14."""
    held_out = runs.held_out
    rows = working_ion_table(held_out["true"], held_out["predicted"], [str(ion) for ion in held_out["working_ions"]])
    told = ", ".join(
        f"{row['working_ion']} {_number(row['r2'])} ({ATOM_REGRESSION[row['working_ion']][2]:.2f})"
        for row in rows
        if row["samples"]
    )
    return (
        f"{len(held_out['true'])} held-out electrodes, predictions averaged over their orientations; thick dashed lines are "
        "medians, thin ones quartiles. R² of the count of each ion over all of them, in brackets the thesis's: "
        f"{told}. The thesis's electrodes are others, and it does not say over which samples its scores run."
    )


def ion_errors(runs: ElectrodeRuns) -> str:
    """Return the caption of figure 4.15."""
    held_out = runs.held_out
    rows = working_ion_table(held_out["true"], held_out["predicted"], [str(ion) for ion in held_out["working_ions"]])
    told = ", ".join(f"{row['working_ion']} {row['mean_absolute_error']:.3f}" for row in rows)
    return (
        "Predicted minus true number of atoms per reduced formula of the same electrodes; the vertical axis is linear below "
        f"one electrode. Mean absolute error over all of them, in atoms: {told}."
    )


def _score(scores: Mapping[str, Any], name: str, form: str = ".3f") -> str:
    """Return a number with its interval, if it has one."""
    text = format(scores[name], form)
    interval = scores.get("intervals", {}).get(name)
    return text if interval is None else f"{text} ({interval['low']:{form}} to {interval['high']:{form}})"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}".replace("-", "−")
