"""The training step on images that all translating networks share, with or without discriminators."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.networks.autoencoder import Translation, TranslationAutoencoder
from kadi_battgen.networks.blocks import StackStretch
from kadi_battgen.networks.discriminators import BranchedPatchDiscriminator
from kadi_battgen.training.augmenting import BatchAugmenter
from kadi_battgen.training.loop import descend, make_fabric, placed
from kadi_battgen.training.losses import adaptive_weight, adversarial_objective, delayed_weight
from kadi_battgen.training.samples import ImageSamples, square_symmetry
from kadi_battgen.training.settings import TranslationSettings
from kadi_battgen.training.translation.objective import TranslationObjective


class TranslatingNetwork(Protocol):
    """What the training needs of a network from stacks to descriptors."""

    stretch: StackStretch

    @property
    def last_layer(self) -> nn.Parameter:
        """Weight of the last convolution."""
        ...

    def __call__(self, stack: Tensor, noise: Tensor | None = None) -> Translation:
        """Translate a batch of scaled stacks."""
        ...


class TranslationTask:
    """A network that translates stacks into descriptors, against image-conditioned patch discriminators where asked for.

    Parameters
    ----------
    name
        What the progress bar says.
    settings
        Losses, their weights and what the optimizers need.
    network
        A :class:`TranslatingNetwork`; its latent, if it has one, is sampled where the Kullback-Leibler term has a weight.
    training, validation
        Parts of a data set.
    augmenter
        What augments training batches.
    """

    def __init__(
        self,
        name: str,
        settings: TranslationSettings,
        network: nn.Module,
        training: ImageSamples,
        validation: ImageSamples,
        augmenter: BatchAugmenter | None = None,
    ) -> None:
        self.name, self.settings, self.training, self.validation = name, settings, training, validation
        self.augmenter = augmenter
        self.fabric = make_fabric(settings.loop.precision)
        self.objective = placed(self.fabric, TranslationObjective(settings), settings.loop)
        self.network = placed(self.fabric, network, settings.loop)
        self.modules: dict[str, nn.Module] = {"translator": self.network}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "translator": _adam(network, settings.loop.learning_rate, settings.loop.weight_decay)
        }
        self.adversarial = adversarial_objective(settings.adversarial_loss)
        if settings.adversarial_weight:
            discriminator = BranchedPatchDiscriminator(
                slices=training.dataset.slices,
                channels=settings.discriminator_channels,
                branches=settings.discriminator_branches,
            )
            self.modules["discriminator"] = placed(self.fabric, discriminator, settings.loop)
            self.optimizers["discriminator"] = _adam(
                discriminator, settings.discriminator_learning_rate, 0.0, betas=(0.5, 0.999)
            )

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step of the network and, once they play, those of the discriminators."""
        stack, truth = augmented(self.training, indices, generator, self.fabric.device, self.augmenter, epoch)
        settings = self.settings
        weight = delayed_weight(
            epoch, settings.adversarial_weight, settings.adversarial_start, settings.adversarial_rise
        )
        with self.fabric.autocast():
            translation: Translation = self.network(stack, self._noise(stack, generator))
        # Losses are taken in single precision: differences of squares do not survive the half.
        losses = {**self.objective.paired(translation, truth), **self.objective.latent(translation, epoch)}
        loss = torch.stack(list(losses.values())).sum()
        if weight:
            losses["fooling"] = fooling = self._fooling(stack, translation)
            if settings.adversarial_adaptive:
                weight *= float(adaptive_weight(loss, fooling, self.network.last_layer))
            loss = loss + weight * fooling
        descend(self.fabric, self.network, self.optimizers["translator"], loss, settings.loop.gradient_norm)
        if weight:
            for _ in range(settings.discriminator_steps):
                losses["discriminator"] = self._teach_discriminator(
                    stack, truth, translation.descriptors.detach().float(), generator
                )
        return {"loss": loss.item(), **{name: value.item() for name, value in losses.items()}}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the losses of pairs, for translations of the latent mean."""
        sums: dict[str, float] = {}
        for start in range(0, len(self.validation), 32):
            positions = np.arange(start, min(start + 32, len(self.validation)))
            stack = self.validation.stacks(positions).to(self.fabric.device)
            truth = self.validation.descriptors(positions).to(self.fabric.device)
            with self.fabric.autocast():
                translation = self.network(stack)
            losses = self.objective.paired(translation, truth)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item() * len(positions)
        means = {f"validation_{name}": value / len(self.validation) for name, value in sums.items()}
        return {"validation_loss": sum(means.values()), **means}

    def _noise(self, stack: Tensor, generator: torch.Generator) -> Tensor | None:
        if not self.settings.kl_weight or not isinstance(self.network, TranslationAutoencoder):
            return None
        return torch.randn(self.network.latent_shape(stack), generator=generator).to(stack.device)

    def _fooling(self, stack: Tensor, translation: Translation) -> Tensor:
        """Return the translator's adversarial loss; the discriminators' own weights take no gradient from it."""
        discriminator = self.modules["discriminator"].requires_grad_(False)
        with self.fabric.autocast():
            logits = discriminator(self.network.stretch(stack), translation.descriptors.float())
        discriminator.requires_grad_(True)
        return self.adversarial.generator(logits)

    def _teach_discriminator(self, stack: Tensor, truth: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
        discriminator = self.modules["discriminator"]
        seen = self.network.stretch(stack)
        with self.fabric.autocast():
            real_logits, fake_logits = discriminator(seen, truth), discriminator(seen, fake)
            penalty = self.adversarial.penalty(lambda images: discriminator(seen, images), truth, fake, generator)
        loss = self.adversarial.discriminator(real_logits, fake_logits) + penalty
        descend(self.fabric, discriminator, self.optimizers["discriminator"], loss, self.settings.loop.gradient_norm)
        return loss


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


def _adam(
    module: nn.Module, learning_rate: float, weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=learning_rate, weight_decay=weight_decay, betas=betas)
