"""Training the composition regressor on the translator's latent (thesis sections 4.2.2 and 4.2.5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.composition_regressor import CompositionRegressor
from kadi_battgen.training.augmenting import BatchAugmenter, augmenter
from kadi_battgen.training.checkpoints import is_trained, load_model, read_card, save_model
from kadi_battgen.training.latents import LatentScale, encode_samples, latent_configuration
from kadi_battgen.training.loop import descend, finish, fit, make_fabric
from kadi_battgen.training.losses import count_loss
from kadi_battgen.training.processes import on_all_devices
from kadi_battgen.training.samples import ImageSamples, square_symmetry
from kadi_battgen.training.settings import CompositionSettings
from kadi_battgen.training.translation import load_translator


class AugmentedLatents:
    """Normalised latent means of augmented stacks, encoded when they are asked for.

    Parameters
    ----------
    translator
        The trained translator, which stays as it is.
    samples
        The training part.
    operations
        What augments its batches.
    scale
        Scale of the latents.
    """

    def __init__(
        self,
        translator: TranslationAutoencoder,
        samples: ImageSamples,
        operations: BatchAugmenter,
        scale: LatentScale,
    ) -> None:
        self.translator, self.samples, self.operations, self.scale = translator, samples, operations, scale

    @torch.no_grad()
    def __call__(self, positions: np.ndarray, epoch: int, operation: int) -> Tensor:
        """Return latents of samples of the part after a symmetry of the square and augmentation, (batch, channels, h, w)."""
        stacks = self.samples.stacks(positions)
        if stacks.shape[-1] == stacks.shape[-2]:
            stacks = square_symmetry(stacks, operation)
        stacks, _ = self.operations(stacks, None, positions, epoch)
        device = next(self.translator.parameters()).device
        return self.scale.normalise(self.translator.encode(stacks.to(device))[0].float().cpu())


class CompositionTask:
    """Atom counts from latent means, turned and mirrored at random, or of stacks that are augmented on the fly."""

    name = "Training the composition regressor"

    def __init__(
        self,
        settings: CompositionSettings,
        network: CompositionRegressor,
        training: tuple[Tensor, Tensor, Tensor],
        validation: tuple[Tensor, Tensor, Tensor],
        augmented_latents: AugmentedLatents | None = None,
    ) -> None:
        self.settings, self.training, self.validation = settings, training, validation
        self.augmented_latents = augmented_latents
        self.fabric = make_fabric("32-true" if settings.loop.precision == "auto" else settings.loop.precision)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.loop.learning_rate, weight_decay=settings.loop.weight_decay
        )
        self.network, optimizer = self.fabric.setup(network, optimizer)
        self.modules: dict[str, nn.Module] = {"regressor": network}
        self.optimizers = {"regressor": optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on the count loss."""
        mean, counts, weight = (tensor[torch.as_tensor(indices)] for tensor in self.training)
        operation = int(torch.randint(8, (1,), generator=generator))
        if self.augmented_latents is None:
            latent = square_symmetry(mean, operation)
        else:
            latent = self.augmented_latents(indices, epoch, operation)
        device = self.fabric.device
        predicted = self.network(latent.to(device)).float()
        loss = count_loss(predicted, counts.to(device), self.settings.loss, weight.to(device))
        descend(self.fabric, self.network, self.optimizers["regressor"], loss, self.settings.loop.gradient_norm)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the loss on latent means."""
        mean, counts, weight = (tensor.to(self.fabric.device) for tensor in self.validation)
        predicted = self.network(mean).float()
        loss = count_loss(predicted, counts, self.settings.loss, weight)
        return {
            "validation_loss": loss.item(),
            "validation_mean_absolute_error": (predicted - counts).abs().mean().item(),
        }


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
    """Train the composition regressor of a model folder that holds a translator, and save it as ``composition/``.

    Returns
    -------
    dict
        The regressor's card.

    Raises
    ------
    UserError
        If the folder holds no translator, or one trained on differently scaled images.
    """
    translator, translator_card = load_translator(model_folder)
    folder = Path(model_folder) / "composition"
    with TrainingDataset.open(dataset_path) as dataset:
        configuration = latent_configuration(dataset, translator_card, settings, seed, preset)
        if is_trained(folder, "composition", configuration):
            finish(folder)
            return read_card(folder, "composition")
        tensors = {}
        scale = None
        for part in ("training", "validation"):
            samples = ImageSamples(dataset, part)
            mean, _ = encode_samples(translator, samples, progress=progress)
            scale = scale or LatentScale.fit(mean)
            tensors[part] = (
                scale.normalise(mean),
                torch.from_numpy(samples.column("composition")),
                torch.from_numpy(samples.column("weight")),
            )
        assert scale is not None
        architecture: dict[str, Any] = {
            "latent_channels": translator.latent_channels,
            "channels": list(settings.channels),
            "dense": list(settings.dense),
            "dropout": settings.dropout,
        }
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = CompositionRegressor(**architecture)
        training = ImageSamples(dataset, "training")
        balance = training.balanced(settings.balance, seed)
        operations = augmenter(settings.augmentation, dataset, seed)
        task = CompositionTask(
            settings,
            network,
            (*tensors["training"][:2], torch.from_numpy(balance.loss_weights)),
            tensors["validation"],
            None if operations is None else AugmentedLatents(translator, training, operations, scale),
        )
        history = fit(
            task,
            len(balance.positions),
            settings.loop,
            folder,
            seed=seed,
            configuration=configuration,
            weights=None if balance.sampling_weights is None else torch.from_numpy(balance.sampling_weights),
            positions=balance.positions,
            progress=progress,
        )
    card = {
        "architecture": architecture,
        "normalisation": {"latent": scale.to_json()},
        **configuration,
        "best": min(history, key=lambda row: row["validation_loss"]),
        "device": str(task.fabric.device),
    }
    save_model(folder, "composition", network, card, configuration)
    finish(folder)
    return read_card(folder, "composition")


def load_composition_regressor(model_folder: str | os.PathLike[str]) -> tuple[CompositionRegressor, dict[str, Any]]:
    """Return the trained composition regressor of a model folder, in evaluation mode, with its card."""
    return load_model(model_folder, "composition", CompositionRegressor)
