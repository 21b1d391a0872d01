"""Training the translator and the baseline it is compared with (thesis sections 4.2.2 and 4.2.3)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.files import sha256_file
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.baseline import BaselineTranslator
from kadi_battgen.networks.discriminators import BranchedPatchDiscriminator
from kadi_battgen.training.checkpoints import is_trained, load_weights, read_card, save_model
from kadi_battgen.training.loop import finish, fit, limit_gradients, make_fabric
from kadi_battgen.training.losses import adversarial_loss, kl_to_standard_normal
from kadi_battgen.training.samples import ImageSamples, require_image_sides, square_symmetry
from kadi_battgen.training.settings import TranslationSettings


class TranslationTask:
    """Variational autoencoder against image-conditioned patch discriminators."""

    name = "Training the translator"

    def __init__(
        self,
        settings: TranslationSettings,
        network: TranslationAutoencoder,
        training: ImageSamples,
        validation: ImageSamples,
    ) -> None:
        self.settings, self.training, self.validation = settings, training, validation
        self.fabric = make_fabric(settings.loop.precision)
        discriminator = BranchedPatchDiscriminator(
            slices=training.dataset.slices, channels=settings.discriminator_channels
        )
        self.translator, translator_optimizer = self.fabric.setup(
            network, _adam(network, settings.loop.learning_rate, settings.loop.weight_decay)
        )
        self.discriminator, discriminator_optimizer = self.fabric.setup(
            discriminator, _adam(discriminator, settings.discriminator_learning_rate, 0.0, betas=(0.5, 0.999))
        )
        self.modules: dict[str, nn.Module] = {"translator": network, "discriminator": discriminator}
        self.optimizers = {"translator": translator_optimizer, "discriminator": discriminator_optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step of the translator and, once they play, one of the discriminators."""
        stack, truth = augmented(self.training, indices, generator, self.fabric.device)
        shape = self._latent_shape(stack)
        noise = torch.randn(shape, generator=generator).to(stack.device)
        translation = self.translator(stack, noise)
        predicted = translation.descriptors.float()
        reconstruction = (predicted - truth).abs().mean()
        divergence = kl_to_standard_normal(translation.mean.float(), translation.standard_deviation.float())
        loss = reconstruction + self.settings.kl_weight * divergence
        losses = {"reconstruction": reconstruction.item(), "kl": divergence.item()}
        adversarial = epoch >= self.settings.adversarial_start and self.settings.adversarial_weight > 0
        if adversarial:
            seen = self.modules["translator"].stretch(stack)
            fooling = adversarial_loss(self.discriminator(seen, predicted), real=True)
            loss = loss + self.settings.adversarial_weight * fooling
            losses["fooling"] = fooling.item()
        self._step("translator", self.translator, loss)
        if adversarial:
            real = adversarial_loss(self.discriminator(seen, truth), real=True)
            fake = adversarial_loss(self.discriminator(seen, predicted.detach()), real=False)
            self._step("discriminator", self.discriminator, 0.5 * (real + fake))
            losses["discriminator"] = 0.5 * (real + fake).item()
        return {"loss": loss.item(), **losses}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the L1 error of translations of the latent mean."""
        return {"validation_loss": mean_absolute_error(self._translate, self.validation, self.fabric.device)}

    def _translate(self, stack: Tensor) -> Tensor:
        return self.translator(stack).descriptors

    def _latent_shape(self, stack: Tensor) -> tuple[int, int, int, int]:
        network = self.modules["translator"]
        side = [n // network.downsampling for n in stack.shape[-2:]]
        return (len(stack), network.latent_channels, *side)

    def _step(self, name: str, module: nn.Module, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad()
        self.fabric.backward(loss)
        limit_gradients(self.fabric, module, optimizer, self.settings.loop.gradient_norm)
        optimizer.step()
        # The translator's loss passes through the discriminators: what it left in their gradients is not theirs.
        self.optimizers["discriminator"].zero_grad()


class BaselineTask:
    """A plain U-Net trained with L1 alone."""

    name = "Training the L1 baseline"

    def __init__(
        self,
        settings: TranslationSettings,
        network: BaselineTranslator,
        training: ImageSamples,
        validation: ImageSamples,
    ) -> None:
        self.settings, self.training, self.validation = settings, training, validation
        self.fabric = make_fabric(settings.loop.precision)
        self.network, optimizer = self.fabric.setup(
            network, _adam(network, settings.loop.learning_rate, settings.loop.weight_decay)
        )
        self.modules: dict[str, nn.Module] = {"baseline": network}
        self.optimizers = {"baseline": optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on the mean absolute error."""
        stack, truth = augmented(self.training, indices, generator, self.fabric.device)
        loss = (self.network(stack).float() - truth).abs().mean()
        optimizer = self.optimizers["baseline"]
        optimizer.zero_grad()
        self.fabric.backward(loss)
        limit_gradients(self.fabric, self.network, optimizer, self.settings.loop.gradient_norm)
        optimizer.step()
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the L1 error."""
        return {"validation_loss": mean_absolute_error(self.network, self.validation, self.fabric.device)}


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
                cards[kind] = read_card(folder, kind)
                continue
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                network = network_class(**architectures[kind])
                task = task_class(settings, network, training, validation)
            history = fit(
                task,
                len(training),
                loop,
                folder,
                seed=seed,
                configuration=configuration,
                weights=torch.from_numpy(training.column("weight")),
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
    folder = Path(model_folder) / "translation"
    card = read_card(folder, "translation")
    network = TranslationAutoencoder(**card["architecture"])
    load_weights(folder, network)
    return network.eval(), card


def load_baseline(model_folder: str | os.PathLike[str]) -> tuple[BaselineTranslator, dict[str, Any]]:
    """Return the trained baseline of a model folder, in evaluation mode, with its card."""
    folder = Path(model_folder) / "baseline"
    card = read_card(folder, "baseline")
    network = BaselineTranslator(**card["architecture"])
    load_weights(folder, network)
    return network.eval(), card


def augmented(
    samples: ImageSamples, indices: np.ndarray, generator: torch.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return stacks and descriptors of a batch, all turned or mirrored by one random symmetry of the square."""
    operation = int(torch.randint(8, (1,), generator=generator))
    stack, truth = samples.stacks(indices), samples.descriptors(indices)
    if stack.shape[-1] != stack.shape[-2]:
        operation = 0
    return square_symmetry(stack, operation).to(device), square_symmetry(truth, operation).to(device)


def mean_absolute_error(
    translate: Callable[[Tensor], Tensor], samples: ImageSamples, device: torch.device, batch_size: int = 32
) -> float:
    """Return the mean absolute error of `translate` (stacks to descriptors) over all samples and pixels."""
    total = 0.0
    for start in range(0, len(samples), batch_size):
        positions = np.arange(start, min(start + batch_size, len(samples)))
        predicted = translate(samples.stacks(positions).to(device)).float().cpu()
        total += float((predicted - samples.descriptors(positions)).abs().mean()) * len(positions)
    return total / len(samples)


def typical_stretch(samples: ImageSamples, count: int = 32) -> float:
    """Return the gain of the arcsinh transform that puts a typical signal where the curve bends.

    It is the inverse of the median absolute value of non-negligible pixels over the first `count` samples, at most 1e4.
    """
    values = samples.stacks(np.arange(min(count, len(samples)))).abs()
    signal = values[values > 1e-5]
    return float(1.0 / max(float(signal.median()), 1e-4)) if signal.numel() else 1.0


def _adam(
    module: nn.Module, learning_rate: float, weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=betas)


_STAGES: dict[str, tuple[Any, Any]] = {
    "translation": (TranslationAutoencoder, TranslationTask),
    "baseline": (BaselineTranslator, BaselineTask),
}
