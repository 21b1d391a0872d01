"""Training the parts of a screening network that learn from formulas alone, in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.networks.composition_autoencoder import FormulaTensors
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.training.screening.composition_autoencoder import share_recovered, train_composition_autoencoder
from kadi_battgen.training.screening.composition_branch import CompositionBranchTask, train_composition_branch
from kadi_battgen.training.screening.formulas import FormulaSamples, formula_samples
from kadi_battgen.training.screening.property_model import train_property_model
from kadi_battgen.training.settings import ScreeningSettings


def train_formula_networks(
    network: ScreeningNetwork,
    parts: dict[str, FormulaSamples],
    scaling: RangeScaling,
    settings: ScreeningSettings,
    folder: Path,
    configuration: dict[str, Any],
    seed: int,
    progress: bool = True,
) -> dict[str, Any]:
    """Train composition autoencoder, property model and composition branch inside a screening network.

    Parameters
    ----------
    network
        The network; its composition scale is set too.
    parts
        Electrodes of the parts ``training`` and ``validation``.
    scaling
        Scaling of the conditions.
    settings
        Of the screening training.
    folder
        Where the branch keeps its checkpoint, in a folder of its own.
    configuration
        What the training depends on.
    seed
        Seed of everything drawn.

    Returns
    -------
    dict
        Facts for the model's card: ``composition_autoencoder`` and ``composition_branch``.
    """
    electrodes, validation = parts["training"], parts["validation"]
    formulas = formula_samples(np.unique(electrodes.compositions, axis=0), settings.formula_copies, seed)
    autoencoder = train_composition_autoencoder(
        _together(electrodes, formulas),
        {"latent_size": settings.composition_size},
        steps=settings.composition_autoencoder_steps,
        seed=seed,
        progress=progress,
    )
    network.composition_autoencoder.load_state_dict(autoencoder.state_dict())
    with torch.no_grad():
        latents = network.composition_autoencoder.encode(electrodes.tensors())
        network.composition_mean.copy_(latents.mean(dim=0))
        network.composition_deviation.copy_(latents.std(dim=0).clamp(min=1e-6))
    properties = train_property_model(
        electrodes, members=settings.property_members, steps=settings.property_steps, seed=seed, progress=progress
    )
    network.properties.load_state_dict(properties.state_dict())
    branch = CompositionBranchTask(settings, network, scaling, {**parts, "substituted": formulas}, seed)
    history = train_composition_branch(branch, folder, configuration, progress)
    return {
        "composition_autoencoder": {
            "validation_share_recovered": share_recovered(autoencoder, validation.tensors()),
            "latent_size": settings.composition_size,
        },
        "composition_branch": {"formulas": len(formulas), **history[-1]},
    }


def _together(electrodes: FormulaSamples, formulas: FormulaSamples) -> FormulaTensors:
    """Return electrodes and substitutions, the electrodes as often as makes a tenth of them."""
    own, others = electrodes.tensors(), formulas.tensors()
    copies = max(1, len(formulas) // (9 * len(electrodes)))
    return FormulaTensors(
        *(torch.cat([getattr(own, name)] * copies + [getattr(others, name)]) for name in ("counts", "ion", "share"))
    )
