"""The data card of an SEI campaign; every number on it is computed from the file."""

from __future__ import annotations

import os

import numpy as np

from kadi_battgen.electrodes.card import markdown_table
from kadi_battgen.files import write_text
from kadi_battgen.sei.chemistry import BARRIER_NAMES
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.regimes import REGIMES
from kadi_battgen.sei.store import SeiCampaign


def write_card(card: str | os.PathLike[str], campaign_path: str | os.PathLike[str]) -> None:
    """Write the data card (Markdown) of a campaign.

    Parameters
    ----------
    card
        File to write.
    campaign_path
        The campaign file.

    Raises
    ------
    UserError
        If it is no campaign file.
    """
    with SeiCampaign.open(campaign_path) as campaign:
        parts = [
            _introduction(campaign),
            _design(campaign),
            _regimes(campaign),
            _observables(campaign),
            _ends(campaign),
            _faults(campaign),
        ]
    write_text(card, "\n\n".join(parts) + "\n")


def _introduction(campaign: SeiCampaign) -> str:
    rows, columns = campaign.lattice_shape
    size = campaign.path.stat().st_size / 1e6
    kept = f", with {campaign.snapshots} configurations on the way of each" if campaign.snapshots else ""
    return f"""# Data card: SEI campaign

`{campaign.path.name}` ({size:.2f} MB) holds {len(campaign)} kinetic Monte Carlo simulations of the growth of a
solid electrolyte interphase (SEI) on a lattice of {rows} rows and {columns} columns of 1 nm{kept}:
configuration at the end, reaction barriers, observables, number of events, simulated time, seed, and what ended each run.

These are simulations of a coarse lattice model, not measurements. The chemistry is that of Esmaeilpour et al., Adv. Energy
Mater. 13 (2023) 2203966."""


def _design(campaign: SeiCampaign) -> str:
    settings, model, design = campaign.settings, campaign.model, campaign.design
    longest = "no limit" if settings["max_time"] is None else f"{settings['max_time']:g} s"
    ranges = design.get("ranges") or {}
    rows = [
        (name, *(f"{value:.4f}" for value in (column.min(), np.median(column), column.max())), _range(ranges.get(name)))
        for name, column in zip(BARRIER_NAMES, campaign.barriers.T, strict=True)
    ]
    return f"""## How it was made

* Design: {design["name"]}, seed {settings["seed"]}
* A run ends after: {settings["max_events"]:,} events, or {longest} of simulated time
* Temperature: {model["temperature"]:g} K
* Cluster rule: {model["cluster_rule"]}; electrons tunnel {model["tunnelling_depth"]:g} nm

The attribute `request` of the file holds every field.

{markdown_table(("barrier", "lowest / eV", "median / eV", "highest / eV", "range of the design / eV"), rows)}"""


def _range(entry: dict[str, object] | None) -> str:
    return "given" if entry is None else f"{entry['low_eV']:.4f} to {entry['high_eV']:.4f}, {entry['law']}"


def _regimes(campaign: SeiCampaign) -> str:
    counts = [(name, int((campaign.regimes == name).sum()), rule) for name, rule in REGIMES.items()]
    rows = [(name, count, f"{count / len(campaign):.1%}", rule) for name, count, rule in counts]
    return f"## Regimes\n\n{markdown_table(('regime', 'runs', 'share', 'rule, the first that holds'), rows)}"


def _observables(campaign: SeiCampaign) -> str:
    rows = []
    for name, values in campaign.observables.items():
        entry = OBSERVABLES[name]
        numbers = (values.min(), np.median(values), values.mean(), values.max())
        rows.append((f"`{name}`", entry.unit, *(f"{number:.4g}" for number in numbers), entry.definition))
    head = ("observable", "unit", "lowest", "median", "mean", "highest", "definition")
    return f"## Observables\n\n{markdown_table(head, rows)}"


def _ends(campaign: SeiCampaign) -> str:
    reasons, counts = np.unique(campaign.stop_reasons, return_counts=True)
    rows = [(reason, count, f"{count / len(campaign):.1%}") for reason, count in zip(reasons, counts, strict=True)]
    time, events = campaign.time, campaign.events
    return f"""## How the runs ended

{markdown_table(("ended by", "runs", "share"), rows)}

Simulated times go from {time.min():.3g} to {time.max():.3g} s (median {np.median(time):.3g} s), events from
{events.min():,} to {events.max():,} (median {np.median(events):,.0f})."""


def _faults(campaign: SeiCampaign) -> str:
    most = f"{campaign.settings['max_events']:,}"
    return f"""## Known faults

* A run that was stopped after {most} events shows an SEI that would grow on; runs with fast diffusion reach less
  simulated time with as many events, so that configurations of different barriers differ in age.
* The lattice has two dimensions and walls at both sides, the electrolyte does not run out, and there is no potential.
* The published runs of this model (Adv. Energy Mater. 13, 2203966) were stopped by wall clock and counted events at the
  electrode repeatedly; this campaign does neither, so that single runs do not compare, only distributions and ranks do.
* Density is the volume fraction over the number of rows: the two are one observable with two units."""
