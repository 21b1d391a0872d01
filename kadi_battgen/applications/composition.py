"""Predicting the composition of electrodes from their AFM stacks (thesis section 4.2.5)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.applications.campaigns import check_campaign
from kadi_battgen.electrodes.composition import ELEMENTS, formula_from_vector
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.errors import UserError
from kadi_battgen.files import write_text
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.composition import load_composition_regressor
from kadi_battgen.training.latents import LatentScale
from kadi_battgen.training.translation import load_translator


@dataclass(frozen=True)
class PredictedComposition:
    """The composition predicted for one electrode.

    Attributes
    ----------
    electrode
        The electrode as the campaign describes it, with its true formula.
    stacks
        Number of orientations that were averaged.
    counts
        Predicted atoms per reduced formula, mean over the orientations, (112,).
    spread
        Standard deviation over the orientations, (112,); zero for a single one.
    """

    electrode: Electrode
    stacks: int
    counts: np.ndarray
    spread: np.ndarray

    @property
    def formula(self) -> str:
        """Integer formula nearest to the predicted counts; empty if no element is predicted."""
        return formula_from_vector(self.counts)


@torch.no_grad()
def predict_composition(
    model_folder: str | os.PathLike[str],
    afm_path: str | os.PathLike[str],
    *,
    progress: bool = True,
    batch_size: int = 32,
) -> list[PredictedComposition]:
    """Return the predicted composition of every electrode of a campaign, averaged over its valid orientations.

    Parameters
    ----------
    model_folder
        Folder with ``translation/`` and ``composition/``.
    afm_path
        A campaign written by ``battgen simulate-afm`` with the conventions the model was trained on.

    Raises
    ------
    UserError
        If a model or the campaign is missing or broken, the conventions differ, or no stack is valid.
    """
    translator, card = load_translator(model_folder)
    regressor, regressor_card = load_composition_regressor(model_folder)
    scale = LatentScale.from_json(regressor_card["normalisation"]["latent"])
    with AfmCampaign.open(afm_path) as campaign:
        check_campaign(card, campaign)
        valid = np.flatnonzero(campaign.valid)
        if len(valid) == 0:
            raise UserError(f"{afm_path} holds no valid image: simulate with a larger scan window.")
        counts = []
        starts = range(0, len(valid), batch_size)
        for start in progress_bar(starts, description="Predicting compositions", unit="batch", enabled=progress):
            stacks = np.stack([campaign.stack(index) for index in valid[start : start + batch_size]])
            mean, _ = translator.encode(torch.from_numpy(stacks / card["normalisation"]["stack_scale"]).float())
            counts.append(regressor(scale.normalise(mean)).numpy())
        predicted, owners = np.concatenate(counts), campaign.electrode_index[valid]
        return [
            PredictedComposition(
                campaign.electrodes[owner],
                int((owners == owner).sum()),
                predicted[owners == owner].mean(axis=0),
                predicted[owners == owner].std(axis=0),
            )
            for owner in np.unique(owners)
        ]


def write_compositions(path: str | os.PathLike[str], predictions: Sequence[PredictedComposition]) -> None:
    """Write predictions as CSV: one row an electrode, one column an element (atoms per reduced formula)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["electrode_id", "working_ion", "stacks", "formula_discharge", "predicted_formula"]
        + [f"{symbol}_atoms_per_formula" for symbol in ELEMENTS]
    )
    for entry in predictions:
        electrode = entry.electrode
        writer.writerow(
            [electrode.id, electrode.working_ion, entry.stacks, electrode.formula_discharge, entry.formula]
            + [f"{count:.4f}" for count in entry.counts]
        )
    write_text(path, buffer.getvalue())
