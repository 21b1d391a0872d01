"""Remembered training images: the compositions of those that an image resembles."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: Edge in pixels of the thumbnails that images are compared by.
THUMBNAIL = 12

#: Remembered images that speak for an image.
NEIGHBOURS = 4

#: How fast the say of a remembered image falls with its distance, relative to that of the nearest.
_REACH = 0.1


def stack_thumbnails(stacks: Tensor, gain: float) -> Tensor:
    """Return small versions of the highest and the lowest slice of scaled stacks, (batch, 2, 12, 12).

    An arcsinh with the given gain lets small forces count.
    """
    return F.adaptive_avg_pool2d(torch.asinh(gain * stacks[:, [0, -1]].float()), THUMBNAIL)


def nearest_thumbnails(asked: Tensor, remembered: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the distances and rows of the `count` nearest of remembered thumbnails, (batch, count) each, nearest first.

    Distances are Euclidean; of the eight symmetries of the square, which a scan may be turned and mirrored by, the one
    that brings an image nearest counts. The same row may come in several symmetries.

    Parameters
    ----------
    asked
        (batch, 2, 12, 12).
    remembered
        (rows, 2 * 12 * 12).
    """
    squares = remembered.square().sum(dim=1)
    best = torch.full((len(asked), count), torch.inf)
    rows = torch.zeros((len(asked), count), dtype=torch.long)
    for operation in range(8):
        turned = (asked.flip(-1) if operation >= 4 else asked).rot90(operation % 4, (-2, -1)).flatten(1)
        distances = squares[None] - 2 * turned @ remembered.T + turned.square().sum(dim=1, keepdim=True)
        nearest, found = distances.topk(min(count, len(remembered)), dim=1, largest=False)
        best, order = torch.cat([best, nearest], dim=1).topk(count, dim=1, largest=False)
        rows = torch.cat([rows, found], dim=1).gather(1, order)
    return best.clamp(min=0.0).sqrt(), rows


class ImageMemory(nn.Module):
    """Thumbnails of the training images with their compositions.

    Parameters
    ----------
    images
        Number of remembered images.
    compositions
        Number of distinct compositions.
    gain
        Gain of the arcsinh of the thumbnails.
    elements
        Length of the composition vector.
    """

    def __init__(self, images: int, compositions: int, gain: float, elements: int = 112) -> None:
        super().__init__()
        self.gain = gain
        self.register_buffer("thumbnails", torch.zeros(images, 2 * THUMBNAIL**2, dtype=torch.float16))
        self.register_buffer("owner", torch.zeros(images, dtype=torch.int32))
        self.register_buffer("compositions", torch.zeros(compositions, elements))

    def recall(self, stacks: Tensor) -> tuple[Tensor, Tensor]:
        """Return what remembered images say of scaled stacks (batch, slices, H, W).

        Returns
        -------
        tuple of Tensor
            Counts and presence of the elements, means over the nearest images, (batch, 2, elements); and how sure that is,
            the inverse of the distance to the nearest, (batch,).
        """
        distances, rows = nearest_thumbnails(stack_thumbnails(stacks, self.gain), self.thumbnails.float(), NEIGHBOURS)
        nearest = distances[:, :1].clamp(min=1e-6)
        weight = torch.softmax(-(distances / nearest - 1.0) / _REACH, dim=1)
        counts = self.compositions[self.owner[rows].long()]
        said = torch.stack([counts, (counts > 0).to(counts.dtype)], dim=2)
        return (weight[:, :, None, None] * said).sum(dim=1), 1.0 / (nearest[:, 0] + 1e-3)
