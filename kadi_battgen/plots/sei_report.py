"""The sections of a report on a characterised latent space of SEI configurations, and the numbers to read first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kadi_battgen.plots.interactive.latent_explorer import LatentExplorer, PointProperty
from kadi_battgen.plots.interactive.widget import indexed_picture_url
from kadi_battgen.plots.report import Column, KeyFigure, ReportFigure, Section, Table
from kadi_battgen.plots.sei import SPECIES_COLOURS, species_label
from kadi_battgen.plots.sei_latent import component_trends, latent_maps, latent_usage
from kadi_battgen.plots.sei_properties import correlation_heatmap, property_parity
from kadi_battgen.plots.sei_walks import neighbour_figure, walk_figure
from kadi_battgen.sei.chemistry import SPECIES
from kadi_battgen.sei.properties import OBSERVABLES

if TYPE_CHECKING:
    from kadi_battgen.applications.sei.characterization import Characterization

#: Configurations to point into: each of them carries its picture.
_POINTS = 400

#: Walks along barriers that are shown, those that change most.
_BARRIERS = 3


def characterization_sections(found: Characterization) -> list[Section]:
    """Return the sections on latent space, predictions, walks, familiarity and neighbours."""
    sections = [_latent(found), _usage(found)]
    if found.predicted:
        sections.append(_predictions(found))
    sections.append(_correlations(found))
    sections.append(_walks(found))
    if found.barrier_walks:
        sections.append(_barriers(found))
    return [*sections, _neighbours(found), _familiarity(found.metrics["out_of_distribution"])]


def characterization_headline(metrics: Mapping[str, Any]) -> list[KeyFigure]:
    """Return the few numbers of a characterisation that a reader should see first."""
    figures = [
        KeyFigure(
            f"R² of the {OBSERVABLES[name].label.lower()}",
            round(value, 4),
            "",
            f"{metrics['configurations']} runs",
        )
        for name, value in metrics.get("r2", {}).items()
        if value is not None and name != "density"
    ]
    usage = metrics["latent"]["model"]["usage"]
    return [*figures, KeyFigure("Active units of the latent", usage["active_units"], "", f"of {usage['units']}")]


def _shown(found: Characterization) -> tuple[str, ...]:
    """Return the observables that the latent space is asked about."""
    return tuple(found.metrics["latent"]["model"]["ordering"])


def _guide(found: Characterization) -> str:
    return "thickness" if "thickness" in _shown(found) else _shown(found)[0]


def _latent(found: Characterization) -> Section:
    latent = [found.metrics["latent"][key] for key in ("model", "other") if key in found.metrics["latent"]]
    names = _shown(found)
    values = {name: found.sample.observables[name] for name in names}
    maps = ReportFigure(
        latent_maps(found.scores, values, [entry["ordering"] for entry in latent]),
        f"Configurations in the plane of the first principal components of {' and '.join(found.scores)}, coloured by property",
        "Colours end at the 1 % and 99 % quantiles. Linear R² and smoothness are those of the plane.",
    )
    columns = (
        Column("Latent space"),
        Column("Property"),
        *(Column(label, kind="number", decimals=3) for label in ("Linear R²", "in plane", "Smoothness", "in plane ")),
    )
    keys = ("linear_r2", "linear_r2_in_plane", "smoothness", "smoothness_in_plane")
    rows = [
        (space, OBSERVABLES[name].label, *(entry["ordering"][name][key] for key in keys))
        for space, entry in zip(found.scores, latent, strict=True)
        for name in names
    ]
    text = (
        "How well properties are ordered: the R² of a linear function of the latent on configurations that it was not fitted "
        "to, and smoothness, 1 where neighbours have the same value and 0 where they are as different as any two."
    )
    return Section("Latent space", [text], figures=[maps], tables=[Table(columns, rows)], widgets=[_explorer(found)])


def _explorer(found: Characterization) -> LatentExplorer:
    title, scores = next(iter(found.scores.items()))
    sample, shares = found.sample, found.metrics["latent"]["model"]["variance_shares"]
    shown = np.sort(np.random.default_rng(0).permutation(len(sample))[:_POINTS])
    plane = np.zeros((len(shown), 2))
    plane[:, : scores[:, :2].shape[1]] = scores[shown, :2]
    colours = {species_label(entry.symbol): SPECIES_COLOURS[entry.symbol] for entry in SPECIES}
    still = component_trends(scores, sample.observables[_guide(found)], _guide(found))
    return LatentExplorer(
        f"Latent space of the {title}: point at a configuration",
        ReportFigure(still, f"{OBSERVABLES[_guide(found)].label} over the first principal components"),
        plane,
        tuple(f"Principal component {n + 1}, {(*shares, 0, 0)[n]:.0%} of the variance" for n in range(2)),  # type: ignore[arg-type]
        [PointProperty(OBSERVABLES[n].label, OBSERVABLES[n].unit, sample.observables[n][shown]) for n in _shown(found)],
        [f"run {run}" for run in sample.runs[shown]],
        # The electrode at the bottom.
        [indexed_picture_url(sample.configurations[row][::-1], colours) for row in shown],
        colours,
    )


def _usage(found: Characterization) -> Section:
    latent = {
        space: found.metrics["latent"][key]
        for space, key in zip(found.scores, ("model", "other"), strict=False)
        if key in found.metrics["latent"]
    }
    figure = ReportFigure(
        latent_usage({space: entry["usage"] for space, entry in latent.items()}),
        "Divergence of each unit of the latent from the prior, by rank",
    )
    rows = [
        (
            space,
            entry["usage"]["active_units"],
            entry["usage"]["effective_dimensions"],
            entry["disentanglement"]["mutual_information_gap"]["mean"],
            entry["disentanglement"]["disentanglement"],
            entry["disentanglement"]["completeness"],
        )
        for space, entry in latent.items()
    ]
    columns = (
        Column("Latent space"),
        Column("Active units", kind="number"),
        Column("Effective dimensions", kind="number"),
        *(
            Column(label, kind="number", decimals=3)
            for label in ("Mutual information gap", "Disentanglement", "Completeness")
        ),
    )
    text = (
        "A unit is active if its mean has a variance above 0.01 (Burda et al., ICLR 2016). Mutual information gap: Chen "
        "et al., NeurIPS 2018; disentanglement and completeness: Eastwood and Williams, ICLR 2018."
    )
    return Section("Use of the latent", [text], figures=[figure], tables=[Table(columns, rows)])


def _predictions(found: Characterization) -> Section:
    numbers = found.metrics["properties"]
    figure = ReportFigure(
        property_parity(found.sample.observables, found.predicted, found.low, found.high, numbers),
        f"Predicted against true {', '.join(OBSERVABLES[name].label.lower() for name in found.predicted)}",
    )
    columns = (
        Column("Property"),
        Column("Unit"),
        Column("R²", kind="number", decimals=4),
        Column("Mean absolute error", kind="number"),
        Column("90 % intervals hold", unit="fraction", kind="number", decimals=3),
        Column("Their mean width", kind="number"),
    )
    keys = ("r2", "mean_absolute_error", "coverage_90", "interval_width_90")
    rows = [
        (OBSERVABLES[name].label, OBSERVABLES[name].unit, *(entry[key] for key in keys))
        for name, entry in numbers.items()
    ]
    return Section("Prediction of properties", figures=[figure], tables=[Table(columns, rows)])


def _correlations(found: Characterization) -> Section:
    figure = ReportFigure(correlation_heatmap(found.metrics["correlations"]), "Correlation of each pair of observables")
    return Section("Correlation of properties", figures=[figure])


def _walks(found: Characterization) -> Section:
    name = _guide(found)
    figures = [
        ReportFigure(
            walk_figure(found.walks, name),
            f"Decoded configurations along the principal components, with the {OBSERVABLES[name].label.lower()} measured",
            "Above each: position along the component, and what is measured on the decoded configuration.",
        )
    ]
    labels = [OBSERVABLES[entry].axis for entry in _shown(found)]
    columns = (Column("Along"), *(Column(f"Change of {label}", kind="number") for label in labels))
    rows = [
        (key.replace("_", " ").capitalize(), *(changes[entry] for entry in _shown(found)))
        for key, changes in found.metrics["walks"].items()
    ]
    return Section("Walks along the principal components", figures=figures, tables=[Table(columns, rows)])


def _barriers(found: Characterization) -> Section:
    name = _guide(found)
    told = {
        "fixed": "the latent stays where it is",
        "following": "the latent follows the barriers, as the prior expects",
    }
    figures = [
        ReportFigure(
            walk_figure(walks[:_BARRIERS], name),
            f"Decoded configurations along single barriers while {told[kind]}",
            f"{told[kind].capitalize()}; above each: barrier in eV, and what is measured on the decoded configuration.",
        )
        for kind, walks in found.barrier_walks.items()
    ]
    changes = found.metrics["barrier_walks"]
    columns = (
        Column("Barrier"),
        *(Column(f"Change while {told[kind].split(',')[0]}", OBSERVABLES[name].unit, "number") for kind in changes),
    )
    rows = [(barrier, *(entries[barrier] for entries in changes.values())) for barrier in changes["fixed"]]
    return Section(
        "Walks over the barriers",
        [
            f"Each barrier by itself from its least to its greatest value; change of the {OBSERVABLES[name].label.lower()}."
        ],
        figures=figures,
        tables=[Table(columns, rows, sortable=True)],
    )


def _neighbours(found: Characterization) -> Section:
    figure = ReportFigure(
        neighbour_figure(found.neighbourhoods, _guide(found)),
        "Configurations and their nearest neighbours in the latent space",
    )
    return Section("Nearest neighbours", figures=[figure])


def _familiarity(numbers: Mapping[str, Any]) -> Section:
    rows = [(name.replace("_", " ").capitalize(), area) for name, area in numbers["area_under_curve"].items()]
    columns = (Column("Spoilt by"), Column("Found", "AUC", "number", 3))
    text = (
        f"{numbers['familiar_fraction']:.1%} of the configurations are as familiar to the model as 95 % of those it was "
        "calibrated on. The table tells how often a spoilt configuration scores above one that is not (0.5 is guessing)."
    )
    return Section("Out-of-distribution score", [text], tables=[Table(columns, rows)])
