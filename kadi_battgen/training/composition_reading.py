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


@torch.no_grad()
def embed_images(
    network: CompositionEnsemble,
    images: Callable[[np.ndarray], Tensor],
    count: int,
    *,
    batch_size: int = 64,
    progress: bool = False,
) -> Tensor:
    """Return the features of `count` images by position, (members, count, features)."""
    device = next(network.parameters()).device
    starts = range(0, count, batch_size)
    features = [
        network.embed(images(np.arange(start, min(start + batch_size, count))).to(device)).float()
        for start in progress_bar(starts, description="Reading compositions", unit="batch", enabled=progress)
    ]
    return torch.cat(features, dim=1)


@torch.no_grad()
def read_sets(
    network: CompositionEnsemble, features: Tensor, sets: Sequence[np.ndarray], working_ion: np.ndarray | None = None
) -> ReadCompositions:
    """Return the compositions of sets of images.

    Parameters
    ----------
    network
        In evaluation mode.
    features
        From :func:`embed_images`, (members, images, features).
    sets
        Positions of the images of each set.
    working_ion
        One-hot working ion of each set, (sets, ions); None where it is not known or the network takes none.
    """
    results: list[tuple[np.ndarray, ...]] = [()] * len(sets)
    sizes = np.array([len(members) for members in sets])
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        for start in range(0, len(chosen), 256):
            numbers = chosen[start : start + 256]
            members = torch.as_tensor(np.stack([sets[number] for number in numbers]))
            ion = None if working_ion is None else torch.from_numpy(working_ion[numbers]).float().to(features.device)
            output = network.read(features[:, members], ion)
            spread = output.members.std(dim=0, correction=0)
            arrays = (output.counts, output.presence, torch.expm1(output.logarithm), spread)
            for row, values in zip(numbers, zip(*(array.cpu().numpy() for array in arrays), strict=True), strict=True):
                results[row] = values
    return ReadCompositions(*(np.stack(column) for column in zip(*results, strict=True)))


def single_sets(count: int) -> list[np.ndarray]:
    """Return sets of one image each."""
    return list(np.arange(count)[:, None])
