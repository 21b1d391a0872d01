"""The autoencoder of the composition vector."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.networks.composition_autoencoder import LARGEST_COUNT, CompositionAutoencoder


@pytest.mark.parametrize(
    ("configuration", "counts", "latent"),
    [({}, (3, 112), (3, 32)), ({"latent_size": 5, "hidden": 16}, (2, 112), (2, 5)), ({"elements": 7}, (1, 7), (1, 32))],
)
def test_shapes(configuration, counts, latent):
    network = CompositionAutoencoder(**configuration)
    encoded = network.encode(torch.rand(counts))
    assert encoded.shape == latent
    assert network.decode(encoded).shape == counts
    assert [head.shape for head in network.decode_heads(encoded)] == [torch.Size(counts)] * 2


def test_latents_have_zero_mean_and_unit_variance():
    latent = CompositionAutoencoder().encode(torch.randint(0, 9, (50, 112)).float())
    torch.testing.assert_close(latent.mean(dim=1), torch.zeros(50), atol=1e-5, rtol=0)
    torch.testing.assert_close(latent.var(dim=1, unbiased=False), torch.ones(50), atol=1e-2, rtol=0)


@settings(max_examples=30)
@given(st.floats(0.1, 1e3), st.integers(0, 1000))
def test_absent_elements_are_exactly_zero_and_present_ones_whole_atoms_at_least(scale, seed):
    generator = torch.Generator().manual_seed(seed)
    network = CompositionAutoencoder(latent_size=8, hidden=32)
    latent = scale * torch.randn(4, 8, generator=generator)
    with torch.no_grad():
        counts, (presence, _) = network.decode(latent), network.decode_heads(latent)
    assert (counts[presence <= 0] == 0.0).all()
    assert (counts[presence > 0] >= 1.0).all()
    assert (counts <= LARGEST_COUNT * (1 + 1e-5)).all()
    assert torch.isfinite(counts).all()
