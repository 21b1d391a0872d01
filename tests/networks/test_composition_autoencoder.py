"""The autoencoder of the composition vector."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.networks.composition_autoencoder import (
    EXTRACTED_SHARES,
    LARGEST_COUNT,
    CompositionAutoencoder,
    FormulaTensors,
)


def formulas(count, seed=0):
    """Return random formulas, each with its working ion."""
    generator = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 9, (count, 112), generator=generator).float()
    ion, share = (torch.randint(n, (count,), generator=generator) for n in (10, len(EXTRACTED_SHARES)))
    return FormulaTensors(counts, ion, share)


@pytest.mark.parametrize(("configuration", "latent"), [({}, (3, 32)), ({"latent_size": 5, "hidden": 16}, (3, 5))])
def test_shapes(configuration, latent):
    network = CompositionAutoencoder(**configuration)
    encoded = network.encode(formulas(3))
    assert encoded.shape == latent
    heads = network.decode_heads(encoded)
    shapes = [tuple(head.shape) for head in (heads.presence, heads.logarithm, heads.ion, heads.share)]
    assert shapes == [(3, 112), (3, 112), (3, 10), (3, len(EXTRACTED_SHARES))]
    decoded = network.decode(encoded)
    assert [tuple(t.shape) for t in (decoded.counts, decoded.ion, decoded.share)] == [(3, 112), (3,), (3,)]


def test_shares_are_simple_fractions_up_to_all():
    assert EXTRACTED_SHARES[-1] == 1
    assert list(EXTRACTED_SHARES) == sorted(EXTRACTED_SHARES)
    assert max(share.denominator for share in EXTRACTED_SHARES) == 6
    assert min(EXTRACTED_SHARES) > 0


@pytest.mark.parametrize("name", ["counts", "ion", "share"])
def test_every_part_of_a_formula_is_encoded(name):
    network, one = CompositionAutoencoder(), formulas(4)
    changed = {part: getattr(one, part).clone() for part in ("counts", "ion", "share")}
    changed[name] = (changed[name] + 1) % 9
    difference = network.encode(one) - network.encode(FormulaTensors(**changed))
    assert (difference.abs().max(dim=1).values > 1e-4).all()


def test_latents_have_zero_mean_and_unit_variance():
    latent = CompositionAutoencoder().encode(formulas(50))
    torch.testing.assert_close(latent.mean(dim=1), torch.zeros(50), atol=1e-5, rtol=0)
    torch.testing.assert_close(latent.var(dim=1, unbiased=False), torch.ones(50), atol=1e-2, rtol=0)


@settings(max_examples=30)
@given(st.floats(0.1, 1e3), st.integers(0, 1000))
def test_absent_elements_are_exactly_zero_and_present_ones_whole_atoms_at_least(scale, seed):
    generator = torch.Generator().manual_seed(seed)
    network = CompositionAutoencoder(latent_size=8, hidden=32)
    latent = scale * torch.randn(4, 8, generator=generator)
    with torch.no_grad():
        decoded, presence = network.decode(latent), network.decode_heads(latent).presence
    assert (decoded.counts[presence <= 0] == 0.0).all()
    assert (decoded.counts[presence > 0] >= 1.0).all()
    assert (decoded.counts <= LARGEST_COUNT * (1 + 1e-5)).all()
    assert torch.isfinite(decoded.counts).all()


@torch.no_grad()
def test_the_working_ion_is_one_that_is_present():
    network = CompositionAutoencoder(latent_size=8, hidden=32)
    latent = 5 * torch.randn(200, 8)
    decoded = network.decode(latent)
    there = decoded.counts[:, network.ion_columns] > 0
    some = there.any(dim=1)
    assert some.any()
    assert there[some].gather(1, decoded.ion[some, None]).all()
    none = ~some
    assert (decoded.ion[none] == network.decode_heads(latent).ion[none].argmax(dim=1)).all()
