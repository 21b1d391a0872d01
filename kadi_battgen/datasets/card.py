"""The data card of a training data set; every number on it is computed from the file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from kadi_battgen.datasets.splitting import PARTS
from kadi_battgen.datasets.store import TrainingDataset
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


def write_card(path: str | os.PathLike[str], dataset_path: str | os.PathLike[str]) -> None:
    """Write the data card (Markdown) of a training data set.

    Parameters
    ----------
    path
        File to write.
    dataset_path
        The data set.

    Raises
    ------
    UserError
        If it is no training data set.
    """
    with TrainingDataset.open(dataset_path) as dataset:
        owners = {part: dataset.column("electrode_index")[dataset.indices(part)] for part in PARTS}
        members = {part: [dataset.electrodes[n] for n in np.unique(indices)] for part, indices in owners.items()}
        metadata = dataset.electrodes_metadata
        shown = [electrode for part in members.values() for electrode in part]
        parts = [
            _introduction(dataset, Path(dataset_path).name, len(shown)),
            _parts(dataset, owners),
            "\n\n".join(["## Electrodes", ion_table(members), property_table(shown)]),
            _scales(dataset),
            origin_section(metadata),
            faults_section([*electrode_faults(shown), *stated_faults(metadata)]),
            licence_section(metadata),
        ]
    write_text(path, "\n\n".join(parts) + "\n")


_SPLITS = {
    "image": "Images of one crystal are in several parts, which asks for recognition and not for generalisation",
    "composition": "No composition is in two parts",
    "chemical-system": "No set of elements is in two parts",
}


def _introduction(dataset: TrainingDataset, name: str, electrodes: int) -> str:
    height, width = dataset.image_shape
    return (
        f"# Data card: {name}\n\n{len(dataset)} samples of {electrodes} electrodes: an AFM stack of {dataset.slices} slices "
        f"of {height} x {width} pixels, six descriptor channels, the functional properties, the working ion and the "
        f"composition. {_SPLITS[dataset.split_rule]}, and every scale was taken from the training part alone."
    )


def _parts(dataset: TrainingDataset, owners: dict[str, np.ndarray]) -> str:
    rows = [[part, len(indices), len(np.unique(indices))] for part, indices in owners.items()]
    shares = ", ".join(f"{share:g}" for share in dataset.file.attrs["split_shares"])
    text = f"Split by {dataset.split_rule}, seed {int(dataset.file.attrs['split_seed'])}, shares {shares}."
    return f"## Parts\n\n{text}\n\n" + markdown_table(["part", "samples", "electrodes"], rows)


def _scales(dataset: TrainingDataset) -> str:
    scaling = dataset.conditions_scaling
    units = ", ".join(f"{name} in {unit}" for name, unit in zip(scaling.names, scaling.units, strict=True))
    return (
        f"## Scales\n\nStacks are divided by {dataset.stack_scale:.6g} {dataset.stack_unit}; descriptors are scaled to "
        f"[0, 1] by their smallest and largest value; conditions are scaled by the rule {scaling.kind}: {units}. The file "
        "holds every constant, so that each scaling can be undone."
    )
