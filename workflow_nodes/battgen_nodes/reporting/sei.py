"""Sections on the solid electrolyte interphase: campaigns, characterised latent spaces, generated configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.plots.report import Column, ReportFigure, Section, Table
from kadi_battgen.plots.sei import regime_montage

if TYPE_CHECKING:
    from battgen_nodes.reporting.chain import Step

#: Configurations per regime that are shown.
_PER_REGIME = 4


def campaign_sections(step: Step) -> list[Section]:
    """Return the section on a campaign: configurations of each regime, and how the observables spread."""
    import numpy as np

    from kadi_battgen.sei.observables import OBSERVABLES
    from kadi_battgen.sei.store import SeiCampaign

    sections = []
    for path in step.results(".h5"):
        with SeiCampaign.open(path) as campaign:
            figure = ReportFigure(
                regime_montage(campaign.configurations(), campaign.regimes, per_regime=_PER_REGIME),
                "Configurations of each regime, from the electrode at the bottom to the absorbing boundary.",
            )
            rows = [
                (OBSERVABLES[name].label, OBSERVABLES[name].unit, *np.quantile(values, (0.0, 0.05, 0.5, 0.95, 1.0)))
                for name, values in campaign.observables.items()
            ]
            head = ("Least", "5 %", "Median", "95 %", "Most")
            columns = (Column("Observable"), Column("Unit"), *(Column(label, kind="number") for label in head))
            text = f"{len(campaign)} runs of the kinetic Monte Carlo engine."
            sections.append(Section("SEI campaign", [text], figures=[figure], tables=[Table(columns, rows)]))
    return sections


def characterization_sections(step: Step) -> list[Section]:
    """Return the section on a characterisation: how well properties are predicted and ordered, and how they go together."""
    from kadi_battgen.files import read_json
    from kadi_battgen.plots.sei_properties import correlation_heatmap
    from kadi_battgen.sei.observables import OBSERVABLES

    sections = []
    for folder in step.folders():
        metrics = read_json(folder / "metrics.json")
        predicted, ordering = metrics.get("properties", {}), metrics["latent"]["model"]["ordering"]
        rows = [
            (
                OBSERVABLES[name].label,
                predicted.get(name, {}).get("r2"),
                predicted.get(name, {}).get("coverage_90"),
                entry["linear_r2"],
                entry["smoothness"],
            )
            for name, entry in ordering.items()
        ]
        head = ("R² of the regressor", "90 % intervals hold / fraction", "Linear R² of the latent", "Smoothness")
        columns = (Column("Property"), *(Column(label, kind="number", decimals=3) for label in head))
        figure = ReportFigure(correlation_heatmap(metrics["correlations"]), "Correlation of each pair of observables")
        text = (
            f"{metrics['configurations']} configurations seen by a trained autoencoder ({metrics['variant']}). Walks, "
            "neighbours and a latent space to point into are on the page that the run made."
        )
        sections.append(Section("Latent space of the SEI", [text], figures=[figure], tables=[Table(columns, rows)]))
    return sections


def generation_sections(step: Step) -> list[Section]:
    """Return the section on generated configurations: the best of them, and asked against measured observables."""
    import numpy as np

    from kadi_battgen.plots.sei_generation import asked_and_obtained, generated_montage
    from kadi_battgen.sei.observables import OBSERVABLES
    from kadi_battgen.sei.store import SeiCampaign

    sections = []
    for path in step.results(".h5"):
        with SeiCampaign.open(path) as campaign:
            if campaign.is_simulated:  # the simulations of proposed barriers
                continue
            wanted = campaign.design.get("target", {})
            asked = {name: campaign.generated(f"asked/{name}") for name in wanted}
            measured, configurations = campaign.observables, campaign.configurations()
        figures = [
            ReportFigure(
                generated_montage(configurations, asked, measured), "Generated configurations, the best ones first."
            )
        ]
        if asked:
            compared = asked_and_obtained(asked, measured, {})
            figures.append(ReportFigure(compared, "Measured over asked observables of the generated configurations."))
        rows = [
            (OBSERVABLES[name].label, OBSERVABLES[name].unit, text, *np.quantile(measured[name], (0.0, 0.5, 1.0)))
            for name, text in wanted.items()
        ]
        columns = (
            Column("Observable"),
            Column("Unit"),
            Column("Wanted"),
            *(Column(label, kind="number") for label in ("Least measured", "Median", "Most")),
        )
        text = f"{len(configurations)} configurations that a trained autoencoder generated; nothing was simulated."
        tables = [Table(columns, rows)] if rows else []
        sections.append(Section("Generated SEI configurations", [text], figures=figures, tables=tables))
    return sections
