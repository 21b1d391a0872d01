"""Configurations from probabilities: counts are kept, sure sites are certain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.applications.sei.lattices import layered_lattices
from kadi_battgen.datasets.sei import one_hot
from kadi_battgen.sei.chemistry import BOUNDARY, CLUSTER, ELECTRODE, INORGANIC, ORGANIC, RADICAL, SOLVENT
from kadi_battgen.sei.observables import MAIN_OBSERVABLES, observables


def bounded(codes):
    codes[:, 0], codes[:, -1] = ELECTRODE, BOUNDARY
    return codes


def covered_columns(codes):
    sei = np.isin(codes, (INORGANIC, CLUSTER))
    sei[:, 0] = False
    return np.logical_or.accumulate(sei[:, ::-1], axis=1)[:, ::-1].mean(axis=2)


LATTICES = arrays("u1", (3, 9, 7), elements=st.sampled_from([0, 3, 4, 5, 6, 7])).map(bounded)


@given(LATTICES, st.booleans())
def test_certain_configurations_come_back(codes, draw):
    generator = np.random.default_rng(0) if draw else None
    np.testing.assert_array_equal(layered_lattices(one_hot(codes), covered_columns(codes), generator), codes)


@given(LATTICES)
def test_the_layer_has_the_expected_observables_wherever_its_sites_are(codes):
    # The decoder knows the rows but not the places: every site of a row has the row's own shares.
    shares = np.broadcast_to(one_hot(codes).mean(axis=3, keepdims=True), (3, 8, 9, 7))
    shown = layered_lattices(shares, covered_columns(codes))
    truth, found = observables(codes), observables(shown)
    for name in (*MAIN_OBSERVABLES, "in_flux"):
        np.testing.assert_allclose(found[name], truth[name], atol=1e-9, err_msg=name)
    np.testing.assert_array_equal(one_hot(shown).sum(axis=3), one_hot(codes).sum(axis=3))


def test_fractions_of_sites_add_up_over_the_rows():
    shares = np.zeros((1, 8, 12, 10))
    shares[0, ELECTRODE, 0], shares[0, BOUNDARY, -1] = 1, 1
    shares[0, CLUSTER, 1:-1], shares[0, SOLVENT, 1:-1] = 0.04, 0.96
    shown = layered_lattices(shares, np.array([[0, *(0.04 * np.arange(10, 0, -1)), 0]]))
    assert (shown == CLUSTER).sum() == 4


def test_a_rare_species_is_placed_where_it_is_likeliest():
    odds = np.zeros((1, 8, 3, 10))
    odds[0, ELECTRODE, 0], odds[0, BOUNDARY, -1] = 1, 1
    odds[0, ORGANIC, 1] = 0.1
    odds[0, ORGANIC, 1, 7] = 0.19
    odds[0, SOLVENT, 1] = 1 - odds[0, ORGANIC, 1]
    assert np.flatnonzero(layered_lattices(odds, np.zeros((1, 3)))[0, 1] == ORGANIC).tolist() == [7]


def test_drawn_mobile_species_follow_their_probabilities_and_leave_the_layer_as_it_is():
    odds = np.zeros((1, 8, 4, 5000))
    odds[0, ELECTRODE, 0], odds[0, BOUNDARY, -1] = 1, 1
    odds[0, RADICAL, 2], odds[0, SOLVENT, 2] = 0.3, 0.7
    odds[0, INORGANIC, 1, :2000], odds[0, CLUSTER, 1, 2000:] = 1.0, 1.0
    drawn = layered_lattices(odds, np.array([[0, 1.0, 0, 0]]), np.random.default_rng(0))[0]
    np.testing.assert_array_equal(drawn[1], [INORGANIC] * 2000 + [CLUSTER] * 3000)
    assert (drawn[2] == RADICAL).mean() == pytest.approx(0.3, abs=0.03)
    assert np.isin(drawn[2], (RADICAL, SOLVENT)).all()
