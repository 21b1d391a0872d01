"""What is said of figures 4.1 to 4.8, with the numbers of the runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from kadi_battgen.plots.gallery.interphase import InterphaseRuns


def prvae(runs: InterphaseRuns) -> str:
    """Return the caption of figure 4.1."""
    card, (true, shown) = runs.model.card, runs.example
    made, kept = observables(true), observables(shown)
    return (
        f"(a) The network of preset {card['preset']}; during training the decoder sees a latent that is drawn, the regressor "
        f"the mean alone. (b, c) A {runs.part} configuration ({made['flux'][0]:.2f} ML, {made['thickness'][0]:.2f} nm) and "
        f"what is decoded from the mean of its latent ({kept['flux'][0]:.2f} ML, {kept['thickness'][0]:.2f} nm): "
        f"a share of {np.mean(true == shown):.3f} of the sites holds the same species. (d) Losses over "
        f"{card['epochs_trained']} epochs; the validation loss is least in epoch {card['best']['epoch']:.0f}."
    )


def latent_spaces(runs: InterphaseRuns) -> str:
    """Return the caption of figure 4.2."""
    latent, titles, count = runs.found.metrics["latent"], list(runs.found.scores), len(runs.sample)
    told = "; ".join(
        f"{_name(name)} {_number(entry['linear_r2_in_plane'])} and "
        f"{_number(latent['other']['ordering'][name]['linear_r2_in_plane'])}"
        for name, entry in latent["model"]["ordering"].items()
    )
    shares = latent["model"]["variance_shares"]
    return (
        f"{count:,} {runs.part} configurations in the plane of the first two principal components of "
        f"the latent means. R² of a linear function of the plane, {titles[0]} and {titles[1]}: {told}. The plane holds "
        f"a share of {sum(shares[:2]):.2f} of the variance of the {titles[0]}'s latent."
    )


def predicted_properties(runs: InterphaseRuns) -> str:
    """Return the caption of figure 4.3."""
    told = "; ".join(
        f"{_name(name)} {_with_interval(entry)}" for name, entry in runs.found.metrics["properties"].items()
    )
    return (
        f"Properties predicted from the latent mean of {len(runs.sample):,} {runs.part} configurations; bars are "
        f"90 % intervals of the regressor. R² with 95 % bootstrap intervals: {told}."
    )


def correlated_properties(runs: InterphaseRuns) -> str:
    """Return the caption of figure 4.4."""
    table = runs.found.metrics["correlations"]
    others = {name: value for name, value in table["porosity"].items() if name != "porosity" and value is not None}
    main = {name: others[name] for name in ("flux", "density", "thickness") if name in others}
    told = ", ".join(f"{_name(name)} {_number(value)}" for name, value in main.items())
    deviation = float(np.std(runs.sample.observables["porosity"]))
    return (
        "Pearson's correlation of each pair of observables over the same configurations. Porosity goes with the others like "
        f"this: {told}; its standard deviation is {deviation:.2f}."
    )


def component(number: int) -> Callable[[InterphaseRuns], str]:
    """Return what makes the caption of the walk along a principal component, from 0."""

    def caption(runs: InterphaseRuns) -> str:
        measured = runs.walked.walks[number].measured
        share = runs.walked.metrics["latent"]["model"]["variance_shares"][number]
        return (
            f"Configurations that the conditional prVAE decodes from the least to the greatest score of the {runs.part} part, "
            "all other components and the barriers at their means; above each its score and its thickness. The component "
            f"holds a share of {share:.2f} of the variance of the latent; along it the thickness is "
            f"{_steps(measured['thickness'], 'nm')} and the porosity {_steps(measured['porosity'], '')}."
        )

    return caption


def barriers_and_latent(runs: InterphaseRuns) -> str:
    """Return the caption of figure 4.8."""
    along, walked = runs.walked.barrier_walks, runs.walked.walks[0]
    fixed = "; ".join(
        f"{_barrier(walk.label)} {_steps(walk.measured['thickness'], 'nm')}" for walk in along["fixed"][:2]
    )
    text = (
        "Thickness of what the conditional prVAE decodes, from step to step. (a) One barrier changes, the latent stays at its "
        f"mean: {fixed}. (b) The latent changes along its first component, the barriers stay at their means: "
        f"{_steps(walked.measured['thickness'], 'nm')}."
    )
    if "following" in along:
        first = along["following"][0]
        text += (
            f" (c) One barrier changes and the latent follows as the prior expects: {_barrier(first.label)} "
            f"{_steps(first.measured['thickness'], 'nm')}."
        )
    return text


def _barrier(label: str) -> str:
    """Return the name of the barrier that a walk's label ends in, without its unit."""
    return label.split(" / ")[0].lower()


def _steps(values: np.ndarray, unit: str) -> str:
    return f"{', '.join(f'{value:.2f}' for value in values)} {unit}".strip()


def _name(name: str) -> str:
    return OBSERVABLES[name].label.split(" (")[0].lower()


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}".replace("-", "−")


def _with_interval(entry: Mapping[str, Any]) -> str:
    if entry["r2"] is None:
        return "undefined"
    low, high = (entry["r2_interval"][end] for end in ("low", "high"))
    return f"{entry['r2']:.4f} ({low:.4f} to {high:.4f})"
