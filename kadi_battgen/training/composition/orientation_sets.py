"""Orientations of one electrode, drawn together as a training sample."""

from __future__ import annotations

import numpy as np
import torch


class OrientationSets:
    """What a composition training draws: single stacks, or sets of stacks that show one electrode from several sides.

    Parameters
    ----------
    owners
        Electrode of each stack of a part, (stacks,).
    size
        Stacks of a set; 1 makes every stack a sample, more every electrode.
    """

    def __init__(self, owners: np.ndarray, size: int) -> None:
        self.size = size
        if size == 1:
            self._members = list(np.arange(len(owners))[:, None])
        else:
            self._members = electrode_positions(owners)
        #: Position of one stack of each sample, which has its sample's electrode, (samples,).
        self.first = np.array([members[0] for members in self._members])

    def __len__(self) -> int:
        return len(self._members)

    def draw(self, samples: np.ndarray, generator: torch.Generator) -> np.ndarray:
        """Return positions of stacks, (batch, size), of samples by number; a stack is repeated where there are too few."""
        drawn = np.empty((len(samples), self.size), dtype=np.int64)
        for row, sample in enumerate(samples):
            members = self._members[sample]
            order = torch.randperm(len(members), generator=generator).numpy()
            drawn[row] = members[np.resize(order, self.size)]
        return drawn


def electrode_positions(owners: np.ndarray, most: int | None = None) -> list[np.ndarray]:
    """Return the positions of each electrode's stacks, in the order of the electrodes, at most the first `most` of each."""
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    return [members[:most] for members in np.split(order, starts[1:])]
