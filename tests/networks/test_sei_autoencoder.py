"""The SEI autoencoder: shapes, what it may not decode, and row profiles against counted observables."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.networks.property_regressor import PropertyRegressor, combined
from kadi_battgen.networks.sei_autoencoder import SeiAutoencoder, layer_profiles
from kadi_battgen.sei.chemistry import BOUNDARY, ELECTRODE
from kadi_battgen.sei.observables import observables

OURS = {"channels": (8, 16, 16), "strides": (2, 2, 2), "full_resolution": False, "profiles": (16,), "dense": 16}


def configurations(count, rows, columns):
    codes = torch.randint(3, 8, (count, rows, columns), dtype=torch.uint8)
    codes[:, 0], codes[:, -1] = ELECTRODE, BOUNDARY
    return codes


@pytest.mark.parametrize(
    ("configuration", "lattice", "latent"),
    [
        ({}, (50, 50), 50),
        ({"properties": 4}, (50, 50), 50),
        (OURS, (50, 50), 50),
        (OURS | {"latent_size": 7, "properties": 2, "members": 3}, (16, 12), 7),
        (OURS | {"properties": 1, "barriers": 15}, (17, 13), 50),
        (OURS | {"barriers": 15, "prior": (8,)}, (20, 31), 50),
        ({"channels": (8,), "strides": (3,)}, (20, 20), 50),
        ({"channels": (8,), "strides": (2,), "full_resolution": False}, (20, 20), 50),
    ],
)
def test_shapes(configuration, lattice, latent):
    rows, columns = lattice
    network = SeiAutoencoder(rows=rows, columns=columns, **configuration).eval()
    codes = configurations(3, rows, columns)
    barriers = torch.rand(3, 15) if configuration.get("barriers") else None
    with torch.no_grad():
        outcome = network(codes, barriers, torch.randn(3, latent))
    assert outcome.logits.shape == (3, 8, rows, columns)
    assert outcome.mean.shape == outcome.standard_deviation.shape == (3, latent)
    assert (outcome.standard_deviation > 0).all()
    properties = configuration.get("properties", 0)
    if properties:
        shape = (configuration.get("members", 1), 3, properties)
        assert outcome.predicted.shape == outcome.log_variance.shape == shape
    else:
        assert outcome.predicted is outcome.log_variance is None
    assert (outcome.prior_mean is not None) == bool(configuration.get("prior"))
    probabilities = torch.softmax(outcome.logits, dim=1)
    torch.testing.assert_close(probabilities[:, ELECTRODE, 0], torch.ones(3, columns))
    torch.testing.assert_close(probabilities[:, BOUNDARY, -1], torch.ones(3, columns))
    assert probabilities[:, [ELECTRODE, BOUNDARY], 1:-1].max() == 0


def test_the_thesis_has_its_layers():
    network = SeiAutoencoder(properties=4)
    convolutions = [layer for layer in network.convolutions if isinstance(layer, torch.nn.Conv2d)]
    transposed = [layer for layer in network.deconvolutions if isinstance(layer, torch.nn.ConvTranspose2d)]
    assert [layer.out_channels for layer in convolutions] == [32, 64, 128]
    assert [layer.out_channels for layer in transposed] == [128, 64, 32, 8]
    assert network.dense[0].out_features == 100
    assert [tuple(weight.shape) for weight in network.regressor.weights] == [(1, 50, 200), (1, 200, 200), (1, 200, 8)]


@given(arrays("u1", (2, 7, 5), elements=st.integers(0, 7)))
def test_profiles_sum_to_the_observables(codes):
    codes[:, 0], codes[:, -1] = ELECTRODE, BOUNDARY
    network = SeiAutoencoder(rows=7, columns=5, channels=(4,), strides=(2,), latent_size=2)
    profiles = layer_profiles(network.one_hot(torch.from_numpy(codes))).double()
    truth = observables(codes)
    torch.testing.assert_close(profiles[:, [4, 7]].sum(dim=(1, 2)), torch.from_numpy(truth["flux"]), atol=1e-5, rtol=0)
    torch.testing.assert_close(profiles[:, 8].sum(dim=1), torch.from_numpy(truth["thickness"]), atol=1e-5, rtol=0)


def test_profiles_of_probabilities_are_those_expected_of_independent_sites():
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.softmax(torch.randn(1, 8, 6, 4, generator=generator), dim=1)
    drawn = torch.distributions.Categorical(probabilities.permute(0, 2, 3, 1)).sample((20_000,))[:, 0]
    sampled = layer_profiles(torch.nn.functional.one_hot(drawn, 8).permute(0, 3, 1, 2).float()).mean(dim=0)
    torch.testing.assert_close(layer_profiles(probabilities)[0], sampled, atol=0.01, rtol=0)


def test_the_conditions_reach_the_decoder_and_the_prior():
    network = SeiAutoencoder(**OURS, barriers=15, prior=(8,)).eval()
    latent, low, high = torch.zeros(1, 50), torch.zeros(1, 15), torch.ones(1, 15)
    with torch.no_grad():
        assert (network.decode(latent, low) != network.decode(latent, high)).any()
        assert (network.expected_latent(low)[0] != network.expected_latent(high)[0]).any()


def test_what_a_model_lacks_cannot_be_asked_of_it():
    network = SeiAutoencoder(**OURS)
    with pytest.raises(RuntimeError, match="no conditional prior"):
        network.expected_latent(torch.zeros(1, 15))
    with pytest.raises(RuntimeError, match="no property regressor"):
        network.predict(torch.zeros(1, 50))


def test_members_are_networks_of_their_own_and_mix_to_one_prediction():
    regressor = PropertyRegressor(3, (8,), properties=2, members=4)
    mean, log_variance = regressor(torch.randn(5, 3))
    assert mean.shape == log_variance.shape == (4, 5, 2)
    assert len(torch.unique(mean[:, 0, 0])) == 4
    centre, deviation = combined(mean, log_variance)
    second_moment = (log_variance.exp() + mean.square()).mean(dim=0)
    torch.testing.assert_close(deviation.square() + centre.square(), second_moment)
