"""The data card of an SEI training data set; every number on it is computed from the file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.datasets.splitting import PARTS
from kadi_battgen.electrodes.card import markdown_table
from kadi_battgen.files import write_text
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.regimes import REGIMES


def write_card(path: str | os.PathLike[str], dataset_path: str | os.PathLike[str]) -> None:
    """Write the data card (Markdown) of a data set.

    Parameters
    ----------
    path
        File to write.
    dataset_path
        The data set.

    Raises
    ------
    UserError
        If it is no SEI data set.
    """
    with SeiDataset.open(dataset_path) as dataset:
        parts = [_introduction(dataset, Path(dataset_path).name), _split(dataset), _scales(dataset), _origin(dataset)]
    write_text(path, "\n\n".join([*parts, _FAULTS]) + "\n")


def _introduction(dataset: SeiDataset, name: str) -> str:
    rows, columns = dataset.lattice_shape
    return (
        f"# Data card: {name}\n\n{len(dataset)} simulated configurations of the solid electrolyte interphase (SEI) on "
        f"lattices of {rows} x {columns} sites of 1 nm, each site one of {len(dataset.categories)} categories "
        f"({', '.join(dataset.categories)}), with {len(OBSERVABLES)} observables and 15 reaction barriers."
    )


def _split(dataset: SeiDataset) -> str:
    regime, part = dataset.column("regime"), dataset.column("part")
    rows = [
        (name, *(int(((regime == kind) & (part == number)).sum()) for number in range(len(PARTS))))
        for kind, name in enumerate(REGIMES)
    ]
    totals = ("all", *(int((part == number).sum()) for number in range(len(PARTS))))
    return f"## Parts\n\n{markdown_table(('regime', *PARTS), [*rows, totals])}\n\nRuns of the same barriers are in one part."


def _scales(dataset: SeiDataset) -> str:
    rows = [
        (f"`{name}`", unit, f"{low:.4g}", f"{high:.4g}")
        for scaling in (dataset.observables_scaling, dataset.barriers_scaling)
        for name, unit, low, high in zip(scaling.names, scaling.units, scaling.minimum, scaling.maximum, strict=True)
    ]
    table = markdown_table(("quantity", "unit", "value stored as 0", "value stored as 1"), rows)
    return f"## Scaling\n\nTaken from the training part alone; other parts may lie outside [0, 1].\n\n{table}"


def _origin(dataset: SeiDataset) -> str:
    attributes, campaign = dataset.file.attrs, dataset.column("campaign")
    rows = [
        (json.loads(design)["name"], int((campaign == number).sum()), f"`{checksum[:16]}...`")
        for number, (design, checksum) in enumerate(
            zip(attributes["designs"], attributes["campaign_sha256"], strict=True)
        )
    ]
    shares = ", ".join(f"{share:g}" for share in np.asarray(attributes["split_shares"]))
    return (
        f"## Where it comes from\n\n{markdown_table(('design', 'runs', 'SHA-256 of the campaign'), rows)}\n\n"
        f"Simulated at {dataset.model['temperature']:g} K with cluster rule {dataset.model['cluster_rule']}; split with seed "
        f"{int(attributes['split_seed'])} into fractions {shares}. The chemistry is that of Esmaeilpour et al., Adv. Energy "
        "Mater. 13 (2023) 2203966."
    )


_FAULTS = """## Known faults

* These are simulations of a coarse lattice model, not measurements; the cards of the campaigns say more.
* Density is the volume fraction over the number of rows: the two are one observable with two units."""
