"""Training the screening model: conditional diffusion of image latent and composition latent (thesis section 4.2.4)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kadi_battgen.datasets.balancing import balanced
from kadi_battgen.datasets.conditions import CONDITION_SIZE, condition_vectors
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes, write_electrodes
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.training.checkpoints import is_trained, load_model, read_card, save_model
from kadi_battgen.training.composition_autoencoder import share_recovered, train_composition_autoencoder
from kadi_battgen.training.formulas import formula_samples
from kadi_battgen.training.latents import LatentScale, encode_samples, latent_configuration
from kadi_battgen.training.loop import descend, finish, fit, make_fabric, seeded
from kadi_battgen.training.samples import ImageSamples, require_image_sides, square_symmetry
from kadi_battgen.training.settings import ScreeningSettings
from kadi_battgen.training.translation import load_translator

#: Substitutions of each training composition that the composition branch learns from besides.
FORMULA_COPIES = 30

#: File in the screening model's folder with the electrodes that candidates are compared with.
KNOWN_ELECTRODES = "known_electrodes.json.gz"


class ScreeningTask:
    """Predicting the noise in joint latents under randomly hidden conditions."""

    name = "Training the screening model"

    def __init__(
        self,
        settings: ScreeningSettings,
        network: ScreeningNetwork,
        parts: dict[str, dict[str, Any]],
        seed: int,
    ) -> None:
        self.settings, self.parts, self.seed = settings, parts, seed
        self.schedule = NoiseSchedule(settings.timesteps, settings.beta_start, settings.beta_end)
        self.fabric = make_fabric("32-true" if settings.loop.precision == "auto" else settings.loop.precision)
        optimizer = torch.optim.AdamW(
            network.unet.parameters(), lr=settings.loop.learning_rate, weight_decay=settings.loop.weight_decay
        )
        network.composition_autoencoder.requires_grad_(False)
        self.network, optimizer = self.fabric.setup(network, optimizer)
        self.network.mark_forward_method("denoise_composition")
        self.modules: dict[str, nn.Module] = {"screening": network}
        self.optimizers = {"unet": optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one step on the noise prediction error."""
        image, composition = self._losses("training", indices, generator, self.settings.condition_dropout)
        losses = {"image": image, "composition": composition}
        if self.settings.formula_batch:
            losses["formula"] = self._formula_loss(generator)
        loss = image + self.settings.composition_weight * (composition + losses.get("formula", 0.0))
        descend(self.fabric, self.network, self.optimizers["unet"], loss, self.settings.loop.gradient_norm)
        return {"loss": loss.item(), **{name: value.item() for name, value in losses.items()}}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the noise prediction errors with all conditions given and the same noise every epoch."""
        generator = seeded(self.seed, -1)
        count = len(self.parts["validation"]["mean"])
        order = np.tile(np.arange(count), max(1, 256 // count))
        image, composition, total = 0.0, 0.0, 0
        for start in range(0, len(order), 128):
            indices = order[start : start + 128]
            losses = self._losses("validation", indices, generator, dropout=0.0)
            image, composition = image + losses[0].item() * len(indices), composition + losses[1].item() * len(indices)
            total += len(indices)
        return {
            "validation_loss": (image + self.settings.composition_weight * composition) / total,
            "validation_image": image / total,
            "validation_composition": composition / total,
        }

    def _losses(
        self, part: str, indices: np.ndarray, generator: torch.Generator, dropout: float
    ) -> tuple[Tensor, Tensor]:
        data = self.parts[part]
        chosen = torch.as_tensor(indices)
        latent = data["mean"][chosen]
        latent = latent + data["deviation"][chosen] * torch.randn(latent.shape, generator=generator)
        latent = square_symmetry(latent, int(torch.randint(8, (1,), generator=generator)))
        conditions = hidden_conditions(data["properties"][indices], data["ions"][indices], dropout, generator)
        device = self.fabric.device
        joint = self.modules["screening"].normalise(latent.to(device), data["composition"][chosen].to(device))
        noise = torch.randn(joint.shape, generator=generator).to(device)
        timestep = torch.randint(self.schedule.timesteps, (len(joint),), generator=generator).to(device)
        noisy = self.schedule.add_noise(joint, noise, timestep)
        error = (self.network(noisy, timestep, conditions.to(device)).float() - noise).square()
        image, composition = self.modules["screening"].split(error)
        return image.mean(), composition.mean()

    def _formula_loss(self, generator: torch.Generator) -> Tensor:
        """Return the noise prediction error of the composition branch on formulas that have no image."""
        data = self.parts["formulas"]
        chosen = torch.randint(len(data["ions"]), (self.settings.formula_batch,), generator=generator)
        rows = chosen.numpy()
        conditions = hidden_conditions(data["properties"][rows], data["ions"][rows], 0.1, generator)
        latent = data["composition"][chosen].to(self.fabric.device)
        latent = self.modules["screening"].normalise_composition(latent)
        noise = torch.randn(latent.shape, generator=generator).to(latent.device)
        timestep = torch.randint(self.schedule.timesteps, (len(latent),), generator=generator).to(latent.device)
        noisy = self.schedule.add_noise(latent, noise, timestep)
        predicted = self.network.denoise_composition(noisy, timestep, conditions.to(latent.device))
        return (predicted.float() - noise).square().mean()


def hidden_conditions(
    scaled_properties: np.ndarray, working_ions: np.ndarray, dropout: float, generator: torch.Generator
) -> Tensor:
    """Return condition vectors of which a random subset is hidden, so that any subset may be asked for later.

    Each property and the working ion vanish with probability `dropout`; half of the samples lose half of what is left,
    since asking for one or two properties is the usual case; a share of twice `dropout` loses all properties, and half of
    `dropout` everything. Properties that are NaN are unknown and hidden anyway.
    """
    count = len(working_ions)
    kept = torch.rand((count, scaled_properties.shape[1] + 1), generator=generator) >= dropout
    no_properties = torch.rand(count, generator=generator) < 2 * dropout
    nothing = torch.rand(count, generator=generator) < dropout / 2
    thinned = torch.rand((count, scaled_properties.shape[1]), generator=generator) < 0.5
    thin = torch.rand(count, generator=generator) < (0.5 if dropout > 0 else 0.0)
    known = torch.from_numpy(~np.isnan(scaled_properties))
    properties = known & kept[:, :-1] & ~no_properties[:, None] & ~nothing[:, None] & ~(thinned & thin[:, None])
    ion = kept[:, -1] & ~nothing
    return torch.from_numpy(condition_vectors(scaled_properties, working_ions, properties.numpy(), ion.numpy()))


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
            return read_card(folder, "screening")
        parts: dict[str, dict[str, Any]] = {}
        for part in ("training", "validation"):
            samples = ImageSamples(dataset, part)
            mean, deviation = encode_samples(translator, samples, progress=progress)
            parts[part] = {
                "mean": mean,
                "deviation": deviation,
                "counts": samples.column("composition"),
                "properties": samples.column("conditions").astype(np.float64),
                "ions": samples.column("working_ion").astype(np.int64),
                "weight": samples.column("weight"),
            }
        formulas = formula_samples(np.unique(parts["training"]["counts"], axis=0), FORMULA_COPIES, seed)
        parts["formulas"] = {
            "counts": formulas.compositions,
            "properties": dataset.conditions_scaling.transform(formulas.properties),
            "ions": formulas.ions,
        }
        architecture = _architecture(settings, tuple(parts["training"]["mean"].shape[1:]))
        distinct = np.unique(parts["training"]["counts"], axis=0)
        autoencoder = train_composition_autoencoder(
            distinct,
            architecture["composition_autoencoder"],
            steps=settings.composition_autoencoder_steps,
            seed=seed,
            progress=progress,
        )
        recovered = share_recovered(autoencoder, np.unique(parts["validation"]["counts"], axis=0))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = ScreeningNetwork(**architecture)
        network.composition_autoencoder.load_state_dict(autoencoder.state_dict())
        _set_scales(network, parts)
        task = ScreeningTask(settings, network, parts, seed)
        balance = balanced(settings.balance, parts["training"]["ions"], seed, parts["training"]["weight"])
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
        known = ElectrodeCollection(dataset.electrodes)
        card = {
            "architecture": architecture,
            "normalisation": {"conditions": dataset.conditions_scaling.to_json()},
            "schedule": {
                "timesteps": settings.timesteps,
                "beta_start": settings.beta_start,
                "beta_end": settings.beta_end,
            },
            "training_ranges": training_ranges(dataset),
            **configuration,
            "best": min(history, key=lambda row: row["validation_loss"]),
            "composition_autoencoder": {
                "validation_share_recovered": recovered,
                "latent_size": settings.composition_size,
            },
            "device": str(task.fabric.device),
        }
    write_electrodes(folder / KNOWN_ELECTRODES, known.electrodes, {"from": "data set of the training"})
    save_model(folder, "screening", network, card, configuration)
    finish(folder)
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


def _architecture(settings: ScreeningSettings, latent_shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "latent_shape": list(latent_shape),
        "unet": {
            "latent_channels": latent_shape[0],
            "composition_size": settings.composition_size,
            "condition_size": CONDITION_SIZE,
            "channels": list(settings.channels),
            "attention_levels": list(settings.attention_levels),
            "embedding_size": settings.embedding_size,
            "composition_width": settings.composition_width,
            "composition_blocks": settings.composition_blocks,
        },
        "composition_autoencoder": {"latent_size": settings.composition_size},
    }


@torch.no_grad()
def _set_scales(network: ScreeningNetwork, parts: dict[str, dict[str, Any]]) -> None:
    """Encode the compositions and store mean and deviation of both latents over the training part in the network."""
    for data in parts.values():
        data["composition"] = network.composition_autoencoder.encode(torch.from_numpy(data["counts"]))
    image = LatentScale.fit(parts["training"]["mean"])
    composition = parts["training"]["composition"]
    network.image_mean.copy_(image.mean[:, None, None])
    network.image_deviation.copy_(image.standard_deviation[:, None, None])
    network.composition_mean.copy_(composition.mean(dim=0))
    network.composition_deviation.copy_(composition.std(dim=0).clamp(min=1e-6))
