"""The training step of the image branch of the screening model, which learns to follow the formula."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.diffusion.prediction import prediction_target
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.training.loop import descend, make_fabric, seeded
from kadi_battgen.training.samples import square_symmetry
from kadi_battgen.training.screening.conditions import hidden_conditions
from kadi_battgen.training.screening.parts import ScreeningPart
from kadi_battgen.training.settings import ScreeningSettings


class ImageBranchTask:
    """Denoising image latents under randomly hidden conditions, beside a composition latent at the same timestep."""

    name = "Training the screening model"

    def __init__(
        self,
        settings: ScreeningSettings,
        network: ScreeningNetwork,
        parts: dict[str, ScreeningPart],
        scaling: RangeScaling,
        seed: int,
    ) -> None:
        self.settings, self.parts, self.seed = settings, parts, seed
        self.schedule = NoiseSchedule(settings.timesteps, settings.beta_start, settings.beta_end)
        self.fabric = make_fabric("32-true" if settings.loop.precision == "auto" else settings.loop.precision)
        network.requires_grad_(False)
        network.unet.requires_grad_(True)
        network.unet.composition.requires_grad_(False)
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=settings.loop.learning_rate, weight_decay=settings.loop.weight_decay)
        self.network, optimizer = self.fabric.setup(network, optimizer)
        self.modules: dict[str, nn.Module] = {"screening": network}
        self.optimizers = {"unet": optimizer}
        self.properties = {name: scaling.transform(part.electrodes.properties) for name, part in parts.items()}
        with torch.no_grad():
            self.compositions = {
                name: network.composition_autoencoder.encode(part.electrodes.tensors().to(self.fabric.device)).cpu()
                for name, part in parts.items()
            }

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on the error of the image latent."""
        image, composition = self._losses("training", indices, generator, self.settings.condition_dropout)
        descend(self.fabric, self.network, self.optimizers["unet"], image, self.settings.loop.gradient_norm)
        return {"loss": image.item(), "composition": composition.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the errors of both latents with all conditions given and the same noise every epoch."""
        generator = seeded(self.seed, -1)
        count = len(self.parts["validation"].owner)
        order = np.tile(np.arange(count), max(1, 256 // count))
        image, composition, total = 0.0, 0.0, 0
        for start in range(0, len(order), 128):
            indices = order[start : start + 128]
            losses = self._losses("validation", indices, generator, dropout=0.0)
            image, composition = image + losses[0].item() * len(indices), composition + losses[1].item() * len(indices)
            total += len(indices)
        return {"validation_loss": image / total, "validation_composition": composition / total}

    def _losses(
        self, part: str, indices: np.ndarray, generator: torch.Generator, dropout: float
    ) -> tuple[Tensor, Tensor]:
        data = self.parts[part]
        owner = data.owner[indices]
        latent = square_symmetry(data.draw(indices, generator), int(torch.randint(8, (1,), generator=generator)))
        properties, ions = self.properties[part][owner], data.electrodes.ions[owner]
        conditions = hidden_conditions(properties, ions, dropout, generator)
        device = self.fabric.device
        composition = self.compositions[part][torch.as_tensor(owner)]
        joint = self.modules["screening"].normalise(latent.to(device), composition.to(device))
        noise = torch.randn(joint.shape, generator=generator).to(device)
        timestep = torch.randint(self.schedule.timesteps, (len(joint),), generator=generator).to(device)
        noisy = self.schedule.add_noise(joint, noise, timestep)
        target = prediction_target(self.settings.prediction, joint, noise, timestep, self.schedule)
        error = (self.network(noisy, timestep, conditions.to(device)).float() - target).square()
        image_error, composition_error = self.modules["screening"].split(error)
        return image_error.mean(), composition_error.mean()
