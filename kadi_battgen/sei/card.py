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
from kadi_battgen.sei.validity import CHECKS, checks, joined_fraction, model_tunnelling_rows

#: Configurations that are read together.
_BLOCK = 512


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
        made = (
            [_introduction(campaign), _design(campaign)]
            if campaign.is_simulated
            else [_generated_introduction(campaign), _asked(campaign)]
        )
        shared = [_regimes(campaign), _observables(campaign), _validity(campaign)]
        ended = [_ends(campaign), _faults(campaign)] if campaign.is_simulated else [_GENERATED_FAULTS]
        parts = [*made, *shared, *ended]
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


def _validity(campaign: SeiCampaign) -> str:
    reach, size = model_tunnelling_rows(campaign.model), len(campaign)
    passed = dict.fromkeys(CHECKS, 0)
    joined = []
    for start in range(0, size, _BLOCK):
        block = campaign.configurations(start, start + _BLOCK)
        joined.append(joined_fraction(block))
        for name, result in checks(block, tunnelling_rows=reach).items():
            passed[name] += int(result.sum())
    rows = [(f"`{name}`", count, f"{count / size:.1%}", CHECKS[name]) for name, count in passed.items()]
    low, middle = np.quantile(np.concatenate(joined), [0.05, 0.5])
    return f"""## Validity

{markdown_table(("check", "passed", "share", "what holds"), rows)}

SEI sites join {middle:.1%} of an SEI's sites with the electrode (median; 5 % quantile {low:.1%}); clusters may drift."""


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


def _generated_introduction(campaign: SeiCampaign) -> str:
    rows, columns = campaign.lattice_shape
    return f"""# Data card: generated SEI configurations

`{campaign.path.name}` holds {len(campaign)} configurations of a solid electrolyte interphase (SEI) on a lattice of {rows} rows
and {columns} columns of 1 nm that a property-regressor variational autoencoder generated. **Nothing was simulated**: there are
no events and no times. Observables are measured on the configurations; what the regressor expected stands beside them in the
group `generated` of the file."""


def _asked(campaign: SeiCampaign) -> str:
    design, settings = campaign.design, campaign.settings
    target = ", ".join(f"{name} {text}" for name, text in design.get("target", {}).items()) or "nothing in particular"
    barriers = "none" if np.isnan(campaign.barriers).any() else "those of the file"
    miss, changed = campaign.generated("miss"), campaign.generated("changed_sites")
    return f"""## What was asked

* Target: {target}
* Reaction barriers: {barriers}
* {len(campaign)} of {settings["draws"]} draws were kept, those nearest to their asked values as measured; seed
  {settings["seed"]}
* Largest relative miss of the target by a measured observable: median {np.median(miss):.2%}, most {miss.max():.2%}
* Sites that were mended so that the configuration is one that a simulation can reach: median {np.median(changed):.0f} of
  {np.prod(campaign.lattice_shape)}"""


_GENERATED_FAULTS = """## Known faults

* A decoder gives the likeliest species of each site. Mobile species (radicals, single Li2EDC) are unlikely at any one site,
  so that generated configurations hold fewer of them than simulated ones.
* A configuration that meets the target need not be one that the asked barriers lead to: simulate them to know."""
