"""A trained composition regressor with all that reading images by it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.conformal import ConformalIntervals
from kadi_battgen.training.composition.reading import EmbeddedImages, ReadCompositions, embed_images, read_sets
from kadi_battgen.training.composition.regressor import load_composition_regressor
from kadi_battgen.training.latents import LatentScale
from kadi_battgen.training.translation.translator import load_translator


class CompositionModel:
    """Reads compositions from scaled stacks, through a translator where the regressor was trained on latents.

    Parameters
    ----------
    model_folder
        Folder with ``composition/``, and ``translation/`` if latents are read.

    Raises
    ------
    UserError
        If a model is missing, broken, or was trained on another translator.

    Attributes
    ----------
    card
        The regressor's card.
    image_card
        The card that says what images are read: the translator's, or the regressor's own.
    """

    def __init__(self, model_folder: str | os.PathLike[str]) -> None:
        self.network, self.card = load_composition_regressor(model_folder)
        self.image_card: dict[str, Any] = self.card
        self.translator = None
        if self.card["input"] == "latent":
            self.translator, self.image_card = load_translator(model_folder)
            if self.card["translation_sha256"] != self.image_card["weights_sha256"]:
                folder = Path(model_folder)
                raise UserError(
                    f"{folder / 'composition'} was trained on another translator than {folder / 'translation'} holds: "
                    "train it again with battgen train-composition."
                )
            self.scale = LatentScale.from_json(self.card["normalisation"]["latent"])
        self._intervals = {
            way: ConformalIntervals.from_json(self.card["calibration"][way]) for way in ("single", "pooled")
        }

    @property
    def takes_working_ion(self) -> bool:
        """Whether the working ion may be told."""
        return bool(self.card["architecture"]["working_ions"])

    @property
    def levels(self) -> tuple[float, ...]:
        """Nominal coverages of the intervals, fractions."""
        return self._intervals["pooled"].levels

    @torch.no_grad()
    def images(self, stacks: Tensor) -> Tensor:
        """Return what the regressor looks at of scaled stacks (batch, slices, H, W)."""
        if self.translator is None:
            return stacks
        return self.scale.normalise(self.translator.encode(stacks)[0].float())

    def embed(self, stacks: Callable[[np.ndarray], Tensor], count: int, *, progress: bool = True) -> EmbeddedImages:
        """Return what the network makes of `count` scaled stacks, read by position in batches."""
        return embed_images(self.network, lambda positions: self.images(stacks(positions)), count, progress=progress)

    def read(
        self, embedded: EmbeddedImages, sets: Sequence[np.ndarray], working_ions: Sequence[str] | None = None
    ) -> ReadCompositions:
        """Return the compositions of sets of stacks.

        Parameters
        ----------
        embedded
            From :meth:`embed`.
        sets
            Positions of the stacks of each set, which show one electrode.
        working_ions
            Symbol of the known working ion of each set; None where it is not known.

        Raises
        ------
        UserError
            If a working ion is told to a regressor that was trained without.
        """
        if working_ions is None:
            return read_sets(self.network, embedded, sets)
        if not self.takes_working_ion:
            raise UserError(
                "The composition regressor was trained without the working ion: train it with working_ion: true in its "
                "configuration, or do not tell it."
            )
        told = np.eye(len(WORKING_IONS), dtype=np.float32)[[WORKING_IONS.index(ion) for ion in working_ions]]
        return read_sets(self.network, embedded, sets, told)

    def intervals(self, counts: np.ndarray, *, pooled: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the calibrated intervals of predicted counts, two arrays (levels, sets, 112).

        Parameters
        ----------
        counts
            Atoms per reduced formula, (sets, 112).
        pooled
            Whether each set is all that is known of an electrode, or a single stack.
        """
        return self._intervals["pooled" if pooled else "single"].intervals(counts)
