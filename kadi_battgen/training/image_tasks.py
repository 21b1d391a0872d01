"""The training steps on images: the translator against its discriminators, and the L1 baseline."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.baseline import BaselineTranslator
from kadi_battgen.networks.discriminators import BranchedPatchDiscriminator
from kadi_battgen.training.augmenting import BatchAugmenter
from kadi_battgen.training.loop import descend, make_fabric
from kadi_battgen.training.losses import adversarial_loss, kl_to_standard_normal, reconstruction_loss
from kadi_battgen.training.samples import ImageSamples, square_symmetry
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
        augmenter: BatchAugmenter | None = None,
    ) -> None:
        self.settings, self.training, self.validation = settings, training, validation
        self.augmenter = augmenter
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
        stack, truth = augmented(self.training, indices, generator, self.fabric.device, self.augmenter, epoch)
        shape = self._latent_shape(stack)
        noise = torch.randn(shape, generator=generator).to(stack.device)
        translation = self.translator(stack, noise)
        predicted = translation.descriptors.float()
        reconstruction = reconstruction_loss(predicted, truth)
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
        """Return the reconstruction loss of translations of the latent mean."""
        return {"validation_loss": mean_loss(self._translate, reconstruction_loss, self.validation, self.fabric.device)}

    def _translate(self, stack: Tensor) -> Tensor:
        return self.translator(stack).descriptors

    def _latent_shape(self, stack: Tensor) -> tuple[int, int, int, int]:
        network = self.modules["translator"]
        side = [n // network.downsampling for n in stack.shape[-2:]]
        return (len(stack), network.latent_channels, *side)

    def _step(self, name: str, module: nn.Module, loss: Tensor) -> None:
        descend(self.fabric, module, self.optimizers[name], loss, self.settings.loop.gradient_norm)
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
        augmenter: BatchAugmenter | None = None,
    ) -> None:
        self.settings, self.training, self.validation = settings, training, validation
        self.augmenter = augmenter
        self.fabric = make_fabric(settings.loop.precision)
        self.network, optimizer = self.fabric.setup(
            network, _adam(network, settings.loop.learning_rate, settings.loop.weight_decay)
        )
        self.modules: dict[str, nn.Module] = {"baseline": network}
        self.optimizers = {"baseline": optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on the mean absolute error."""
        stack, truth = augmented(self.training, indices, generator, self.fabric.device, self.augmenter, epoch)
        loss = l1_loss(self.network(stack).float(), truth)
        descend(self.fabric, self.network, self.optimizers["baseline"], loss, self.settings.loop.gradient_norm)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the L1 error."""
        return {"validation_loss": mean_loss(self.network, l1_loss, self.validation, self.fabric.device)}


def augmented(
    samples: ImageSamples,
    indices: np.ndarray,
    generator: torch.Generator,
    device: torch.device,
    augmenter: BatchAugmenter | None = None,
    epoch: int = 0,
) -> tuple[Tensor, Tensor]:
    """Return stacks and descriptors of a batch, all turned or mirrored by one random symmetry of the square.

    An augmenter's operations follow, so that scan lines stay rows.
    """
    operation = int(torch.randint(8, (1,), generator=generator))
    stack, truth = samples.stacks(indices), samples.descriptors(indices)
    if stack.shape[-1] != stack.shape[-2]:
        operation = 0
    stack, truth = square_symmetry(stack, operation), square_symmetry(truth, operation)
    if augmenter is not None:
        stack, changed = augmenter(stack, truth, indices, epoch)
        truth = truth if changed is None else changed
    return stack.to(device), truth.to(device)


def mean_loss(
    translate: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    samples: ImageSamples,
    device: torch.device,
    batch_size: int = 32,
) -> float:
    """Return the mean `loss` (of predicted and true descriptors) of `translate` over all samples."""
    total = 0.0
    for start in range(0, len(samples), batch_size):
        positions = np.arange(start, min(start + batch_size, len(samples)))
        predicted = translate(samples.stacks(positions).to(device)).float().cpu()
        total += float(loss(predicted, samples.descriptors(positions))) * len(positions)
    return total / len(samples)


def _adam(
    module: nn.Module, learning_rate: float, weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=betas)
