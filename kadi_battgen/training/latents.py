"""The latents of a data set under a trained translator, computed once and normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.samples import ImageSamples


@dataclass(frozen=True)
class LatentScale:
    """Mean and standard deviation per latent channel over the training part.

    A diffusion model assumes latents of zero mean and unit variance; these constants make them so and are stored in every
    checkpoint that works on latents.
    """

    mean: Tensor
    standard_deviation: Tensor

    @classmethod
    def fit(cls, latents: Tensor) -> LatentScale:
        """Take the constants from latents (samples, channels, h, w)."""
        return cls(latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3)).clamp(min=1e-6))

    def normalise(self, latents: Tensor) -> Tensor:
        """Return latents of zero mean and unit variance per channel."""
        return (latents - self.mean[:, None, None]) / self.standard_deviation[:, None, None]

    def restore(self, latents: Tensor) -> Tensor:
        """Undo :meth:`normalise`."""
        return latents * self.standard_deviation[:, None, None] + self.mean[:, None, None]

    def to_json(self) -> dict[str, list[float]]:
        """Return the constants as plain JSON values."""
        return {"mean": self.mean.tolist(), "standard_deviation": self.standard_deviation.tolist()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> LatentScale:
        """Return the scale that :meth:`to_json` described."""
        return cls(torch.tensor(document["mean"]), torch.tensor(document["standard_deviation"]))


@torch.no_grad()
def encode_samples(
    translator: TranslationAutoencoder, samples: ImageSamples, *, progress: bool = True, batch_size: int = 32
) -> tuple[Tensor, Tensor]:
    """Return latent means and standard deviations of all samples of a part, (samples, channels, h, w) each."""
    device = next(translator.parameters()).device
    means, deviations = [], []
    starts = range(0, len(samples), batch_size)
    for start in progress_bar(starts, description="Encoding stacks", unit="batch", enabled=progress):
        positions = np.arange(start, min(start + batch_size, len(samples)))
        mean, deviation = translator.encode(samples.stacks(positions).to(device))
        means.append(mean.float().cpu())
        deviations.append(deviation.float().cpu())
    return torch.cat(means), torch.cat(deviations)


def latent_configuration(
    dataset: TrainingDataset, translator_card: dict[str, Any], settings: BaseModel, seed: int, preset: str | None
) -> dict[str, Any]:
    """Return what a training on a translator's latents depends on, plain JSON values.

    Raises
    ------
    UserError
        If the data set's images are not those the translator was trained on.
    """
    check_same_images(translator_card, dataset)
    return {
        "dataset_sha256": sha256_file(dataset.path),
        "translation_sha256": translator_card["weights_sha256"],
        "preset": preset,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
    }


def check_same_images(card: dict[str, Any], dataset: TrainingDataset) -> None:
    """Check that a data set's images are scaled and sized like those a translator was trained on.

    Raises
    ------
    UserError
        If they are not.
    """
    if list(dataset.image_shape) != list(card["image_shape"]):
        raise UserError(
            f"{dataset.path} holds images of {dataset.image_shape[0]} x {dataset.image_shape[1]} pixels, but the translator "
            f"was trained on {card['image_shape'][0]} x {card['image_shape'][1]}: train it on this data set."
        )
    if not np.isclose(dataset.stack_scale, card["normalisation"]["stack_scale"], rtol=1e-6):
        raise UserError(
            f"{dataset.path} scales its stacks by {dataset.stack_scale:.6g} {dataset.stack_unit}, but the translator was "
            f"trained with {card['normalisation']['stack_scale']:.6g}: train it on this data set."
        )
