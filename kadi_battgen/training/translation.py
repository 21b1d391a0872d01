"""Training the translator and the baseline it is compared with (thesis sections 4.2.2 and 4.2.3)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.baseline import BaselineTranslator
from kadi_battgen.training.augmenting import augmenter
from kadi_battgen.training.checkpoints import is_trained, load_model, read_card, save_model
from kadi_battgen.training.image_tasks import BaselineTask, TranslationTask
from kadi_battgen.training.loop import finish, fit
from kadi_battgen.training.samples import ImageSamples, require_image_sides
from kadi_battgen.training.settings import TranslationSettings


def train_translation(
    dataset_path: str | os.PathLike[str],
    model_folder: str | os.PathLike[str],
    settings: TranslationSettings,
    *,
    seed: int = 0,
    preset: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the translator (and its baseline) on a data set and save both into ``<model_folder>/``.

    Parameters
    ----------
    dataset_path
        A data set written by ``battgen build-dataset``.
    model_folder
        The model's folder; ``translation/`` and ``baseline/`` are written in it.
    settings
        Architecture and training.
    seed
        Seed of initial weights, sample order and noise.
    preset
        Name of the preset, for the card.

    Returns
    -------
    dict
        The translator's card.

    Raises
    ------
    UserError
        If the data set is broken or its images do not fit the networks, the folder holds an interrupted training with
        other settings, or the training diverges.
    """
    with TrainingDataset.open(dataset_path) as dataset:
        dataset_sha256 = sha256_file(dataset_path)
        _check_sides(dataset, settings)
        training, validation = ImageSamples(dataset, "training"), ImageSamples(dataset, "validation")
        common: dict[str, Any] = {
            "slices": dataset.slices,
            "descriptor_channels": len(dataset.descriptor_scaling.names),
            "patch_size": settings.patch_size,
            "stretch": typical_stretch(training),
        }
        architectures = {
            "translation": {
                **common,
                "channels": list(settings.channels),
                "residual_blocks": settings.residual_blocks,
                "attention_levels": list(settings.attention_levels),
                "latent_channels": settings.latent_channels,
            },
            "baseline": {**common, "features": list(settings.baseline_features)},
        }
        card: dict[str, Any] = {
            "normalisation": {
                "stack_scale": dataset.stack_scale,
                "stack_unit": dataset.stack_unit,
                "descriptors": dataset.descriptor_scaling.to_json(),
            },
            "image_shape": list(dataset.image_shape),
            "conventions": dataset.conventions,
            "dataset_sha256": dataset_sha256,
            "preset": preset,
            "seed": seed,
            "settings": settings.model_dump(mode="json"),
        }
        balance = training.balanced(settings.balance, seed)
        sampling = None if balance.sampling_weights is None else torch.from_numpy(balance.sampling_weights)
        cards = {}
        for kind, (network_class, task_class) in _STAGES.items():
            loop = settings.loop
            if kind == "baseline":
                if settings.baseline_epochs == 0:
                    continue
                loop = loop.model_copy(update={"epochs": settings.baseline_epochs})
            folder = Path(model_folder) / kind
            configuration = {"kind": kind, **card, "architecture": architectures[kind]}
            if is_trained(folder, kind, configuration):
                finish(folder)
                cards[kind] = read_card(folder, kind)
                continue
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                network = network_class(**architectures[kind])
                operations = augmenter(settings.augmentation, dataset, seed)
                task = task_class(settings, network, training, validation, operations)
            history = fit(
                task,
                len(balance.positions),
                loop,
                folder,
                seed=seed,
                configuration=configuration,
                weights=sampling,
                positions=balance.positions,
                progress=progress,
            )
            best = min(history, key=lambda row: row["validation_loss"])
            cards[kind] = {"architecture": architectures[kind], **card, "best": best, "device": str(task.fabric.device)}
            save_model(folder, kind, network, cards[kind], configuration)
            finish(folder)
    return cards["translation"]


def _check_sides(dataset: TrainingDataset, settings: TranslationSettings) -> None:
    divisor = settings.patch_size * 2 ** (len(settings.channels) - 1)
    require_image_sides(
        dataset, divisor, divisor, "the translator", "lower patch_size or the number of levels in the configuration"
    )
    if settings.baseline_epochs:
        # Four times halved, the baseline must still normalise over more than one pixel.
        smallest = 32 * settings.patch_size
        require_image_sides(
            dataset, settings.patch_size, smallest, "the baseline", "lower patch_size or set baseline_epochs to 0"
        )


def load_translator(model_folder: str | os.PathLike[str]) -> tuple[TranslationAutoencoder, dict[str, Any]]:
    """Return the trained translator of a model folder, in evaluation mode, with its card."""
    return load_model(model_folder, "translation", TranslationAutoencoder)


def load_baseline(model_folder: str | os.PathLike[str]) -> tuple[BaselineTranslator, dict[str, Any]]:
    """Return the trained baseline of a model folder, in evaluation mode, with its card."""
    return load_model(model_folder, "baseline", BaselineTranslator)


def typical_stretch(samples: ImageSamples, count: int = 32) -> float:
    """Return the gain of the arcsinh transform that puts a typical signal where the curve bends.

    It is the inverse of the median absolute value of non-negligible pixels over the first `count` samples, at most 1e4.
    """
    values = samples.stacks(np.arange(min(count, len(samples)))).abs()
    signal = values[values > 1e-5]
    return float(1.0 / max(float(signal.median()), 1e-4)) if signal.numel() else 1.0


_STAGES: dict[str, tuple[Any, Any]] = {
    "translation": (TranslationAutoencoder, TranslationTask),
    "baseline": (BaselineTranslator, BaselineTask),
}
