"""Training the screening model: conditional diffusion of image latent and composition latent (thesis section 4.2.4).

Four trainings follow one another: the autoencoder of formulas, the composition branch, the property model that candidates are
judged by, and the image branch, which learns to follow the formula.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.datasets.balancing import balanced
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes, write_electrodes
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.training.checkpoints import is_trained, load_model, read_card, save_model
from kadi_battgen.training.latents import LatentScale, latent_configuration
from kadi_battgen.training.loop import finish, fit
from kadi_battgen.training.processes import on_all_devices
from kadi_battgen.training.samples import require_image_sides
from kadi_battgen.training.screening.composition_branch import finish_composition_branch
from kadi_battgen.training.screening.formula_networks import train_formula_networks
from kadi_battgen.training.screening.image_branch import ImageBranchTask
from kadi_battgen.training.screening.parts import ScreeningPart, part_electrodes
from kadi_battgen.training.screening.property_model import LEVEL, interval_widening, property_errors
from kadi_battgen.training.settings import ScreeningSettings
from kadi_battgen.training.translation.translator import load_translator

#: File in the screening model's folder with the electrodes that candidates are compared with.
KNOWN_ELECTRODES = "known_electrodes.json.gz"


@on_all_devices
def train_screening(
    dataset_path: str | os.PathLike[str],
    model_folder: str | os.PathLike[str],
    settings: ScreeningSettings,
    *,
    seed: int = 0,
    preset: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train the screening model of a model folder that holds a translator, and save it as ``screening/``.

    Returns
    -------
    dict
        The screening model's card.

    Raises
    ------
    UserError
        If the folder holds no translator, one trained on differently scaled images, or an interrupted training with other
        settings; if the images do not fit the network; or if the training diverges.
    """
    translator, translator_card = load_translator(model_folder)
    folder = Path(model_folder) / "screening"
    with TrainingDataset.open(dataset_path) as dataset:
        divisor = translator.downsampling * 2 ** (len(settings.channels) - 1)
        require_image_sides(dataset, divisor, divisor, "the U-Net", "lower its number of levels in the configuration")
        configuration = latent_configuration(dataset, translator_card, settings, seed, preset)
        if is_trained(folder, "screening", configuration) and (folder / KNOWN_ELECTRODES).is_file():
            finish(folder)
            finish_composition_branch(folder)
            return read_card(folder, "screening")
        parts = {part: ScreeningPart.read(dataset, part, translator, progress) for part in ("training", "validation")}
        known = dataset.electrodes
        held_out = part_electrodes(dataset, "test")
        scaling, ranges = dataset.conditions_scaling, training_ranges(dataset)
    electrodes, validation = parts["training"].electrodes, parts["validation"].electrodes
    architecture = network_architecture(settings, tuple(parts["training"].mean.shape[1:]))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ScreeningNetwork(**architecture)
    _set_image_scale(network, parts["training"])
    samples = {"training": electrodes, "validation": validation}
    found = train_formula_networks(network, samples, scaling, settings, folder, configuration, seed, progress)
    task = ImageBranchTask(settings, network, parts, scaling, seed)
    balance = balanced(settings.balance, parts["training"].ions, seed, parts["training"].weight)
    history = fit(
        task,
        balance,
        settings.loop,
        folder,
        seed=seed,
        configuration=configuration,
        progress=progress,
    )
    widening = interval_widening(network.properties, validation)
    card = {
        "architecture": architecture,
        "normalisation": {"conditions": scaling.to_json()},
        "prediction": settings.prediction,
        "schedule": {
            "timesteps": settings.timesteps,
            "beta_start": settings.beta_start,
            "beta_end": settings.beta_end,
        },
        "training_ranges": ranges,
        **configuration,
        "best": min(history, key=lambda row: row["validation_loss"]),
        **found,
        "property_model": {
            "interval_level": LEVEL,
            "interval_widening": widening.tolist(),
            "held_out_part": "validation" if held_out is None else "test",
            "held_out_errors": property_errors(network.properties, held_out or validation, widening, electrodes),
        },
        "device": str(task.fabric.device),
    }
    write_electrodes(folder / KNOWN_ELECTRODES, known, {"from": "data set of the training"})
    save_model(folder, "screening", network, card, configuration)
    finish(folder)
    finish_composition_branch(folder)
    return read_card(folder, "screening")


def load_screening(
    model_folder: str | os.PathLike[str],
) -> tuple[ScreeningNetwork, dict[str, Any], ElectrodeCollection]:
    """Return the trained screening model of a model folder, its card and the electrodes it knows."""
    network, card = load_model(model_folder, "screening", ScreeningNetwork)
    return network, card, read_electrodes(Path(model_folder) / "screening" / KNOWN_ELECTRODES)


def training_ranges(dataset: TrainingDataset) -> dict[str, dict[str, Any]]:
    """Return minimum, quantiles and maximum of each functional property per working ion over the training electrodes.

    The ion ``any`` stands for all of them; quantiles are those at 5, 50 and 95 %.
    """
    owners = np.unique(dataset.column("electrode_index")[dataset.indices("training")])
    electrodes = [dataset.electrodes[owner] for owner in owners]
    ranges: dict[str, dict[str, Any]] = {}
    for ion in ("any", *WORKING_IONS):
        values = [e.properties.as_vector() for e in electrodes if ion in ("any", e.working_ion)]
        if values:
            quantiles = np.quantile(np.stack(values), [0.0, 0.05, 0.5, 0.95, 1.0], axis=0)
            ranges[ion] = {
                "electrodes": len(values),
                **{name: quantiles[:, column].tolist() for column, name in enumerate(FUNCTIONAL_PROPERTIES)},
            }
    return ranges


def network_architecture(settings: ScreeningSettings, latent_shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the arguments of the screening network for settings and the shape (channels, h, w) of an image latent."""
    return {
        "latent_shape": list(latent_shape),
        "unet": {
            "latent_channels": latent_shape[0],
            "composition_size": settings.composition_size,
            "channels": list(settings.channels),
            "attention_levels": list(settings.attention_levels),
            "embedding_size": settings.embedding_size,
            "condition_channels": settings.condition_channels,
            "composition_width": settings.composition_width,
            "composition_blocks": settings.composition_blocks,
        },
        "composition_autoencoder": {"latent_size": settings.composition_size},
        "properties": {"members": settings.property_members},
    }


@torch.no_grad()
def _set_image_scale(network: ScreeningNetwork, training: ScreeningPart) -> None:
    """Store mean and deviation of the image latents over the training part in the network."""
    scale = LatentScale.fit(training.mean)
    network.image_mean.copy_(scale.mean[:, None, None])
    network.image_deviation.copy_(scale.standard_deviation[:, None, None])
