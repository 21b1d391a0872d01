"""What the screening model is trained on: latents of the stacks, formulas of the electrodes, and formulas beyond them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.training.latents import encode_samples
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.screening.formulas import FormulaSamples, electrode_samples


@dataclass(frozen=True)
class ScreeningPart:
    """One part of a data set as the screening model sees it.

    Attributes
    ----------
    mean, deviation
        Latent means and standard deviations of the stacks, (samples, channels, h, w).
    owner
        Position in `electrodes` of each sample, (samples,).
    weight
        Balancing weight of each sample, (samples,).
    electrodes
        The part's electrodes.
    """

    mean: Tensor
    deviation: Tensor
    owner: np.ndarray
    weight: np.ndarray
    electrodes: FormulaSamples

    @classmethod
    def read(
        cls, dataset: TrainingDataset, part: str, translator: TranslationAutoencoder, progress: bool
    ) -> ScreeningPart:
        """Encode the stacks of a part of a data set."""
        samples = ImageSamples(dataset, part)
        mean, deviation = encode_samples(translator, samples, progress=progress)
        owners, owner = np.unique(samples.column("electrode_index"), return_inverse=True)
        electrodes = electrode_samples([dataset.electrodes[index] for index in owners])
        return cls(mean, deviation, owner, samples.column("weight"), electrodes)

    @property
    def ions(self) -> np.ndarray:
        """Working ion of each sample, positions in ``WORKING_IONS``."""
        return self.electrodes.ions[self.owner]

    def draw(self, indices: np.ndarray, generator: torch.Generator) -> Tensor:
        """Return latents drawn for the samples `indices`, (batch, channels, h, w)."""
        chosen = torch.as_tensor(indices)
        noise = torch.randn((len(indices), *self.mean.shape[1:]), generator=generator)
        return self.mean[chosen] + self.deviation[chosen] * noise


def part_electrodes(dataset: TrainingDataset, part: str) -> FormulaSamples | None:
    """Return the electrodes of a part of a data set, None where it has none."""
    owners = np.unique(dataset.column("electrode_index")[dataset.indices(part)])
    return electrode_samples([dataset.electrodes[owner] for owner in owners]) if len(owners) else None
