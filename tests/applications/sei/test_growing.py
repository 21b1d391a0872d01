"""Configurations placed row by row: the expected numbers, the expected cover, and nothing that a run could not reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from kadi_battgen.applications.sei.growing import grown_configurations, grown_lattices
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.datasets.sei import one_hot
from kadi_battgen.networks.sei_autoencoder import layer_profiles
from kadi_battgen.sei.chemistry import BOUNDARY, CLUSTER, ELECTRODE, INORGANIC, SeiModel
from kadi_battgen.sei.design import named_design
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.simulation import simulate
from kadi_battgen.sei.validity import checks, is_valid, joined_fraction, mended

REACH = SeiModel().tunnelling_rows()


@pytest.fixture(scope="module")
def runs():
    """Return simulated configurations, (24, 40, 40)."""
    model = SeiModel(width=40, height=40, max_events=60_000)
    return np.stack(
        [simulate(model, barriers, 1).configuration for barriers in named_design("published").sample(24, 4)]
    )


@pytest.fixture(scope="module")
def blurred(runs):
    """Return what a decoder knows that sees rows and not where along the electrode things lie: the runs, smeared out."""
    return gaussian_filter1d(one_hot(runs), 6, axis=3, mode="reflect")


@pytest.fixture(scope="module")
def covered(runs):
    """Return the share of columns that the runs cover at each row or above."""
    return layer_profiles(torch.from_numpy(one_hot(runs)))[:, -1].numpy()


@pytest.fixture(scope="module")
def grown(blurred, covered):
    return grown_lattices(blurred, covered, np.random.default_rng(0), tunnelling_rows=REACH)


def test_nothing_breaks_a_rule_but_for_a_few_fragments(grown):
    passed = {name: result.mean() for name, result in checks(grown).items()}
    fragments = passed.pop("clusters_whole")
    assert set(passed.values()) == {1.0}
    assert fragments > 0.2
    configurations, changed = mended(grown)
    assert is_valid(configurations).all()
    assert changed.mean() < 0.005 * grown[0].size
    assert (grown[:, 0] == ELECTRODE).all()
    assert (grown[:, -1] == BOUNDARY).all()


def test_rows_hold_the_expected_numbers(grown, blurred, runs):
    for code in (INORGANIC, CLUSTER):
        expected = blurred[:, code, 1:-1].sum(axis=2)
        found = (grown[:, 1:-1] == code).sum(axis=2)
        # Sums up to each row are rounded, and a cluster waits for its third site.
        assert np.abs(found.cumsum(axis=1) - expected.cumsum(axis=1)).max() <= 3.5
        np.testing.assert_allclose(found.sum(axis=1), (runs == code).sum(axis=(1, 2)), atol=4)


def test_observables_are_nearly_those_that_were_smeared_out(grown, runs):
    shown, true = observables(mended(grown)[0]), observables(runs)
    thick = true["thickness"] > 2
    for name, tolerance in (("flux", 0.03), ("porosity", 0.06), ("thickness", 0.05)):
        error = np.abs(shown[name] - true[name])[thick] / true[name][thick]
        assert np.median(error) < tolerance, name
    assert np.median(joined_fraction(grown)) > 0.6


def test_chance_is_that_of_the_seed(blurred, covered, grown):
    again, other = (
        grown_lattices(blurred, covered, np.random.default_rng(seed), tunnelling_rows=REACH) for seed in (0, 1)
    )
    np.testing.assert_array_equal(again, grown)
    assert (other != grown).any()


def test_a_decoder_gives_valid_configurations_of_its_own_size(tiny_prvae):
    model = PrvaeModel(tiny_prvae)
    latents = np.random.default_rng(0).normal(scale=2, size=(300, model.latent_size))
    barriers = np.tile(model.barriers_scaling.inverse(np.full(15, 0.5)), (300, 1))
    configurations, changed, valid = grown_configurations(model, latents, barriers, seed=3)
    assert configurations.shape == (300, 16, 12)
    assert is_valid(configurations).all()
    assert valid.dtype == bool
    np.testing.assert_array_equal(changed == 0, valid)
