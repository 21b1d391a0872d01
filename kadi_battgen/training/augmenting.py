"""Augmentation of training batches on the fly, the same for an interrupted training as for an uninterrupted one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.datasets.augmentation.pipeline import Augmentation
from kadi_battgen.datasets.augmentation.settings import AugmentationSettings
from kadi_battgen.datasets.store import TrainingDataset


class BatchAugmenter:
    """Augments the samples of batches, each by draws of its own.

    What is drawn depends on the seed, the epoch, the sample and how often the sample has been drawn in the epoch: a sample
    of a rare ion, which weighted sampling repeats, looks different each time.

    Parameters
    ----------
    settings
        The operations.
    dataset
        Whose stacks are augmented.
    seed
        Seed of the training.

    Raises
    ------
    UserError
        If an operation moves the tip by more than the stacks' heights span.
    """

    def __init__(self, settings: AugmentationSettings, dataset: TrainingDataset, seed: int) -> None:
        self.augmentation = Augmentation.from_conventions(settings, dataset.conventions, dataset.stack_scale)
        self.augmentation.check(dataset.image_shape)
        self.seed, self._epoch = seed, -1
        self._drawn: Counter[int] = Counter()

    def __call__(
        self, stacks: Tensor, descriptors: Tensor | None, positions: np.ndarray, epoch: int
    ) -> tuple[Tensor, Tensor | None]:
        """Return a batch after augmentation.

        Parameters
        ----------
        stacks
            (batch, slices, H, W).
        descriptors
            (batch, channels, H, W) or None.
        positions
            Positions of the samples in the training part, (batch,).
        epoch
            Number of the epoch, from 0.
        """
        if epoch != self._epoch:
            self._epoch, self._drawn = epoch, Counter()
        new_stacks, new_descriptors = [], []
        for row, position in enumerate(positions.tolist()):
            seed = (self.seed, epoch, position, self._drawn[position])
            self._drawn[position] += 1
            truth = None if descriptors is None else descriptors[row].numpy()
            sample = self.augmentation.apply(stacks[row].numpy(), truth, seed)
            new_stacks.append(torch.from_numpy(sample.stack))
            if sample.descriptors is not None:
                new_descriptors.append(torch.from_numpy(sample.descriptors))
        return torch.stack(new_stacks), torch.stack(new_descriptors) if new_descriptors else None


def augmenter(settings: AugmentationSettings | None, dataset: TrainingDataset, seed: int) -> BatchAugmenter | None:
    """Return what augments a training's batches, None where its settings name no augmentation."""
    return None if settings is None else BatchAugmenter(settings, dataset, seed)
