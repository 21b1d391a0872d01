"""What a feature network must offer to the image metrics, and its features of many images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Extractor:
    """A named feature network for images of three channels.

    Attributes
    ----------
    name
        What every metric computed with it carries in its name.
    features
        Images (batch, 3, H, W) in [0, 1] to feature vectors (batch, features).
    probabilities
        Images to class probabilities (batch, classes), for the Inception score; None for a network without classes.
    perceptual
        Pairs of images to their perceptual distance (batch,); None for a network without one.
    """

    name: str
    features: Callable[[Tensor], Tensor]
    probabilities: Callable[[Tensor], Tensor] | None = None
    perceptual: Callable[[Tensor, Tensor], Tensor] | None = None


@torch.no_grad()
def compute_batches(function: Callable[..., Tensor], images: Sequence[np.ndarray], batch_size: int = 64) -> np.ndarray:
    """Return what `function` makes of images, batch by batch, in double precision.

    Parameters
    ----------
    function
        One of an extractor's.
    images
        The function's arguments, (samples, 3, H, W) each; they are cut off at [0, 1], for a feature network has seen nothing
        else and a generator's output may lie outside.
    """
    parts = []
    for start in range(0, len(images[0]), batch_size):
        batch = [
            torch.from_numpy(np.ascontiguousarray(array[start : start + batch_size], dtype=np.float32)).clamp(0.0, 1.0)
            for array in images
        ]
        parts.append(function(*batch).double().cpu().numpy())
    return np.concatenate(parts)
