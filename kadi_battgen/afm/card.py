"""The data card of an AFM campaign; every number on it is computed from the file."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.afm.tips import tips_of
from kadi_battgen.electrodes.card import (
    electrode_faults,
    faults_section,
    ion_table,
    licence_section,
    markdown_table,
    origin_section,
    property_table,
    stated_faults,
)
from kadi_battgen.files import write_text


def write_card(path: str | os.PathLike[str], campaign_path: str | os.PathLike[str]) -> None:
    """Write the data card (Markdown) of a campaign.

    Parameters
    ----------
    path
        File to write.
    campaign_path
        The campaign file.

    Raises
    ------
    UserError
        If it is no campaign file.
    """
    with AfmCampaign.open(campaign_path) as campaign:
        electrodes, metadata = campaign.electrodes, campaign.electrodes_metadata
        contents = ["## Electrodes", ion_table({"electrodes": electrodes})]
        if electrodes:
            contents.append(property_table(electrodes))
        parts = [
            _introduction(campaign, Path(campaign_path).name),
            _conventions(campaign),
            "\n\n".join(contents),
            origin_section(metadata),
            _failures(campaign),
            faults_section([*_faults(campaign), *electrode_faults(electrodes), *stated_faults(metadata)]),
            licence_section(metadata),
        ]
    write_text(path, "\n\n".join(parts) + "\n")


def _introduction(campaign: AfmCampaign, name: str) -> str:
    tips = " with a neutral and a charged tip" if len(tips_of(campaign.conventions)) > 1 else ""
    forces = "Lennard-Jones and Coulomb forces" if _charged(campaign) else "Lennard-Jones forces"
    return (
        f"# Data card: {name}\n\n{len(campaign)} simulated AFM stacks of {len(campaign.electrodes)} electrodes, each in "
        f"several orientations, at {len(np.unique(campaign.heights))} constant heights{tips}, "
        f"with the {len(campaign.channels)} channels of "
        "the material descriptors. Simulated with the probe-particle model of ppafm (Hapala et al., Phys. Rev. B 90, "
        f"085421 (2014)) with {forces}; no stack was measured."
    )


def _conventions(campaign: AfmCampaign) -> str:
    heights, conventions = campaign.heights, campaign.conventions
    low, high = conventions["window"]["x"]
    rows: list[list[object]] = [
        ["scan window", f"{high - low:.4g} x {high - low:.4g} Angstrom"],
        ["pixels", " x ".join(map(str, conventions["pixels"]))],
        ["tip-sample distances", f"{heights.max():.3g} to {heights.min():.3g} Angstrom"],
        ["unit of the stacks", campaign.unit],
        [
            "channels",
            ", ".join(f"{n} ({unit})" for n, unit in zip(campaign.channels, campaign.channel_units, strict=True)),
        ],
    ]
    rows += [
        [name.replace("_", " "), value]
        for name, value in conventions.items()
        if isinstance(value, str | int | float) and name not in ("unit", "stack_unit")
    ]
    return "## Conventions\n\n" + markdown_table(["what", "value"], rows)


def _failures(campaign: AfmCampaign) -> str:
    if not campaign.failures:
        return "## Left out\n\nEvery electrode was simulated."
    # Reasons name their electrode's numbers: those of one kind begin alike.
    counts = Counter(" ".join(failure["reason"].split()[:6]) for failure in campaign.failures)
    rows = [[f"{reason} ...", count] for reason, count in counts.most_common()]
    return f"## Left out\n\n{len(campaign.failures)} electrodes.\n\n" + markdown_table(["reason", "electrodes"], rows)


_CHARGED = (
    "Atoms carry the formal charges of their oxidation states, which exceed those of real ions and know no screening: the "
    "electrostatic contrast is an upper bound."
)


def _charged(campaign: AfmCampaign) -> bool:
    """Return whether the tip feels charges of the sample."""
    return "charged" in tips_of(campaign.conventions)


def _faults(campaign: AfmCampaign) -> list[str]:
    faults = [
        _CHARGED if _charged(campaign) else "Crystals carry no charges here, so electrostatic contrast is missing."
    ]
    invalid = int((~campaign.valid).sum())
    if invalid:
        faults.append(
            f"{invalid} of {len(campaign)} stacks have their brightest pixel on the edge of the window and are marked invalid."
        )
    return faults
