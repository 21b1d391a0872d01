"""Sections on campaigns of the solid electrolyte interphase."""

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
