"""Training the composition branch of the screening model, which learns from formulas alone.

It needs no picture, so that it can be trained on many times more formulas than there are stacks, and in a fraction of the
time of the image branch. Afterwards it is kept as it is while the image branch learns to follow it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.diffusion.prediction import prediction_target
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.training.loop import History, descend, finish, fit, make_fabric, seeded
from kadi_battgen.training.processes import written_once
from kadi_battgen.training.screening.conditions import hidden_conditions
from kadi_battgen.training.screening.formulas import FormulaSamples
from kadi_battgen.training.settings import LoopSettings, ScreeningSettings

#: Folder of this training in that of the screening model, while it lasts, and file of its metrics afterwards.
BRANCH_FOLDER, BRANCH_METRICS = "composition_branch", "composition_branch.csv"

#: Steps after which the training is saved.
_STEPS_PER_EPOCH = 200

#: Share of each batch that real electrodes make up, with all their properties; the rest are substitutions.
_REAL_SHARE = 0.5


class CompositionBranchTask:
    """Denoising composition latents of electrodes and of formulas beyond them under randomly hidden conditions."""

    name = "Training the composition branch"

    def __init__(
        self,
        settings: ScreeningSettings,
        network: ScreeningNetwork,
        scaling: RangeScaling,
        formulas: dict[str, FormulaSamples],
        seed: int,
    ) -> None:
        self.settings, self.seed = settings, seed
        self.schedule = NoiseSchedule(settings.timesteps, settings.beta_start, settings.beta_end)
        self.fabric = make_fabric(settings.loop.precision)
        branch = network.unet.composition
        optimizer = torch.optim.AdamW(
            branch.parameters(), lr=settings.composition_learning_rate, weight_decay=settings.loop.weight_decay
        )
        self.branch, optimizer = self.fabric.setup(branch, optimizer)
        self.modules: dict[str, nn.Module] = {"composition": branch}
        self.optimizers = {"composition": optimizer}
        self.ions = {name: samples.ions for name, samples in formulas.items()}
        self.properties = {name: scaling.transform(samples.properties) for name, samples in formulas.items()}
        with torch.no_grad():
            self.latents = {
                name: network.normalise_composition(network.composition_autoencoder.encode(samples.tensors()))
                for name, samples in formulas.items()
            }
        self.weights = {name: _ion_weights(ions) for name, ions in self.ions.items()}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on as many formulas as there are indices; which ones, the generator decides."""
        real = max(1, round(_REAL_SHARE * len(indices)))
        numbers = {"training": real, "substituted": len(indices) - real}
        rows = {
            name: torch.multinomial(self.weights[name], number, replacement=True, generator=generator).numpy()
            for name, number in numbers.items()
            if number and len(self.weights[name])
        }
        loss = self._loss(rows, self.settings.condition_dropout, generator)
        descend(self.fabric, self.branch, self.optimizers["composition"], loss, self.settings.loop.gradient_norm)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the loss on the validation part with all conditions given and the same noise every epoch."""
        count = len(self.ions["validation"])
        rows = {"validation": np.tile(np.arange(count), max(1, 1024 // count))}
        return {"validation_loss": float(self._loss(rows, 0.0, seeded(self.seed, -2)))}

    def _loss(self, rows: dict[str, np.ndarray], dropout: float, generator: torch.Generator) -> Tensor:
        latent = torch.cat([self.latents[name][torch.as_tensor(chosen)] for name, chosen in rows.items()])
        properties = np.concatenate([self.properties[name][chosen] for name, chosen in rows.items()])
        ions = np.concatenate([self.ions[name][chosen] for name, chosen in rows.items()])
        conditions = hidden_conditions(properties, ions, dropout, generator)
        noise = torch.randn(latent.shape, generator=generator)
        timestep = torch.randint(self.schedule.timesteps, (len(latent),), generator=generator)
        noisy = self.schedule.add_noise(latent, noise, timestep)
        target = prediction_target(self.settings.prediction, latent, noise, timestep, self.schedule)
        device = self.fabric.device
        predicted = self.branch(noisy.to(device), timestep.to(device), conditions.to(device))[0]
        return (predicted.float() - target.to(device)).square().mean()


def train_composition_branch(
    task: CompositionBranchTask, folder: Path, configuration: dict[str, Any], progress: bool
) -> History:
    """Train the branch in a folder of its own, from where an interrupted training stopped, and return its history.

    The checkpoint stays until :func:`finish_composition_branch`, so that a training that is interrupted later, with the
    images, does not begin here again.
    """
    settings = task.settings
    epochs = max(1, round(settings.composition_steps / _STEPS_PER_EPOCH))
    steps = min(_STEPS_PER_EPOCH, settings.composition_steps)
    loop = LoopSettings(
        epochs=epochs,
        batch_size=settings.formula_batch,
        learning_rate=settings.composition_learning_rate,
        weight_decay=settings.loop.weight_decay,
        # On few validation electrodes the loss says little about the distribution: train to the end.
        patience=epochs,
        gradient_norm=settings.loop.gradient_norm,
        averaging=settings.composition_averaging,
    )
    return fit(
        task,
        steps * settings.formula_batch,
        loop,
        folder / BRANCH_FOLDER,
        seed=task.seed,
        configuration=configuration,
        progress=progress,
    )


@written_once
def finish_composition_branch(folder: Path) -> None:
    """Keep the metrics of the branch's training beside those of the images, and remove its checkpoint."""
    made = folder / BRANCH_FOLDER
    if made.is_dir():
        finish(made)
        (made / "metrics.csv").replace(folder / BRANCH_METRICS)
        shutil.rmtree(made)


def _ion_weights(ions: np.ndarray) -> Tensor:
    """Return sampling weights that make every working ion equally frequent, float64."""
    counts = np.bincount(ions, minlength=1)
    return torch.from_numpy(1.0 / counts[ions]).double()
