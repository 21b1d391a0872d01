"""Filling a memory of training images."""

from __future__ import annotations

import numpy as np
import torch

from kadi_battgen.networks.composition_memory import ImageMemory, stack_thumbnails
from kadi_battgen.training.samples import ImageSamples


@torch.no_grad()
def remember(memory: ImageMemory, samples: ImageSamples, compositions: np.ndarray, batch_size: int = 512) -> None:
    """Fill a memory with the stacks of a part.

    Parameters
    ----------
    memory
        Of as many images as the part has stacks.
    samples
        The part.
    compositions
        Its distinct compositions, (compositions, 112).
    """
    numbers = {row.tobytes(): number for number, row in enumerate(compositions)}
    memory.compositions.copy_(torch.from_numpy(compositions))
    memory.owner.copy_(torch.tensor([numbers[row.tobytes()] for row in samples.column("composition")]))
    for start in range(0, len(samples), batch_size):
        rows = np.arange(start, min(start + batch_size, len(samples)))
        memory.thumbnails[rows] = stack_thumbnails(samples.stacks(rows), memory.gain).flatten(1).half()
