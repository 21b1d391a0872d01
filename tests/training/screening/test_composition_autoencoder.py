"""The autoencoder trained on compositions and their substitutions."""

from __future__ import annotations

import numpy as np
import torch

from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.networks.composition_autoencoder import FormulaTensors
from kadi_battgen.training.screening.composition_autoencoder import (
    share_recovered,
    train_composition_autoencoder,
)

NAMES = ("LiCoO2", "Na3V2P3O12", "MgMn2O4", "LiFePO4", "KMnO2", "ZnMn2O4", "CaV2O5", "Li4Ti5O12")
FORMULAS = FormulaTensors(
    torch.from_numpy(np.stack([composition_vector(formula) for formula in NAMES])),
    torch.tensor([0, 1, 5, 0, 2, 7, 6, 0]),
    torch.tensor([5, 11, 11, 11, 11, 11, 3, 7]),
)


def test_a_short_training_recovers_its_compositions(one_thread):
    network = train_composition_autoencoder(
        FORMULAS, {"latent_size": 32, "hidden": 128}, steps=800, seed=0, progress=False
    )
    assert not network.training
    assert share_recovered(network, FORMULAS) == 1.0


def test_the_same_seed_gives_the_same_network(one_thread):
    first, again, other = (
        train_composition_autoencoder(FORMULAS, {"latent_size": 4, "hidden": 8}, steps=5, seed=seed, progress=False)
        for seed in (0, 0, 1)
    )
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)
    assert (first.presence.weight != other.presence.weight).any()


def test_the_global_generator_is_left_alone(one_thread):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train_composition_autoencoder(FORMULAS, {"latent_size": 4, "hidden": 8}, steps=2, seed=0, progress=False)
    torch.testing.assert_close(torch.rand(2), expected, rtol=0, atol=0)
