"""Predicting the composition of electrodes from their AFM stacks (thesis section 4.2.5)."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.applications.campaigns import check_campaign
from kadi_battgen.applications.composition.model import CompositionModel
from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.electrodes.decoding import DecodedFormula, decode_formula
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.errors import UserError
from kadi_battgen.files import write_text
from kadi_battgen.training.composition.reading import single_sets

#: Nominal coverage of the intervals that are written, a fraction.
WRITTEN_LEVEL = 0.9


@dataclass(frozen=True)
class PredictedComposition:
    """The composition predicted for one electrode from all its stacks together.

    Attributes
    ----------
    electrode
        The electrode as the campaign describes it, with its true formula.
    stacks
        Number of orientations that were pooled.
    counts
        Expected atoms per reduced formula, (112,).
    spread
        Standard deviation of the counts that single orientations give, (112,); zero for a single one.
    presence
        Probability that each element is there, a fraction, (112,).
    count_if_present
        Atoms per reduced formula of each element if it is there, (112,).
    low, high
        Ends of the interval that holds the true count in :data:`WRITTEN_LEVEL` of such predictions, (112,).
    working_ion_told, properties_told
        Whether the working ion, and the functional properties, were given to the model.
    """

    electrode: Electrode
    stacks: int
    counts: np.ndarray
    spread: np.ndarray
    presence: np.ndarray
    count_if_present: np.ndarray
    low: np.ndarray
    high: np.ndarray
    working_ion_told: bool = False
    properties_told: bool = False

    @cached_property
    def decoded(self) -> DecodedFormula:
        """The most probable charge-balanced formula with its confidence."""
        told = self.electrode.working_ion if self.working_ion_told else None
        return decode_formula(self.count_if_present, self.presence, working_ion=told)

    @property
    def formula(self) -> str:
        """The most probable charge-balanced formula; empty if no element is predicted."""
        return self.decoded.formula


def predict_composition(
    model_folder: str | os.PathLike[str],
    afm_path: str | os.PathLike[str],
    *,
    tell_working_ion: bool = False,
    tell_properties: bool = False,
    progress: bool = True,
) -> list[PredictedComposition]:
    """Return the predicted composition of every electrode of a campaign, read from all its valid orientations together.

    Parameters
    ----------
    model_folder
        Folder with ``composition/``, and ``translation/`` if it reads latents.
    afm_path
        A campaign written by ``battgen simulate-afm`` with the conventions the model was trained on.
    tell_working_ion
        Give the model the working ion that the campaign names.
    tell_properties
        Give the model the functional properties that the campaign names.

    Raises
    ------
    UserError
        If a model or the campaign is missing or broken, the conventions differ, no stack is valid, or the model does not
        take what is told.
    """
    model = CompositionModel(model_folder)
    with AfmCampaign.open(afm_path) as campaign:
        check_campaign(model.image_card, campaign)
        valid = np.flatnonzero(campaign.valid)
        if len(valid) == 0:
            raise UserError(f"{afm_path} holds no valid image: simulate with a larger scan window.")
        scale = model.image_card["normalisation"]["stack_scale"]

        def stacks(positions: np.ndarray) -> torch.Tensor:
            images = np.stack([campaign.stack(index) for index in valid[positions]])
            return torch.from_numpy(images / scale).float()

        embedded = model.embed(stacks, len(valid), progress=progress)
        owners, electrodes = campaign.electrode_index[valid], campaign.electrodes
    shown = np.unique(owners)
    sets = [np.flatnonzero(owners == owner) for owner in shown]
    what = {"working_ion": tell_working_ion, "properties": tell_properties}
    pooled = model.read(embedded, sets, model.told([electrodes[owner] for owner in shown], **what))
    single = model.read(embedded, single_sets(len(owners)), model.told([electrodes[owner] for owner in owners], **what))
    level = model.levels.index(WRITTEN_LEVEL)
    low, high = (ends[level] for ends in model.intervals(pooled.counts, pooled=True))
    return [
        PredictedComposition(
            electrodes[owner],
            len(members),
            pooled.counts[row],
            single.counts[members].std(axis=0),
            pooled.presence[row],
            pooled.count_if_present[row],
            low[row],
            high[row],
            tell_working_ion,
            tell_properties,
        )
        for row, (owner, members) in enumerate(zip(shown, sets, strict=True))
    ]


def write_compositions(path: str | os.PathLike[str], predictions: Sequence[PredictedComposition]) -> None:
    """Write predictions as CSV: one row an electrode, for each element the atoms per reduced formula and their interval."""
    percent = f"{100 * WRITTEN_LEVEL:.0f}"
    columns = (
        "{}_atoms_per_formula",
        "{}_presence_fraction",
        f"{{}}_low_{percent}_percent",
        f"{{}}_high_{percent}_percent",
    )
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [
            *("electrode_id", "working_ion", "stacks", "formula_discharge", "predicted_formula"),
            *("confidence_fraction", "charge_balanced", "working_ion_told", "properties_told"),
            *(column.format(symbol) for column in columns for symbol in ELEMENTS),
        ]
    )
    for entry in predictions:
        electrode, decoded = entry.electrode, entry.decoded
        writer.writerow(
            [
                *(electrode.id, electrode.working_ion, entry.stacks, electrode.formula_discharge, decoded.formula),
                *(f"{decoded.confidence:.4f}", decoded.oxidation_states is not None),
                *(entry.working_ion_told, entry.properties_told),
                *(
                    f"{value:.4f}"
                    for values in (entry.counts, entry.presence, entry.low, entry.high)
                    for value in values
                ),
            ]
        )
    write_text(path, buffer.getvalue())
