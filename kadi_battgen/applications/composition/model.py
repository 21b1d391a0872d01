"""A trained composition regressor with all that reading images by it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.datasets.scaling import condition_scaling_from_json
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
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
    def takes_properties(self) -> bool:
        """Whether the functional properties of the cell may be told."""
        return bool(self.card["architecture"].get("properties"))

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

    def told(
        self, cells: Sequence[Electrode], *, working_ion: bool = False, properties: bool = False
    ) -> np.ndarray | None:
        """Return what is told of cells as condition vectors, (cells, CONDITION_SIZE); None for nothing.

        Parameters
        ----------
        cells
            The electrodes, of which the structure does not matter.
        working_ion, properties
            Whether their working ion, and their functional properties, are told.

        Raises
        ------
        UserError
            If the regressor was trained without what is told.
        """
        for asked, taken, words, setting in (
            (working_ion, self.takes_working_ion, "working ion", "working_ion"),
            (properties, self.takes_properties, "functional properties", "properties"),
        ):
            if asked and not taken:
                raise UserError(
                    f"The composition regressor was trained without the {words}: train it with {setting}: true in its "
                    "configuration, or do not tell it."
                )
        if not (working_ion or properties):
            return None
        scaled = np.full((len(cells), len(FUNCTIONAL_PROPERTIES)), np.nan)
        if properties:
            scaling = condition_scaling_from_json(self.card["normalisation"]["conditions"])
            scaled = scaling.transform(np.stack([cell.properties.as_vector() for cell in cells]))
        ions = np.array([WORKING_IONS.index(cell.working_ion) if working_ion else -1 for cell in cells])
        return condition_vectors(scaled, ions)

    def read(
        self, embedded: EmbeddedImages, sets: Sequence[np.ndarray], told: np.ndarray | None = None
    ) -> ReadCompositions:
        """Return the compositions of sets of stacks.

        Parameters
        ----------
        embedded
            From :meth:`embed`.
        sets
            Positions of the stacks of each set, which show one electrode.
        told
            What is known of the cell of each set, from :meth:`told`; None for nothing.
        """
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
