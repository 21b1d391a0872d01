"""Training the property-regressor variational autoencoder of SEI configurations (thesis section 4.1.2)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.datasets.scaling import StandardScaling
from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.sei_autoencoder import SeiAutoencoder
from kadi_battgen.sei.chemistry import BARRIERS
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.training.checkpoints import is_trained, load_model_folder, read_card, save_model
from kadi_battgen.training.loop import finish, fit
from kadi_battgen.training.losses import class_weights
from kadi_battgen.training.processes import on_all_devices
from kadi_battgen.training.sei.references import LATENTS, Latents, measure_latents, measure_references
from kadi_battgen.training.sei.settings import KIND, PrvaeSettings
from kadi_battgen.training.sei.task import PrvaeTask, SeiSamples


@on_all_devices
def train_prvae(
    dataset_path: str | os.PathLike[str],
    model_folder: str | os.PathLike[str],
    settings: PrvaeSettings,
    *,
    seed: int = 0,
    preset: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train an autoencoder on a data set and save it in a folder of its own.

    Beside weights, card and metrics the folder gets ``latents.safetensors``: the distribution of the training part's latents
    and a sample of them with their observables and barriers, which a search starts from.

    Parameters
    ----------
    dataset_path
        A data set written by ``battgen build-sei-dataset``.
    model_folder
        The model's folder.
    settings
        Architecture and training.
    seed
        Seed of initial weights, order of samples and noise.
    preset
        Name of the preset, for the card.

    Returns
    -------
    dict
        The model's card.

    Raises
    ------
    UserError
        If the data set is broken, the folder holds another model or an interrupted training with other settings, or the
        training diverges.
    """
    folder = Path(model_folder)
    with SeiDataset.open(dataset_path) as dataset:
        rows, columns = dataset.lattice_shape
        architecture = _architecture(settings, rows, columns, len(dataset.categories))
        configuration: dict[str, Any] = {
            "kind": KIND,
            "architecture": architecture,
            "dataset_sha256": sha256_file(dataset_path),
            "preset": preset,
            "seed": seed,
            "settings": settings.model_dump(mode="json"),
        }
        if is_trained(folder, KIND, configuration) and (folder / LATENTS).is_file():
            finish(folder)
            return read_card(folder, KIND)
        observables = dataset.observables_scaling.inverse(dataset.column("observables"))
        chosen = [list(OBSERVABLES).index(name) for name in settings.properties]
        training, validation = dataset.indices("training"), dataset.indices("validation")
        scaling = StandardScaling.fit(
            observables[training][:, chosen],
            settings.properties,
            [OBSERVABLES[name].unit for name in settings.properties],
        )
        barriers = dataset.column("barriers")
        parts = {
            part: SeiSamples(
                torch.from_numpy(dataset.configurations(positions)),
                torch.from_numpy(scaling.transform(observables[positions][:, chosen]).astype(np.float32)),
                torch.from_numpy(barriers[positions]) if settings.conditional else None,
            )
            for part, positions in (("training", training), ("validation", validation))
        }
        barriers_scaling, species, chemistry = dataset.barriers_scaling, dataset.categories, dataset.model
    counts = np.bincount(parts["training"].configurations.numpy().ravel(), minlength=len(species))
    weights = class_weights(counts, settings.class_weight_exponent)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SeiAutoencoder(**architecture)
        task = PrvaeTask(settings, network, parts["training"], parts["validation"], torch.from_numpy(weights), seed)
    history = fit(
        task, len(parts["training"]), settings.loop, folder, seed=seed, configuration=configuration, progress=progress
    )
    network.eval()
    latents = measure_latents(network, parts["training"], observables[training], barriers[training], seed)
    latents.save(folder / LATENTS)
    card = {
        **configuration,
        "variant": settings.variant,
        "properties": list(settings.properties) if settings.regresses else [],
        "species": list(species),
        "chemistry": chemistry,
        "normalisation": {
            "properties": scaling.to_json(),
            "barriers": barriers_scaling.to_json(),
            "class_weights": weights.tolist(),
        },
        "training_ranges": {
            name: np.quantile(observables[training][:, column], (0, 0.01, 0.99, 1)).tolist()
            for column, name in enumerate(OBSERVABLES)
        },
        "references": measure_references(network, parts["validation"], latents, torch.from_numpy(weights)),
        "latents_sha256": sha256_file(folder / LATENTS),
        "best": min(history, key=lambda row: row["validation_loss"]),
        "epochs_trained": len(history),
        "device": str(task.fabric.device),
    }
    save_model(folder, KIND, network, card, configuration)
    finish(folder)
    return read_card(folder, KIND)


def load_prvae(model_folder: str | os.PathLike[str]) -> tuple[SeiAutoencoder, dict[str, Any], Latents]:
    """Return a trained autoencoder in evaluation mode, its card, and the latents of its training part.

    Raises
    ------
    UserError
        If the folder holds no such model, or one that is broken.
    """
    network, card = load_model_folder(model_folder, KIND, SeiAutoencoder)
    path = Path(model_folder) / LATENTS
    if not path.is_file() or sha256_file(path) != card.get("latents_sha256"):
        raise UserError(
            f"{path} is missing or belongs to another training than {path.with_name('card.json')}: train again."
        )
    return network, card, Latents.load(path)


def _architecture(settings: PrvaeSettings, rows: int, columns: int, categories: int) -> dict[str, Any]:
    return {
        "rows": rows,
        "columns": columns,
        "categories": categories,
        "channels": list(settings.channels),
        "strides": list(settings.strides),
        "dense": settings.dense,
        "latent_size": settings.latent_size,
        "full_resolution": settings.full_resolution,
        "profiles": list(settings.profiles),
        "row_head": settings.row_head,
        "properties": len(settings.properties) if settings.regresses else 0,
        "regressor": list(settings.regressor),
        "members": settings.members,
        "barriers": BARRIERS if settings.conditional else 0,
        "prior": list(settings.prior) if settings.conditional else [],
    }
