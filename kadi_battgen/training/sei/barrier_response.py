"""What barriers lead to: observables of the SEI from the reaction barriers alone, with the spread between runs.

A kinetic Monte Carlo run is random, and so is what it leads to; an ensemble of networks that give mean and variance (deep
ensembles: Lakshminarayanan et al., NeurIPS 2017) says both. It is what an inverse design of barriers is searched with, and
never its result: proposed barriers are simulated to know.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from kadi_battgen.datasets.scaling import StandardScaling
from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, sha256_file
from kadi_battgen.metrics.regression import regression_metrics
from kadi_battgen.networks.property_regressor import PropertyRegressor, combined
from kadi_battgen.sei.chemistry import BARRIERS
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.training.checkpoints import CARD, is_trained, load_model_folder, read_card, save_model
from kadi_battgen.training.loop import descend, finish, fit, make_fabric
from kadi_battgen.training.losses import gaussian_negative_log_likelihood
from kadi_battgen.training.settings import LoopSettings

#: What the training is called, and its folder in the folder of an autoencoder.
KIND = "barrier_response"

#: File beside the weights with runs of the training part, which a search starts from.
RUNS = "runs.safetensors"

#: Runs of each campaign that are kept, at most.
_KEPT = 8000

#: Hidden layers of each network, and their number.
_WIDTHS, _MEMBERS = (128, 128, 128), 4

#: About a minute for 35,000 runs on one core.
_LOOP = LoopSettings(
    epochs=60, batch_size=256, learning_rate=2e-3, weight_decay=1e-3, patience=15, averaging=0.99, precision="32-true"
)

#: Least number of steps in an epoch that small sets are divided into, and their smallest batch.
_STEPS, _SMALLEST_BATCH = 40, 16


def train_barrier_response(
    dataset_path: str | os.PathLike[str], folder: str | os.PathLike[str], *, seed: int = 0, progress: bool = True
) -> dict[str, Any]:
    """Train the networks on the training part of a data set and save them in a folder of their own.

    Parameters
    ----------
    dataset_path
        A data set written by ``battgen build-sei-dataset``.
    folder
        The folder.
    seed
        Seed of initial weights and order of samples.

    Returns
    -------
    dict
        The card: scalings, the campaigns with their stop criteria and ranges of barriers, and by observable the R2 on the test
        part with ``explicable_r2``, the most that is possible given the predicted spread between runs.

    Raises
    ------
    UserError
        If the data set is broken, or the folder holds another training.
    """
    place = Path(folder)
    with SeiDataset.open(dataset_path) as dataset:
        campaigns = dataset.campaign_settings
        configuration: dict[str, Any] = {
            "kind": KIND,
            "architecture": {
                "latent_size": BARRIERS + len(campaigns),
                "widths": list(_WIDTHS),
                "properties": len(OBSERVABLES),
                "members": _MEMBERS,
            },
            "dataset_sha256": sha256_file(dataset_path),
            "seed": seed,
            "settings": {"loop": _LOOP.model_dump(mode="json")},
        }
        if is_trained(place, KIND, configuration) and (place / RUNS).is_file():
            finish(place)
            return read_card(place, KIND)
        scaled, owners = dataset.column("barriers").astype(np.float32), dataset.column("campaign")
        observables = dataset.observables_scaling.inverse(dataset.column("observables"))
        parts = {part: dataset.indices(part) for part in ("training", "validation", "test")}
        barriers_scaling, chemistry = dataset.barriers_scaling, dataset.model
    units = [entry.unit for entry in OBSERVABLES.values()]
    scaling = StandardScaling.fit(observables[parts["training"]], tuple(OBSERVABLES), units)
    inputs = torch.from_numpy(response_inputs(scaled, owners, len(campaigns)))
    targets = torch.from_numpy(scaling.transform(observables).astype(np.float32))
    count = len(parts["training"])
    batch = max(_SMALLEST_BATCH, min(_LOOP.batch_size, count // _STEPS))
    loop = _LOOP.model_copy(update={"batch_size": batch})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = PropertyRegressor(**configuration["architecture"])
        task = _ResponseTask(
            network, loop, *((inputs[parts[part]], targets[parts[part]]) for part in ("training", "validation"))
        )
    history = fit(task, count, loop, place, seed=seed, configuration=configuration, progress=progress)
    network.eval()
    kept = _kept_runs(owners[parts["training"]], seed)
    runs = {
        "barriers": inputs[parts["training"]][kept, :BARRIERS].contiguous(),
        "campaign": torch.from_numpy(owners[parts["training"]][kept].astype(np.int64)),
        "observables": torch.from_numpy(np.ascontiguousarray(observables[parts["training"]][kept], dtype=np.float64)),
    }
    with atomic_path(place / RUNS) as temporary:
        temporary.write_bytes(save(runs))
    own = [owners[parts["training"]] == number for number in range(len(campaigns))]
    values = barriers_scaling.inverse(scaled[parts["training"]])
    card = {
        **configuration,
        "observables": list(OBSERVABLES),
        "chemistry": chemistry,
        "normalisation": {"observables": scaling.to_json(), "barriers": barriers_scaling.to_json()},
        "campaigns": [
            {
                "runs": int(mask.sum()),
                "max_events": entry["max_events"],
                "max_time_s": entry["max_time"],
                "lowest_barriers_eV": values[mask].min(axis=0).tolist() if mask.any() else None,
                "highest_barriers_eV": values[mask].max(axis=0).tolist() if mask.any() else None,
                "observable_quantiles": _quantiles(observables[parts["training"]][mask]) if mask.any() else None,
            }
            for mask, entry in zip(own, campaigns, strict=True)
        ],
        "test": _measured(network, inputs[parts["test"]], observables[parts["test"]], scaling),
        "runs_sha256": sha256_file(place / RUNS),
        "epochs_trained": len(history),
        "device": str(task.fabric.device),
    }
    save_model(place, KIND, network, card, configuration)
    finish(place)
    return read_card(place, KIND)


def load_barrier_response(
    folder: str | os.PathLike[str],
) -> tuple[PropertyRegressor, dict[str, Any], dict[str, np.ndarray]]:
    """Return the trained networks of a folder, in evaluation mode, with their card and runs of the training.

    Returns
    -------
    tuple
        The networks, the card, and of some runs ``barriers`` scaled as in the data set, float32, (R, 15), the number of their
        ``campaign``, (R,), and their ``observables`` in their units, (R, 10).

    Raises
    ------
    UserError
        If the folder holds none, or they are broken.
    """
    network, card = load_model_folder(folder, KIND, PropertyRegressor)
    path = Path(folder) / RUNS
    if not path.is_file() or sha256_file(path) != card.get("runs_sha256"):
        raise UserError(f"{path} is missing or belongs to another training than {path.with_name(CARD)}: train again.")
    return network, card, {name: tensor.numpy() for name, tensor in load_file(path).items()}


def response_inputs(scaled: np.ndarray, campaign: np.ndarray, campaigns: int) -> np.ndarray:
    """Return what the networks see, float32, (N, 15 + campaigns).

    Parameters
    ----------
    scaled
        Barriers scaled as in the data set, (N, 15).
    campaign
        Number of the campaign whose stop criteria a run has, (N,).
    campaigns
        How many there are.
    """
    return np.concatenate([scaled, np.eye(campaigns)[campaign]], axis=1).astype(np.float32)


class _ResponseTask:
    """Likelihood of the observables under the predicted normal distributions, for every member by itself."""

    name = "Training the response to the barriers"

    def __init__(
        self,
        network: PropertyRegressor,
        loop: LoopSettings,
        training: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
    ) -> None:
        self.loop, self.training, self.validation = loop, training, validation
        self.fabric = make_fabric(loop.precision)
        optimizer = torch.optim.AdamW(network.parameters(), lr=loop.learning_rate, weight_decay=loop.weight_decay)
        self.network, optimizer = self.fabric.setup(network, optimizer)
        self.modules: dict[str, nn.Module] = {"response": network}
        self.optimizers = {"response": optimizer}

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one optimizer step."""
        inputs, targets = (values[torch.as_tensor(indices)].to(self.fabric.device) for values in self.training)
        mean, log_variance = self.network(inputs)
        loss = gaussian_negative_log_likelihood(mean, log_variance, targets).mean()
        descend(self.fabric, self.network, self.optimizers["response"], loss, self.loop.gradient_norm)
        return {"loss": loss.item()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return the same of the validation part."""
        inputs, targets = (values.to(self.fabric.device) for values in self.validation)
        mean, log_variance = self.network(inputs)
        return {
            "validation_loss": gaussian_negative_log_likelihood(mean, log_variance, targets, beta=0.0).mean().item()
        }


def _kept_runs(campaign: np.ndarray, seed: int) -> np.ndarray:
    """Return the positions of the runs that are kept, drawn at random from each campaign."""
    generator = np.random.default_rng(seed)
    parts = [generator.permutation(np.flatnonzero(campaign == number))[:_KEPT] for number in np.unique(campaign)]
    return np.sort(np.concatenate(parts))


def _quantiles(observables: np.ndarray) -> dict[str, list[float]]:
    """Return the quantiles at 0, 5, 50, 95 and 100 % by observable."""
    table = np.quantile(observables, (0.0, 0.05, 0.5, 0.95, 1.0), axis=0).T
    return dict(zip(OBSERVABLES, table.tolist(), strict=True))


@torch.no_grad()
def _measured(
    network: PropertyRegressor, inputs: Tensor, observables: np.ndarray, scaling: StandardScaling
) -> dict[str, Any]:
    """Return by observable the R2 of the mean, and the R2 of a mean that is right where runs spread as predicted."""
    mean, deviation = (values.double().numpy() for values in combined(*network(inputs)))
    predicted, spread = scaling.inverse(mean), deviation * scaling.span
    results = {}
    for column, name in enumerate(OBSERVABLES):
        true = observables[:, column]
        possible = 1.0 - float(np.square(spread[:, column]).mean() / max(true.var(), 1e-300))
        results[name] = {**regression_metrics(true, predicted[:, column]), "explicable_r2": possible}
    return results
