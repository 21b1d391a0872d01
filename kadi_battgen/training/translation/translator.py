"""Training the translator and the baselines it is compared with (thesis sections 4.2.2 and 4.2.3)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.files import existing_file, sha256_file
from kadi_battgen.networks.autoencoder import SPHERES, TranslationAutoencoder
from kadi_battgen.training.augmenting import augmenter
from kadi_battgen.training.checkpoints import is_trained, load_model, read_card, save_model
from kadi_battgen.training.loop import finish, fit
from kadi_battgen.training.processes import on_all_devices
from kadi_battgen.training.samples import ImageSamples, require_image_sides
from kadi_battgen.training.settings import TranslationSettings
from kadi_battgen.training.translation.networks import TRANSLATORS, Translator
from kadi_battgen.training.translation.task import TranslationTask


@on_all_devices
def train_translation(
    dataset_path: str | os.PathLike[str],
    model_folder: str | os.PathLike[str],
    settings: TranslationSettings,
    *,
    seed: int = 0,
    preset: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the translator and its baselines on a data set and save them into ``<model_folder>/``.

    Parameters
    ----------
    dataset_path
        A data set written by ``battgen build-dataset``.
    model_folder
        The model's folder; ``translation/`` and a folder for each baseline are written in it.
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
        If the data set is broken or its images do not fit the networks, the feature network is missing or broken, the folder
        holds an interrupted training with other settings, or the training diverges.
    """
    with TrainingDataset.open(dataset_path) as dataset:
        _check_sides(dataset, settings)
        training, validation = ImageSamples(dataset, "training"), ImageSamples(dataset, "validation")
        common: dict[str, Any] = {
            "slices": dataset.slices,
            "descriptor_channels": len(dataset.descriptor_scaling.names),
            "patch_size": settings.patch_size,
            "stretch": typical_stretch(training),
        }
        card: dict[str, Any] = {
            "normalisation": {
                "stack_scale": dataset.stack_scale,
                "stack_unit": dataset.stack_unit,
                "descriptors": dataset.descriptor_scaling.to_json(),
            },
            "image_shape": list(dataset.image_shape),
            "conventions": dataset.conventions,
            "dataset_sha256": sha256_file(dataset_path),
            "preset": preset,
            "seed": seed,
        }
        for name in ("translator", *settings.baselines):
            _train_one(TRANSLATORS[name], Path(model_folder), settings, common, card, training, validation, progress)
    return read_card(Path(model_folder) / "translation", "translation")


def _train_one(
    translator: Translator,
    model_folder: Path,
    settings: TranslationSettings,
    common: dict[str, Any],
    card: dict[str, Any],
    training: ImageSamples,
    validation: ImageSamples,
    progress: bool,
) -> None:
    own, seed = translator.settings(settings), card["seed"]
    architecture = {**common, **translator.architecture(own)}
    if architecture.get("type_map") == "classes":
        architecture["spheres_to_type_map"] = spheres_to_type_map(training.dataset)
    card = {"architecture": architecture, **card, "settings": own.model_dump(mode="json")}
    if own.feature_network is not None:
        card["feature_network_sha256"] = sha256_file(existing_file(own.feature_network))
    configuration = {"kind": translator.kind, **card}
    folder = model_folder / translator.kind
    if is_trained(folder, translator.kind, configuration):
        finish(folder)
        return
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = translator.network(**architecture)
        operations = augmenter(own.augmentation, training.dataset, seed)
        task = TranslationTask(f"Training {translator.title}", own, network, training, validation, operations)
    balance = training.balanced(own.balance, seed)
    history = fit(
        task,
        balance,
        own.loop,
        folder,
        seed=seed,
        configuration=configuration,
        progress=progress,
    )
    best = min(history, key=lambda row: row["validation_loss"])
    save_model(
        folder, translator.kind, network, {**card, "best": best, "device": str(task.fabric.device)}, configuration
    )
    finish(folder)


def _check_sides(dataset: TrainingDataset, settings: TranslationSettings) -> None:
    divisor = settings.patch_size * 2 ** (len(settings.channels) - 1)
    require_image_sides(
        dataset, divisor, divisor, "the translator", "lower patch_size or the number of levels in the configuration"
    )
    if any(name.startswith("unet") for name in settings.baselines):
        # Four times halved, the U-Net must still normalise over more than one pixel.
        smallest = 32 * settings.patch_size
        require_image_sides(
            dataset, settings.patch_size, smallest, "the U-Net", "lower patch_size or take the U-Nets off baselines"
        )


def load_translator(model_folder: str | os.PathLike[str]) -> tuple[TranslationAutoencoder, dict[str, Any]]:
    """Return the trained translator of a model folder, in evaluation mode, with its card."""
    return load_model(model_folder, "translation", TranslationAutoencoder)


def spheres_to_type_map(dataset: TrainingDataset) -> list[float]:
    """Return factor and offset from scaled heights of the van der Waals spheres to scaled intensities of the type map."""
    scaling = dataset.descriptor_scaling
    # Both are the same heights in Angstrom, and a colour whose class is not shown is at its minimum.
    offset = (scaling.minimum[SPHERES] - scaling.minimum[-1]) / scaling.span[-1]
    return [float(scaling.span[SPHERES] / scaling.span[-1]), float(offset)]


def typical_stretch(samples: ImageSamples, count: int = 32) -> float:
    """Return the gain of the arcsinh transform that puts a typical signal where the curve bends.

    It is the inverse of the median absolute value of non-negligible pixels over the first `count` samples, at most 1e4.
    """
    values = samples.stacks(np.arange(min(count, len(samples)))).abs()
    signal = values[values > 1e-5]
    return float(1.0 / max(float(signal.median()), 1e-4)) if signal.numel() else 1.0
