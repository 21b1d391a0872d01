"""In which order samples come, what random draws follow from a seed, and how the learning rate runs."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor


def seeded(seed: int, *parts: int) -> torch.Generator:
    """Return a generator for one purpose, so that a resumed training draws what an uninterrupted one draws."""
    digest = hashlib.sha256(json.dumps([seed, *parts]).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def batches(count: int, size: int, generator: torch.Generator, weights: Tensor | None = None) -> Iterator[np.ndarray]:
    """Yield positions 0 .. count - 1 in shuffled batches; with `weights`, drawn with replacement in their proportion."""
    if weights is None:
        order = torch.randperm(count, generator=generator)
    else:
        order = torch.multinomial(weights, count, replacement=True, generator=generator)
    starts = list(range(0, count, size))
    if size > 1 and len(starts) > 1 and count - starts[-1] == 1:
        # Batch normalisation cannot do with a single sample: the last one joins the batch before it.
        starts.pop()
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        yield order[start:end].numpy()


def learning_rate_factor(step: int, steps: int) -> float:
    """Return what the learning rate is multiplied by at a step (from 0) of a training of `steps` steps.

    It rises over the first 3 % and falls along a half cosine to 2 % (Loshchilov and Hutter, ICLR 2017, equation 5).
    """
    warm_up = max(1, round(0.03 * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))
