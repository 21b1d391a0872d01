"""Reading compositions from images with a trained ensemble, one stack or all orientations of an electrode at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.progress import progress_bar


@dataclass(frozen=True)
class ReadCompositions:
    """Compositions read from sets of stacks.

    Attributes
    ----------
    counts
        Expected atoms per reduced formula, (sets, 112).
    presence
        Probability that each element is there, (sets, 112).
    count_if_present
        Atoms of each element if it is there, (sets, 112).
    spread
        Standard deviation of the counts over the members of the ensemble, (sets, 112).
    """

    counts: np.ndarray
    presence: np.ndarray
    count_if_present: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class EmbeddedImages:
    """What a network makes of images by themselves, before they are put together to sets.

    Attributes
    ----------
    features
        (members, images, features).
    recalled
        Counts and presence that remembered images say, (images, 2, 112); None without a memory.
    sureness
        Weight of each image's recollection, (images,); None without a memory.
    """

    features: Tensor
    recalled: Tensor | None = None
    sureness: Tensor | None = None

    def pooled_recollection(self, members: Tensor) -> Tensor | None:
        """Return what remembered images say of sets of images by position (sets, size): (sets, 2, 112)."""
        if self.recalled is None or self.sureness is None:
            return None
        weight = self.sureness[members]
        weight = weight / weight.sum(dim=1, keepdim=True)
        return (weight[:, :, None, None] * self.recalled[members]).sum(dim=1)


@torch.no_grad()
def embed_images(
    network: CompositionEnsemble,
    images: Callable[[np.ndarray], Tensor],
    count: int,
    *,
    recall: bool = True,
    batch_size: int = 64,
    progress: bool = False,
) -> EmbeddedImages:
    """Return what the network makes of `count` images, which are asked for by position.

    Parameters
    ----------
    recall
        Whether remembered images are looked up, where the network has a memory.
    """
    device = next(network.parameters()).device
    starts = range(0, count, batch_size)
    features, recalled, sureness = [], [], []
    for start in progress_bar(starts, description="Reading compositions", unit="batch", enabled=progress):
        batch = images(np.arange(start, min(start + batch_size, count))).to(device)
        features.append(network.embed(batch).float())
        if recall and network.memory is not None:
            said, sure = network.memory.recall(batch)
            recalled.append(said)
            sureness.append(sure)
    if not recalled:
        return EmbeddedImages(torch.cat(features, dim=1))
    return EmbeddedImages(torch.cat(features, dim=1), torch.cat(recalled), torch.cat(sureness))


@torch.no_grad()
def read_sets(
    network: CompositionEnsemble,
    embedded: EmbeddedImages,
    sets: Sequence[np.ndarray],
    conditions: np.ndarray | None = None,
) -> ReadCompositions:
    """Return the compositions of sets of images.

    Parameters
    ----------
    network
        In evaluation mode.
    embedded
        From :func:`embed_images`.
    sets
        Positions of the images of each set.
    conditions
        What is known of the cell of each set, (sets, CONDITION_SIZE); None where nothing is.
    """
    results: list[tuple[np.ndarray, ...]] = [()] * len(sets)
    sizes = np.array([len(members) for members in sets])
    device = embedded.features.device
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        for start in range(0, len(chosen), 256):
            numbers = chosen[start : start + 256]
            members = torch.as_tensor(np.stack([sets[number] for number in numbers]))
            told = None if conditions is None else torch.from_numpy(conditions[numbers]).float().to(device)
            output = network.read(embedded.features[:, members], told, embedded.pooled_recollection(members))
            spread = output.members.std(dim=0, correction=0)
            arrays = (output.counts, output.presence, output.count_if_present, spread)
            for row, values in zip(numbers, zip(*(array.cpu().numpy() for array in arrays), strict=True), strict=True):
                results[row] = values
    return ReadCompositions(*(np.stack(column) for column in zip(*results, strict=True)))


def single_sets(count: int) -> list[np.ndarray]:
    """Return sets of one image each."""
    return list(np.arange(count)[:, None])
