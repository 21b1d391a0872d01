"""From an AFM campaign to a training data set."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.datasets.augmentation.crystals import is_copy
from kadi_battgen.datasets.images import BLOCK_SAMPLES, ImageScales, block_extremes, image_blocks, scaled_block
from kadi_battgen.datasets.scaling import CONDITION_SCALINGS, RangeScaling
from kadi_battgen.datasets.splitting import (
    DEFAULT_SHARES,
    PARTS,
    SplitRule,
    inverse_frequency_weights,
    split_samples,
)
from kadi_battgen.datasets.store import SCHEMA, SCHEMA_VERSION
from kadi_battgen.electrodes.composition import COMPOSITION_LENGTH, ELEMENTS, formula_from_vector
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, sha256_file
from kadi_battgen.hdf5 import FORMAT
from kadi_battgen.parallel import Cluster, ClusterSettings, open_cluster
from kadi_battgen.progress import progress_bar


def build_dataset(
    afm_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    *,
    seed: int = 0,
    shares: Sequence[float] = DEFAULT_SHARES,
    split_by: SplitRule = "composition",
    scaling: str = RangeScaling.kind,
    cluster: ClusterSettings | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Write the training data set of a campaign: scaled images, conditions, compositions, split and weights.

    Samples that broke the edge-distance rule are left out and counted. Every scaling constant is taken from the training
    part alone, so that nothing of the held-out compositions reaches the models.

    Parameters
    ----------
    afm_path
        A campaign written by ``battgen simulate-afm``.
    output_path
        The HDF5 file to write.
    seed
        Seed of the split.
    shares
        Shares in training, validation and test of what `split_by` names.
    split_by
        What stays together in one part: ``image`` nothing, ``composition`` all images of a composition,
        ``chemical-system`` all materials of the same element set.
    scaling
        Scaling of the functional properties, one of ``CONDITION_SCALINGS``.
    cluster
        Where the images are read and scaled: on all cores of this machine if not given. Workers elsewhere read the
        campaign from a file system that they share. The file does not depend on it.

    Returns
    -------
    dict
        Number of samples and electrodes per part, samples left out as invalid, and electrodes per working ion.

    Raises
    ------
    UserError
        If the campaign is broken, holds no valid sample, or holds too few compositions for the split, or the scaling
        or the rule of the split is unknown.
    """
    if scaling not in CONDITION_SCALINGS:
        raise UserError(f"Scaling {scaling!r} is not known: choose from {', '.join(CONDITION_SCALINGS)}.")
    with AfmCampaign.open(afm_path) as campaign, open_cluster(cluster) as workers:
        valid = np.flatnonzero(campaign.valid)
        if len(valid) == 0:
            raise UserError(f"{afm_path} holds no valid image: simulate with a larger scan window.")
        invalid = len(campaign.valid) - len(valid)
        electrodes = campaign.electrodes
        owners = campaign.electrode_index[valid]
        compositions = np.stack([electrode.composition for electrode in electrodes])
        formulas = [formula_from_vector(vector) for vector in compositions]
        ions = [electrode.working_ion for electrode in electrodes]
        part = split_samples(split_by, electrodes, formulas, owners, campaign.orientation_rank[valid], seed, shares)
        # Held-out parts show crystals as they are: augmented copies serve training alone.
        copies = np.array([is_copy(electrode.id) for electrode in electrodes])[owners]
        used = (part == 0) | ~copies
        valid, owners, part = valid[used], owners[used], part[used]
        training_electrodes = np.unique(owners[part == 0])
        values = np.stack([electrode.properties.as_vector() for electrode in electrodes])
        conditions_scaling = CONDITION_SCALINGS[scaling].fit(
            values[training_electrodes],
            tuple(FUNCTIONAL_PROPERTIES),
            tuple(entry.unit for entry in FUNCTIONAL_PROPERTIES.values()),
        )
        stack_scale, descriptor_scaling = _image_scales(workers, campaign, valid[part == 0], progress)
        weights = np.zeros(len(valid), dtype=np.float32)
        for number in np.unique(part):
            members = np.flatnonzero(part == number)
            weights[members] = inverse_frequency_weights([ions[owners[member]] for member in members])
        with atomic_path(output_path) as temporary, h5py.File(temporary, "w", libver=FORMAT) as file:
            file.attrs.update(
                {
                    "schema": SCHEMA,
                    "schema_version": SCHEMA_VERSION,
                    "parts": list(PARTS),
                    "split_rule": split_by,
                    "split_seed": seed,
                    "split_shares": list(shares),
                    "working_ions": list(WORKING_IONS),
                    "elements": list(ELEMENTS),
                    "stack_scale": stack_scale,
                    "stack_unit": campaign.unit,
                    "conditions_scaling": json.dumps(conditions_scaling.to_json()),
                    "descriptor_scaling": json.dumps(descriptor_scaling.to_json()),
                    "conventions": json.dumps(campaign.conventions, sort_keys=True),
                    "campaign_sha256": sha256_file(afm_path),
                    "electrodes_metadata": json.dumps(campaign.electrodes_metadata, sort_keys=True),
                }
            )
            columns = {
                "conditions": conditions_scaling.transform(values)[owners].astype(np.float32),
                "working_ion": np.array([WORKING_IONS.index(ions[owner]) for owner in owners], dtype=np.int8),
                "composition": compositions[owners].reshape(-1, COMPOSITION_LENGTH),
                "rotation": campaign.rotation[valid],
                "orientation_rank": campaign.orientation_rank[valid],
                "part": part,
                "weight": weights,
                "electrode_index": owners.astype(np.int32),
            }
            for name, column in columns.items():
                file.create_dataset(name, data=column, track_times=False)
            file.create_dataset(
                "electrodes",
                data=[electrode.model_dump_json() for electrode in electrodes],
                dtype=h5py.string_dtype(),
                track_times=False,
            )
            _write_images(workers, file, campaign, valid, stack_scale, descriptor_scaling, progress)
    return {
        "samples": {name: int((part == number).sum()) for number, name in enumerate(PARTS)},
        "electrodes": {name: len(np.unique(owners[part == number])) for number, name in enumerate(PARTS)},
        "invalid_samples": invalid,
        "working_ions": {ion: sum(ions[owner] == ion for owner in np.unique(owners)) for ion in WORKING_IONS},
    }


def _image_scales(
    cluster: Cluster, campaign: AfmCampaign, indices: np.ndarray, progress: bool
) -> tuple[float, RangeScaling]:
    largest = 0.0
    low, high = np.full(len(campaign.channels), np.inf), np.full(len(campaign.channels), -np.inf)
    blocks = image_blocks(campaign, indices)
    with progress_bar(
        total=len(indices), description="Reading the scale of the images", unit="stack", enabled=progress
    ) as bar:
        for number, (top, lowest, highest) in cluster.run(block_extremes, blocks):
            largest, low, high = max(largest, top), np.minimum(low, lowest), np.maximum(high, highest)
            bar.update(len(blocks[number].indices))
    if largest == 0.0:
        raise UserError(f"{campaign.path} holds only empty images: check the scan window and the tip-sample distance.")
    # The three colours of the type map share one scale: a colour is a ratio of channels.
    colours = [n for n, name in enumerate(campaign.channels) if name.startswith("type_map")]
    low[colours], high[colours] = low[colours].min(), high[colours].max()
    return largest, RangeScaling(tuple(campaign.channels), tuple(campaign.channel_units), low, high)


def _write_images(
    cluster: Cluster,
    file: h5py.File,
    campaign: AfmCampaign,
    indices: np.ndarray,
    stack_scale: float,
    descriptor_scaling: RangeScaling,
    progress: bool,
) -> None:
    first_stack, first_descriptors = campaign.stack(indices[0]), campaign.descriptors(indices[0])
    images = {
        name: file.create_dataset(
            name,
            shape=(len(indices), *example.shape),
            dtype=np.float16,
            chunks=(1, *example.shape),
            track_times=False,
        )
        for name, example in (("stacks", first_stack), ("descriptors", first_descriptors))
    }
    scales = ImageScales(stack_scale, descriptor_scaling.minimum, descriptor_scaling.span)
    blocks = image_blocks(campaign, indices, scales)
    with progress_bar(total=len(indices), description="Writing the samples", unit="stack", enabled=progress) as bar:
        # In the order of the file: where a chunk lies in it follows from when it was written.
        for start, (stacks, descriptors) in cluster.run(scaled_block, blocks, ordered=True):
            for offset in range(len(stacks)):
                row = start * BLOCK_SAMPLES + offset
                images["stacks"][row] = stacks[offset]
                images["descriptors"][row] = descriptors[offset]
            bar.update(len(stacks))
