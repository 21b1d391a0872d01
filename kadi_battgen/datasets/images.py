"""Blocks of a campaign's images, read and scaled by whoever has time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.errors import UserError

#: Samples of a block: 16 MB of the thesis's images.
BLOCK_SAMPLES = 32


@dataclass(frozen=True)
class ImageScales:
    """Constants that images are scaled with.

    Attributes
    ----------
    stack
        What stacks are divided by.
    low, span
        What is taken off each descriptor channel, and what it is then divided by.
    """

    stack: float
    low: np.ndarray
    span: np.ndarray


@dataclass(frozen=True)
class ImageBlock:
    """Samples of a campaign.

    Attributes
    ----------
    path, key
        The campaign file, and the fingerprint of what it holds.
    indices
        Positions of the samples.
    scales
        What to scale with, None to look at the values as they are.
    """

    path: Path
    key: str
    indices: np.ndarray
    scales: ImageScales | None = None


def image_blocks(campaign: AfmCampaign, indices: np.ndarray, scales: ImageScales | None = None) -> list[ImageBlock]:
    """Return samples of a campaign as blocks of :data:`BLOCK_SAMPLES`, in their order."""
    path, key = campaign.path.absolute(), campaign.key
    starts = range(0, len(indices), BLOCK_SAMPLES)
    return [ImageBlock(path, key, indices[start : start + BLOCK_SAMPLES], scales) for start in starts]


def block_extremes(block: ImageBlock) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the largest magnitude in the stacks of a block, and minimum and maximum of each descriptor channel.

    Raises
    ------
    UserError
        If this process finds another file at the path, or none.
    """
    tops, lows, highs = [], [], []
    with _opened(block) as campaign:
        for index in block.indices:
            tops.append(float(np.abs(campaign.stack(index)).max()))
            channels = campaign.descriptors(index).reshape(len(campaign.channels), -1)
            lows.append(channels.min(axis=1))
            highs.append(channels.max(axis=1))
    return max(tops), np.min(lows, axis=0), np.max(highs, axis=0)


def scaled_block(block: ImageBlock) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled stacks (n, slices, H, W) and descriptors (n, channels, H, W) of a block, both float16.

    Raises
    ------
    UserError
        As :func:`block_extremes`.
    """
    scales = block.scales
    assert scales is not None
    low, span = scales.low[:, None, None], scales.span[:, None, None]
    with _opened(block) as campaign:
        stacks = [(campaign.stack(index) / scales.stack).astype(np.float16) for index in block.indices]
        descriptors = [((campaign.descriptors(index) - low) / span).astype(np.float16) for index in block.indices]
    return np.stack(stacks), np.stack(descriptors)


def _opened(block: ImageBlock) -> AfmCampaign:
    campaign = AfmCampaign.open(block.path)
    if campaign.key != block.key:
        raise UserError(
            f"{block.path} is another campaign where the workers run: give a file on a file system that they share."
        )
    return campaign
