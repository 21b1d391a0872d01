"""Configurations from probabilities: counts are kept, sure sites are certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.applications.sei.lattices import likeliest_lattices, sampled_lattices
from kadi_battgen.datasets.sei import one_hot
from kadi_battgen.sei.chemistry import CLUSTER, INORGANIC, ORGANIC, RADICAL, SOLVENT


def probabilities(seed, sharpness=1.0):
    logits = sharpness * np.random.default_rng(seed).normal(size=(3, 8, 6, 10))
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


@given(st.integers(0, 2**32), st.floats(0.1, 20))
def test_each_row_has_the_expected_number_of_sites_of_each_species(seed, sharpness):
    given_odds = probabilities(seed, sharpness)
    counts = one_hot(likeliest_lattices(given_odds)).sum(axis=3)
    assert (np.abs(counts - given_odds.sum(axis=3)) < 1).all()


@pytest.mark.parametrize("decode", [likeliest_lattices, lambda odds: sampled_lattices(odds, np.random.default_rng(0))])
def test_certain_configurations_come_back(decode):
    codes = np.random.default_rng(1).integers(0, 8, size=(4, 9, 7)).astype(np.uint8)
    np.testing.assert_array_equal(decode(one_hot(codes)), codes)


def test_a_rare_species_is_placed_where_it_is_likeliest():
    odds = np.zeros((1, 8, 1, 10))
    odds[0, ORGANIC] = 0.1
    odds[0, ORGANIC, 0, 7] = 0.19
    odds[0, SOLVENT] = 1 - odds[0, ORGANIC]
    assert np.flatnonzero(likeliest_lattices(odds)[0, 0] == ORGANIC).tolist() == [7]


def test_the_layer_of_a_draw_is_the_likeliest_one_and_the_mobile_species_follow_their_probabilities():
    odds = np.zeros((1, 8, 2, 5000))
    odds[0, RADICAL, 0], odds[0, SOLVENT, 0] = 0.3, 0.7
    odds[0, INORGANIC, 1, :2000], odds[0, CLUSTER, 1, 2000:] = 1.0, 1.0
    drawn = sampled_lattices(odds, np.random.default_rng(0))[0]
    np.testing.assert_array_equal(drawn[1], [INORGANIC] * 2000 + [CLUSTER] * 3000)
    assert (drawn[0] == RADICAL).mean() == pytest.approx(0.3, abs=0.03)
