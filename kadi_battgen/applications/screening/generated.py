"""What a screening model draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import torch

from kadi_battgen.networks.composition_autoencoder import FormulaTensors
from kadi_battgen.training.screening.formulas import SHARES


@dataclass(frozen=True)
class Formulas:
    """Formulas that the diffusion model drew.

    Attributes
    ----------
    compositions
        Atoms per formula of the discharged phase, rounded, (samples, 112).
    ions
        Positions of the working ions in ``WORKING_IONS``, (samples,).
    shares
        Positions of the shares of these ions that leave on charging in ``EXTRACTED_SHARES``, (samples,).
    """

    compositions: np.ndarray
    ions: np.ndarray
    shares: np.ndarray

    @property
    def extracted(self) -> np.ndarray:
        """Shares of the working ions that leave on charging, fractions, (samples,)."""
        return SHARES[self.shares]

    def tensors(self) -> FormulaTensors:
        """Return the formulas as the networks take them."""
        return FormulaTensors(*(torch.from_numpy(array) for array in (self.compositions, self.ions, self.shares)))


@dataclass(frozen=True)
class Generated(Formulas):
    """Formulas with the descriptors that were generated beside them.

    Attributes
    ----------
    regressed
        Atoms per formula regressed from the image latent (the thesis's way), not rounded, (samples, 112); None where the
        model folder holds no composition regressor.
    images
        Scaled descriptors, (samples, 6, H, W).
    composition_latents
        Normalised composition latents, (samples, size).
    """

    regressed: np.ndarray | None
    images: np.ndarray
    composition_latents: np.ndarray


@dataclass(frozen=True)
class CompositionInterval:
    """How sharply the model knows its formulas.

    Attributes
    ----------
    low, high
        Ends of the interval of each element's atoms per formula, (samples, 112).
    confidence
        Share of the drawings that give just the same formula, (samples,).
    """

    low: np.ndarray
    high: np.ndarray
    confidence: np.ndarray


Drawn = TypeVar("Drawn", Formulas, Generated, CompositionInterval)


def joined(pieces: Sequence[Drawn]) -> Drawn:
    """Return what was drawn in several pieces, one after the other."""
    kind = type(pieces[0])
    columns: list[list[Any]] = [[getattr(piece, field.name) for piece in pieces] for field in fields(kind)]
    arrays: list[Any] = [None if column[0] is None else np.concatenate(column) for column in columns]
    return kind(*arrays)
