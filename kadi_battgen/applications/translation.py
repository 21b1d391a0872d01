"""Translating AFM stacks into material descriptors (thesis section 4.2.3)."""

from __future__ import annotations

import json
import os

import h5py
import numpy as np
import torch

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.applications.campaigns import check_campaign
from kadi_battgen.datasets.scaling import condition_scaling_from_json
from kadi_battgen.files import atomic_path, sha256_file
from kadi_battgen.hdf5 import FORMAT
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.translation.translator import load_translator

SCHEMA = "kadi-battgen/translation"
SCHEMA_VERSION = 1


@torch.no_grad()
def translate(
    model_folder: str | os.PathLike[str],
    afm_path: str | os.PathLike[str],
    output_path: str | os.PathLike[str],
    *,
    progress: bool = True,
) -> dict[str, float]:
    """Translate every stack of a campaign and write the descriptors in physical units.

    The output is HDF5 with the data set ``descriptors`` (N, 6, H, W) float16, its channels and units as attributes, in the
    order of the campaign.

    Parameters
    ----------
    model_folder
        Folder with ``translation/``.
    afm_path
        A campaign written by ``battgen simulate-afm`` with the conventions the model was trained on.
    output_path
        The HDF5 file to write.

    Returns
    -------
    dict
        Mean absolute error of each descriptor channel against the campaign's own, in the channel's unit.

    Raises
    ------
    UserError
        If the model or the campaign is missing or broken, or the conventions differ.
    """
    translator, card = load_translator(model_folder)
    scaling = condition_scaling_from_json(card["normalisation"]["descriptors"])
    low, span = scaling.minimum[:, None, None], scaling.span[:, None, None]
    errors = np.zeros(len(scaling.names))
    with AfmCampaign.open(afm_path) as campaign, atomic_path(output_path) as temporary:
        check_campaign(card, campaign)
        count = len(campaign.valid)
        with h5py.File(temporary, "w", libver=FORMAT) as file:
            file.attrs.update(
                {
                    "schema": SCHEMA,
                    "schema_version": SCHEMA_VERSION,
                    "channels": list(scaling.names),
                    "units": list(scaling.units),
                    "conventions": json.dumps(campaign.conventions, sort_keys=True),
                    "campaign_sha256": sha256_file(afm_path),
                    "translation_sha256": card["weights_sha256"],
                }
            )
            shape = (len(scaling.names), *card["image_shape"])
            images = file.create_dataset(
                "descriptors", (count, *shape), dtype=np.float16, chunks=(1, *shape), track_times=False
            )
            for index in progress_bar(range(count), description="Translating", unit="stack", enabled=progress):
                stack = torch.from_numpy(campaign.stack(index) / card["normalisation"]["stack_scale"]).float()
                descriptors = translator(stack[None]).descriptors[0].numpy() * span + low
                images[index] = descriptors.astype(np.float16)
                errors += np.abs(descriptors - campaign.descriptors(index)).mean(axis=(1, 2)) / count
    return dict(zip(scaling.names, errors.tolist(), strict=True))
