"""The denoising U-Net: shapes, where the conditions enter, and that both latents see one another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.networks.unet import ScreeningUNet, concatenate_conditions

SMALL = {
    "channels": (8, 16),
    "attention_levels": (False, True),
    "embedding_size": 16,
    "composition_size": 6,
    "composition_width": 16,
    "composition_blocks": 2,
    "condition_channels": 5,
}


def inputs(batch=2, latent=(4, 8, 8), composition=6):
    conditions = condition_vectors(torch.rand(batch, 6).numpy(), torch.randint(10, (batch,)).numpy())
    return [
        torch.randn(batch, *latent),
        torch.randn(batch, composition),
        torch.randint(1000, (batch,)),
        torch.from_numpy(conditions),
    ]


def with_other_conditions(given):
    """Return inputs of which only the conditions differ."""
    other = torch.from_numpy(condition_vectors(torch.rand(len(given[0]), 6).numpy(), np.full(len(given[0]), -1)))
    return [*given[:3], other]


@pytest.fixture
def network():
    """Return a network whose last layers have been woken up: they start at zero."""
    network = ScreeningUNet(**SMALL).eval()
    for layer in (network.image_out[-1], network.composition.leave[-1]):
        nn.init.normal_(layer.weight, std=0.3)
    return network


@pytest.mark.parametrize(
    ("changes", "latent"),
    [
        ({}, (4, 8, 8)),
        ({}, (4, 4, 6)),
        ({"latent_channels": 3}, (3, 8, 8)),
        ({"channels": (8,), "attention_levels": (True,)}, (4, 5, 5)),
        ({"channels": (8, 16, 16), "attention_levels": (False, False, True)}, (4, 8, 8)),
        ({"composition_blocks": 1, "composition_size": 9}, (4, 8, 8)),
    ],
)
def test_shapes(changes, latent):
    configuration = SMALL | changes
    size = configuration["composition_size"]
    image, composition = ScreeningUNet(**configuration)(*inputs(3, latent, size))
    assert image.shape == (3, *latent)
    assert composition.shape == (3, size)


def test_an_untrained_network_predicts_nothing():
    image, composition = ScreeningUNet(**SMALL)(*inputs())
    assert not image.any()
    assert not composition.any()


@pytest.mark.parametrize("position", range(4))
@torch.no_grad()
def test_the_image_depends_on_every_input_and_the_formula_on_all_but_the_image(network, position):
    given = inputs()
    changed = [tensor.clone() for tensor in given]
    changed[position] = changed[position] + 1
    if position == 3:
        changed = with_other_conditions(given)
    reference, other = network(*given), network(*changed)
    assert ((reference[0] - other[0]).abs().flatten(1).max(dim=1).values > 1e-5).all()
    formula_differs = ((reference[1] - other[1]).abs().max(dim=1).values > 1e-5).all()
    assert formula_differs == (position != 0)


@torch.no_grad()
def test_formulas_without_an_image_get_the_same_prediction(network):
    image, composition, timestep, conditions = inputs()
    alone, _ = network.composition(composition, timestep, conditions)
    torch.testing.assert_close(alone, network(image, composition, timestep, conditions)[1], rtol=0, atol=0)


@torch.no_grad()
def test_a_sample_does_not_see_its_batch(network):
    given = inputs(3)
    together = network(*given)
    alone = network(*[tensor[1:2] for tensor in given])
    for whole, part in zip(together, alone, strict=True):
        torch.testing.assert_close(whole[1:2], part, rtol=1e-4, atol=1e-5)


def test_the_conditions_are_concatenated_at_the_start_of_every_block():
    channels, size = (8, 16, 24), SMALL["condition_channels"]
    network = ScreeningUNet(**SMALL | {"channels": channels, "attention_levels": (False,) * 3})
    blocks = [*network.down, network.middle_first, network.middle_second, *network.up]
    features = [8, 8, 16, 24, 24, 24 + 24, 24 + 16, 16 + 8]
    assert [block.first[2].in_channels for block in blocks] == [n + size for n in features]
    seen = []
    for block in blocks:
        block.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    given = inputs()
    network(*given)
    assert len(seen) == len(blocks)
    for features_in in seen:
        height, width = features_in.shape[-2:]
        maps = network.condition_maps(network.conditions(given[3]))
        torch.testing.assert_close(features_in[:, -size:], maps[:, :, None, None].expand(-1, -1, height, width))


def test_condition_channels_are_constant():
    joined = concatenate_conditions(torch.zeros(2, 3, 4, 5), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert joined.shape == (2, 5, 4, 5)
    assert (joined[0, 3] == 1.0).all()
    assert (joined[1, 4] == 4.0).all()
    assert not joined[:, :3].any()


@torch.no_grad()
def test_the_composition_needs_no_image(network):
    image, composition, timestep, conditions = inputs()
    predicted, features = network.composition(composition, timestep, conditions)
    assert features.shape == (2, SMALL["composition_width"])
    for other in (image, image + 1):
        torch.testing.assert_close(network(other, composition, timestep, conditions)[1], predicted, rtol=0, atol=0)
