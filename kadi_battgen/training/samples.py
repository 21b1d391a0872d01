"""Training samples as tensors, kept in memory where they fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.datasets.balancing import Balance, BalanceMethod, balanced
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.errors import UserError

#: Images of a part are held in memory up to this size in bytes; larger parts are read sample by sample.
MEMORY_LIMIT = 4 * 2**30


class ImageSamples:
    """Stacks and descriptors of one part of a data set.

    Parameters
    ----------
    dataset
        An open data set.
    part
        ``training``, ``validation`` or ``test``.

    Raises
    ------
    UserError
        If the part is empty.
    """

    def __init__(self, dataset: TrainingDataset, part: str) -> None:
        self.dataset = dataset
        self.indices = dataset.indices(part)
        if len(self.indices) == 0:
            raise UserError(f"The {part} part of {dataset.path} is empty: build it from more electrodes.")
        self._cache: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self.indices)

    def stacks(self, positions: np.ndarray) -> Tensor:
        """Return scaled stacks of samples by their position in the part, float32, (batch, slices, H, W)."""
        return self._images("stacks", self.dataset.stack, positions)

    def descriptors(self, positions: np.ndarray) -> Tensor:
        """Return scaled descriptors of samples by their position in the part, float32, (batch, 6, H, W)."""
        return self._images("descriptors", self.dataset.descriptors, positions)

    def column(self, name: str) -> np.ndarray:
        """Return a column of the data set for the part's samples."""
        return self.dataset.column(name)[self.indices]

    def balanced(self, method: BalanceMethod, seed: int, chosen: np.ndarray | None = None) -> Balance:
        """Return how the part, or its samples `chosen` by position, are to be used so that every ion counts the same."""
        rows = slice(None) if chosen is None else chosen
        return balanced(method, self.column("working_ion")[rows], seed, self.column("weight")[rows])

    def _fits(self, name: str) -> bool:
        images = self.dataset.file[name]
        return images.dtype.itemsize * int(np.prod(images.shape[1:])) * len(self.indices) <= MEMORY_LIMIT

    def _images(self, name: str, read: Callable[[int], np.ndarray], positions: np.ndarray) -> Tensor:
        # Read when first asked for: trainings on latents never look at the descriptors.
        if name not in self._cache and self._fits(name):
            self._cache[name] = torch.from_numpy(np.stack([read(index) for index in self.indices]))
        if name in self._cache:
            return self._cache[name][torch.as_tensor(positions)].float()
        return torch.from_numpy(np.stack([read(self.indices[position]) for position in positions])).float()


def require_image_sides(dataset: TrainingDataset, divisor: int, smallest: int, network: str, way_out: str) -> None:
    """Check that a network can take a data set's images.

    Parameters
    ----------
    divisor
        What the sides must be divisible by.
    smallest
        The smallest side.
    network, way_out
        Words for the error.

    Raises
    ------
    UserError
        If it cannot.
    """
    if any(side % divisor or side < smallest for side in dataset.image_shape):
        height, width = dataset.image_shape
        raise UserError(
            f"{dataset.path} holds images of {height} x {width} pixels, but {network} needs sides of at least {smallest} "
            f"pixels that are divisible by {divisor}: {way_out}."
        )


def square_symmetry(images: Tensor, operation: int) -> Tensor:
    """Return images after one of the eight symmetries of the square.

    A scan has no preferred lateral direction, so stack and descriptors may be turned and mirrored together.

    Parameters
    ----------
    images
        (..., H, W) with H = W.
    operation
        0 to 7: quarter turns, and from 4 on a mirroring before them.
    """
    mirrored = images.flip(-1) if operation >= 4 else images
    return mirrored.rot90(operation % 4, (-2, -1))
