"""What the composition regressor looks at: latents of a translator, or the stacks themselves."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.training.augmenting import BatchAugmenter
from kadi_battgen.training.latents import LatentScale
from kadi_battgen.training.samples import ImageSamples, square_symmetry


class CompositionImages(Protocol):
    """Images of one part as the regressor sees them."""

    def __call__(self, positions: np.ndarray) -> Tensor:
        """Return the images of stacks by position in the part, (batch, channels, h, w)."""
        ...

    def changed(self, positions: np.ndarray, epoch: int, operation: int) -> Tensor:
        """Return them after a symmetry of the square, and augmented where the training asks for it."""
        ...


class LatentImages:
    """Normalised latent means, encoded once.

    Parameters
    ----------
    latents
        (stacks, channels, h, w).
    """

    def __init__(self, latents: Tensor) -> None:
        self.latents = latents

    def __call__(self, positions: np.ndarray) -> Tensor:
        """Return latents by position."""
        return self.latents[torch.as_tensor(positions)]

    def changed(self, positions: np.ndarray, epoch: int, operation: int) -> Tensor:
        """Return latents after a symmetry of the square."""
        return square_symmetry(self(positions), operation)


class StackImages:
    """Scaled stacks, augmented on the fly where `operations` are given.

    Parameters
    ----------
    samples
        The part.
    operations
        What augments its batches; None for nothing.
    """

    def __init__(self, samples: ImageSamples, operations: BatchAugmenter | None = None) -> None:
        self.samples, self.operations = samples, operations

    def __call__(self, positions: np.ndarray) -> Tensor:
        """Return scaled stacks by position."""
        return self.samples.stacks(positions)

    def changed(self, positions: np.ndarray, epoch: int, operation: int) -> Tensor:
        """Return stacks after a symmetry of the square and augmentation."""
        stacks = self(positions)
        if stacks.shape[-1] == stacks.shape[-2]:
            stacks = square_symmetry(stacks, operation)
        return stacks if self.operations is None else self.operations(stacks, None, positions, epoch)[0]


class AugmentedLatents(LatentImages):
    """Latents that are encoded when they are asked for, of stacks that are augmented.

    Parameters
    ----------
    latents
        Latents of the stacks as they are, (stacks, channels, h, w).
    translator
        The trained translator, which stays as it is.
    stacks
        The stacks with their augmentation.
    scale
        Scale of the latents.
    """

    def __init__(
        self, latents: Tensor, translator: TranslationAutoencoder, stacks: StackImages, scale: LatentScale
    ) -> None:
        super().__init__(latents)
        self.translator, self.stacks, self.scale = translator, stacks, scale

    @torch.no_grad()
    def changed(self, positions: np.ndarray, epoch: int, operation: int) -> Tensor:
        """Return latents of stacks after a symmetry of the square and augmentation."""
        stacks = self.stacks.changed(positions, epoch, operation)
        device = next(self.translator.parameters()).device
        return self.scale.normalise(self.translator.encode(stacks.to(device))[0].float().cpu())
