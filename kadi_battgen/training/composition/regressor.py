"""Training the composition regressor on the translator's latent or on the stacks (thesis sections 4.2.2 and 4.2.5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.training.augmenting import augmenter
from kadi_battgen.training.checkpoints import is_trained, load_model, read_card, save_model
from kadi_battgen.training.composition.calibration import calibrate
from kadi_battgen.training.composition.images import AugmentedLatents, CompositionImages, LatentImages, StackImages
from kadi_battgen.training.composition.memory import remember
from kadi_battgen.training.composition.orientation_sets import OrientationSets
from kadi_battgen.training.composition.task import CompositionPart, CompositionTask
from kadi_battgen.training.latents import LatentScale, encode_samples, latent_configuration
from kadi_battgen.training.loop import finish, fit
from kadi_battgen.training.processes import on_all_devices
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.settings import CompositionSettings
from kadi_battgen.training.translation.translator import load_translator, typical_stretch


@on_all_devices
def train_composition(
    dataset_path: str | os.PathLike[str],
    model_folder: str | os.PathLike[str],
    settings: CompositionSettings,
    *,
    seed: int = 0,
    preset: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the composition regressor and save it as ``composition/``; to read latents the folder must hold a translator.

    Returns
    -------
    dict
        The regressor's card.

    Raises
    ------
    UserError
        If the folder holds no translator although latents are read, or one trained on differently scaled images.
    """
    folder = Path(model_folder) / "composition"
    with TrainingDataset.open(dataset_path) as dataset:
        image_shape, conventions = list(dataset.image_shape), dataset.conventions
        translator, configuration = None, _configuration(dataset, settings, seed, preset)
        if settings.input == "latent":
            translator, translator_card = load_translator(model_folder)
            configuration = latent_configuration(dataset, translator_card, settings, seed, preset)
        if is_trained(folder, "composition", configuration):
            finish(folder)
            return read_card(folder, "composition")
        samples = {part: ImageSamples(dataset, part) for part in ("training", "validation")}
        operations = augmenter(settings.augmentation, dataset, seed)
        normalisation: dict[str, Any] = {}
        images: dict[str, CompositionImages] = {}
        if translator is None:
            normalisation = {"stack_scale": dataset.stack_scale, "stack_unit": dataset.stack_unit}
            images = {part: StackImages(own, operations) for part, own in samples.items()}
        else:
            latents = {part: encode_samples(translator, own, progress=progress)[0] for part, own in samples.items()}
            scale = LatentScale.fit(latents["training"])
            normalisation = {"latent": scale.to_json()}
            images = {part: LatentImages(scale.normalise(own)) for part, own in latents.items()}
            if operations is not None:
                images["training"] = AugmentedLatents(
                    images["training"].latents,  # type: ignore[attr-defined]
                    translator,
                    StackImages(samples["training"], operations),
                    scale,
                )
        known = np.unique(samples["training"].column("composition"), axis=0)
        architecture: dict[str, Any] = {
            "in_channels": dataset.slices if translator is None else translator.latent_channels,
            "stretch": None if translator is not None else _gain(settings, samples["training"]),
            "pooling": settings.pooling,
            "channels": list(settings.channels),
            "dense": list(settings.dense),
            "dropout": settings.dropout,
            "head": "presence-and-count" if settings.loss == "presence-and-count" else "counts",
            "working_ions": len(WORKING_IONS) if settings.working_ion else 0,
            "properties": settings.properties,
            "members": settings.members,
            "known": len(known) if settings.recognition else 0,
            "memory": None,
        }
        if settings.properties:
            normalisation["conditions"] = dataset.conditions_scaling.to_json()
        if settings.memory:
            count, gain = len(samples["training"]), typical_stretch(samples["training"])
            architecture["memory"] = {"images": count, "compositions": len(known), "gain": gain}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = CompositionEnsemble(**architecture)
        if settings.recognition:
            network.known_compositions.copy_(torch.from_numpy(known))
        if network.memory is not None:
            remember(network.memory, samples["training"], known)
        parts = {part: CompositionPart(images[part], own, known) for part, own in samples.items()}
        sets = OrientationSets(parts["training"].owners, settings.orientations)
        balance = samples["training"].balanced(settings.balance, seed, sets.first)
        loss_weights = torch.ones(len(parts["training"].owners))
        if settings.balance == "weights":
            loss_weights = parts["training"].weight
        task = CompositionTask(settings, network, parts["training"], parts["validation"], sets, loss_weights)
        history = fit(
            task,
            balance,
            settings.loop,
            folder,
            seed=seed,
            configuration=configuration,
            progress=progress,
        )
        network.eval()
        calibration = calibrate(network, parts["validation"])
    card = {
        "architecture": architecture,
        "input": settings.input,
        "normalisation": normalisation,
        "calibration": calibration,
        "image_shape": image_shape,
        "conventions": conventions,
        **configuration,
        "best": min(history, key=lambda row: row["validation_loss"]),
        "device": str(task.fabric.device),
    }
    save_model(folder, "composition", network, card, configuration)
    finish(folder)
    return read_card(folder, "composition")


def _gain(settings: CompositionSettings, training: ImageSamples) -> float:
    """Return the gain of the arcsinh transform of stacks; one that is very small leaves them as they are."""
    return typical_stretch(training) if settings.normalisation == "arcsinh" else 1e-3


def _configuration(
    dataset: TrainingDataset, settings: CompositionSettings, seed: int, preset: str | None
) -> dict[str, Any]:
    """Return what a training on stacks depends on, plain JSON values."""
    return {
        "dataset_sha256": sha256_file(dataset.path),
        "preset": preset,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
    }


def load_composition_regressor(model_folder: str | os.PathLike[str]) -> tuple[CompositionEnsemble, dict[str, Any]]:
    """Return the trained composition regressor of a model folder, in evaluation mode, with its card."""
    return load_model(model_folder, "composition", CompositionEnsemble)


def reads_latents(model_folder: str | os.PathLike[str]) -> bool:
    """Return whether the trained composition regressor of a model folder reads latents, and not stacks."""
    return read_card(Path(model_folder) / "composition", "composition")["input"] == "latent"
