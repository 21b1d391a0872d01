"""The joint latent: joining, scaling and guidance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.networks.screening import ScreeningNetwork, guided


@pytest.fixture
def network():
    network = ScreeningNetwork(
        unet={
            "channels": (8, 8),
            "attention_levels": (False, False),
            "embedding_size": 16,
            "composition_size": 6,
            "composition_width": 16,
            "composition_blocks": 1,
        },
        composition_autoencoder={"latent_size": 6, "hidden": 16},
        properties={"members": 2, "hidden": 8},
        latent_shape=(4, 4, 6),
    ).eval()
    for layer in (network.unet.image_out[-1], network.unet.composition.leave[-1]):
        nn.init.normal_(layer.weight, std=0.3)
    for name in ("image", "composition"):
        getattr(network, f"{name}_mean").normal_()
        getattr(network, f"{name}_deviation").uniform_(0.1, 3.0)
    return network


@pytest.fixture
def latents():
    return torch.randn(3, 4, 4, 6), torch.randn(3, 6)


def test_split_undoes_join(network, latents):
    joint = network.join(*latents)
    assert joint.shape == (3, network.size) == (3, 4 * 4 * 6 + 6)
    for again, original in zip(network.split(joint), latents, strict=True):
        torch.testing.assert_close(again, original, rtol=0, atol=0)


def test_restore_undoes_normalise(network, latents):
    for again, original in zip(network.restore(network.normalise(*latents)), latents, strict=True):
        torch.testing.assert_close(again, original)
    joint = torch.randn(3, network.size)
    torch.testing.assert_close(network.normalise(*network.restore(joint)), joint)


def test_normalise_is_by_channel_and_by_entry(network):
    image = network.image_mean + 2 * network.image_deviation * torch.ones(1, 4, 4, 6)
    composition = network.composition_mean - network.composition_deviation
    normal = network.split(network.normalise(image, composition[None]))
    torch.testing.assert_close(normal[0], torch.full((1, 4, 4, 6), 2.0))
    torch.testing.assert_close(normal[1], torch.full((1, 6), -1.0))


def test_the_scales_travel_with_the_weights(network):
    assert {"image_mean", "image_deviation", "composition_mean", "composition_deviation"} <= set(network.state_dict())


@torch.no_grad()
def test_guidance_mixes_the_conditional_and_the_unconditional_prediction(network):
    joint, timestep = torch.randn(2, network.size), torch.tensor([10, 900])
    conditions = torch.from_numpy(condition_vectors(torch.rand(2, 6).numpy(), np.array([3, 7])))
    conditional = network(joint, timestep, conditions)
    unconditional = network(joint, timestep, torch.zeros(2, 23))
    assert (conditional - unconditional).abs().max() > 1e-4
    for guidance, expected in [
        (1.0, conditional),
        (0.0, unconditional),
        (0.5, (conditional + unconditional) / 2),
        (3.0, 3 * conditional - 2 * unconditional),
    ]:
        predicted = guided(network, conditions, guidance)(joint, timestep)
        assert predicted.shape == joint.shape
        torch.testing.assert_close(predicted, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(guided(network, conditions)(joint, timestep), conditional, rtol=0, atol=0)


@torch.no_grad()
def test_the_composition_alone_is_denoised_as_in_the_joint_latent(network):
    joint, timestep = torch.randn(2, network.size), torch.tensor([10, 900])
    conditions = torch.from_numpy(condition_vectors(torch.rand(2, 6).numpy(), np.array([-1, 7])))
    composition = network.split(joint)[1]
    alone = network.denoise_composition(composition, timestep, conditions)
    torch.testing.assert_close(alone, network.split(network(joint, timestep, conditions))[1])
    torch.testing.assert_close(network.restore_composition(composition), network.restore(joint)[1])
