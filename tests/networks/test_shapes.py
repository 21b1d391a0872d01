"""Every network as a table of configuration, input shape and output shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.baseline import BaselineTranslator
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.networks.composition_regressor import CompositionRegressor
from kadi_battgen.networks.discriminators import BranchedPatchDiscriminator

TWO_LEVELS = {"channels": (8, 16), "attention_levels": (False, False)}


@pytest.mark.parametrize(
    ("configuration", "stack", "descriptors", "latent"),
    [
        (TWO_LEVELS, (2, 10, 16, 16), (2, 6, 16, 16), (2, 4, 8, 8)),
        (TWO_LEVELS | {"patch_size": 2}, (2, 10, 16, 16), (2, 6, 16, 16), (2, 4, 4, 4)),
        (TWO_LEVELS | {"latent_channels": 3}, (1, 10, 16, 24), (1, 6, 16, 24), (1, 3, 8, 12)),
        (TWO_LEVELS | {"slices": 5, "descriptor_channels": 4}, (1, 5, 16, 16), (1, 4, 16, 16), (1, 4, 8, 8)),
        (
            {"channels": (8, 8, 16), "attention_levels": (False, False, True)},
            (1, 10, 32, 32),
            (1, 6, 32, 32),
            (1, 4, 8, 8),
        ),
        (TWO_LEVELS | {"residual_blocks": 2}, (1, 10, 16, 16), (1, 6, 16, 16), (1, 4, 8, 8)),
    ],
)
def test_translator(configuration, stack, descriptors, latent):
    network = TranslationAutoencoder(**configuration).eval()
    images = torch.rand(stack) * 2 - 1
    with torch.no_grad():
        translation = network(images)
        assert translation.descriptors.shape == descriptors
        assert translation.mean.shape == translation.standard_deviation.shape == latent
        assert (translation.standard_deviation > 0).all()
        assert stack[-1] // network.downsampling == latent[-1]
        torch.testing.assert_close(translation.descriptors, network.decode(translation.mean))
        noise = torch.randn(latent)
        sampled = network(images, noise)
        torch.testing.assert_close(
            sampled.descriptors, network.decode(translation.mean + translation.standard_deviation * noise)
        )
        assert (sampled.descriptors != translation.descriptors).any()


@pytest.mark.parametrize(
    ("configuration", "stack", "descriptors"),
    [
        ({}, (2, 10, 32, 32), (2, 6, 32, 32)),
        ({"patch_size": 2}, (1, 10, 64, 64), (1, 6, 64, 64)),
        ({"slices": 4, "descriptor_channels": 3}, (1, 4, 32, 48), (1, 3, 32, 48)),
    ],
)
def test_baseline(configuration, stack, descriptors):
    network = BaselineTranslator(features=(4, 4, 8, 8, 8, 4), **configuration).eval()
    translation = network(torch.rand(stack))
    assert translation.descriptors.shape == descriptors
    assert translation.mean is translation.standard_deviation is translation.class_logits is None


@pytest.mark.parametrize(
    ("configuration", "latent"),
    [
        ({}, (2, 4, 16, 16)),
        ({"channels": (8,), "dense": ()}, (2, 4, 4, 4)),
        ({"in_channels": 3, "channels": (8, 8), "dense": (16, 16)}, (2, 3, 8, 4)),
        ({"in_channels": 10, "stretch": 30.0, "channels": (8, 8, 8), "head": "presence-and-count"}, (2, 10, 32, 32)),
    ],
)
def test_composition_regressor(configuration, latent):
    counts = CompositionRegressor(**configuration).eval()(torch.randn(latent))
    assert counts.shape == (2, 112)
    assert (counts > 0).all()


@pytest.mark.parametrize(
    ("configuration", "branches", "side"),
    [({}, 2, 6), ({"layers": 1, "channels": 8}, 2, 14), ({"branches": 1, "channels": 8}, 1, 6)],
)
def test_discriminator(configuration, branches, side):
    logits = BranchedPatchDiscriminator(**configuration).eval()(torch.rand(2, 10, 32, 32), torch.rand(2, 6, 32, 32))
    assert [x.shape for x in logits] == [(2, 1, side, side)] * branches


def test_a_type_map_of_classes_shows_the_spheres_in_parts_that_add_up_to_them():
    network = TranslationAutoencoder(
        channels=(8, 8), attention_levels=(False, False), type_map="classes", spheres_to_type_map=(0.5, 0.25)
    ).eval()
    with torch.no_grad():
        translation = network(torch.rand(2, 10, 16, 16))
    spheres, type_map = translation.descriptors[:, 1], translation.descriptors[:, 3:]
    torch.testing.assert_close(type_map.sum(dim=1), (0.5 * spheres + 0.25).clamp(min=0))
    brightness = type_map.sum(dim=1, keepdim=True)
    torch.testing.assert_close(type_map, brightness * translation.class_logits.softmax(dim=1))
    with pytest.raises(ValueError, match="type map 'colours' is not known"):
        TranslationAutoencoder(type_map="colours")


@pytest.mark.parametrize(("training", "factor"), [(True, 1.0), (False, 10.0)])
def test_classes_are_decided_outside_training_only(training, factor):
    network = TranslationAutoencoder(
        channels=(8, 8), attention_levels=(False, False), type_map="classes", class_sharpness=10.0
    ).train(training)
    with torch.no_grad():
        translation = network(torch.rand(1, 10, 16, 16))
    type_map = translation.descriptors[:, 3:]
    probabilities = (factor * translation.class_logits).softmax(dim=1)
    torch.testing.assert_close(type_map, type_map.sum(dim=1, keepdim=True) * probabilities)


def test_errors_of_the_class_do_not_pull_at_the_heights():
    network = TranslationAutoencoder(channels=(8, 8), attention_levels=(False, False), type_map="classes")
    network(torch.rand(1, 10, 16, 16)).descriptors[:, 3:].square().sum().backward()
    gradient = network.last_layer.grad
    assert not gradient[:3].any()
    assert gradient[3:].any()


def test_a_latent_has_the_shape_the_network_says():
    network = TranslationAutoencoder(channels=(8, 8), attention_levels=(False, False), patch_size=2)
    stack = torch.rand(3, 10, 16, 32)
    assert network.latent_shape(stack) == tuple(network(stack).mean.shape)


@torch.no_grad()
def test_pooled_pixels_are_read_as_a_coarser_scan():
    fine, coarse = (CompositionRegressor(in_channels=3, stretch=9.0, pooling=n, channels=(8, 8)).eval() for n in (4, 1))
    coarse.load_state_dict(fine.state_dict())
    stacks = torch.randn(2, 3, 32, 32)
    means = stacks.unflatten(-1, (8, 4)).unflatten(-3, (8, 4)).mean(dim=(-1, -3))
    torch.testing.assert_close(fine.embed(stacks), coarse.embed(means))


@torch.no_grad()
@pytest.mark.parametrize("properties", [False, True])
@pytest.mark.parametrize("head", ["counts", "presence-and-count"])
def test_a_set_of_orientations_is_read_whatever_its_order_and_size(head, properties):
    network = CompositionRegressor(
        channels=(8,), dense=(16,), head=head, working_ions=10, properties=properties, known=5
    ).eval()
    cells = torch.from_numpy(condition_vectors(np.full((2, 6), 0.4), np.array([0, 1])))
    features = network.embed(torch.randn(6, 4, 8, 8)).unflatten(0, (2, 3))
    output = network.read(features, cells)
    turned = network.read(features.flip(1), cells)
    torch.testing.assert_close(output.counts, turned.counts)
    assert output.counts.shape == output.presence.shape == output.logarithm.shape == (2, 112)
    assert output.known_logit.shape == (2, 5)
    assert ((output.presence > 0) & (output.presence < 1)).all()
    # A set of the same image again and again says what the image says.
    one, many = features[:, :1], features[:, :1].expand(-1, 4, -1)
    torch.testing.assert_close(network.read(one).counts, network.read(many).counts)
    # The working ion matters where it is told, and the properties where the network takes them.
    assert (network.read(features).counts != output.counts).any()
    without = network.read(features, torch.from_numpy(condition_vectors(np.full((2, 6), np.nan), np.array([0, 1]))))
    assert (without.counts != output.counts).any() == properties


@torch.no_grad()
def test_an_ensemble_is_the_mean_of_its_members_and_trusts_what_it_knows_as_told():
    network = CompositionEnsemble(members=3, known=2, channels=(8,), dense=(16,)).eval()
    network.known_compositions.copy_(torch.eye(112)[:2] * 4)
    features = network.embed(torch.randn(5, 4, 8, 8))[:, :, None]
    output = network.read(features)
    torch.testing.assert_close(output.counts, torch.stack([o.counts for o in network.outputs(features)]).mean(0))
    network.trust.fill_(1.0)
    network.sharpness.fill_(0.0)
    recognised = network.read(features)
    torch.testing.assert_close(recognised.counts.sum(dim=1), torch.full((5,), 4.0))
    torch.testing.assert_close(recognised.presence.sum(dim=1), torch.ones(5))


def test_each_branch_of_the_discriminator_sees_the_stack_and_its_own_channels():
    network = BranchedPatchDiscriminator(channels=8, layers=1).eval()
    stack, descriptors = torch.rand(1, 10, 32, 32), torch.rand(1, 6, 32, 32)
    reference = network(stack, descriptors)

    def changes(stack, descriptors):
        return tuple(bool((new != old).any()) for new, old in zip(network(stack, descriptors), reference, strict=True))

    grey, colour = descriptors.clone(), descriptors.clone()
    grey[:, :3, 16, 16] += 1
    colour[:, 3:, 16, 16] += 1
    other = stack.clone()
    other[:, :, 16, 16] += 1
    assert changes(stack, grey) == (True, False)
    assert changes(stack, colour) == (False, True)
    assert changes(other, descriptors) == (True, True)
