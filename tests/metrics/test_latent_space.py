"""Latent spaces that are known: what is measured of them must be what they were made with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.metrics.latent_space import (
    PrincipalComponents,
    disentanglement,
    linear_readout,
    mutual_information,
    nearest,
    neighbour_smoothness,
    unit_usage,
)

RNG = np.random.default_rng(0)
LATENTS = RNG.normal(size=(600, 4)) * [3.0, 1.0, 0.5, 0.01]
NOISE = RNG.normal(size=600)


def test_principal_components_are_those_of_the_variances():
    components = PrincipalComponents.fit(LATENTS, 3)
    np.testing.assert_allclose(np.abs(components.directions), np.eye(3, 4), atol=0.15)
    assert components.shares[0] == pytest.approx(9 / 10.25, abs=0.03)
    scores = components.scores(LATENTS)
    assert (np.diff(scores.std(axis=0)) < 0).all()
    np.testing.assert_allclose(
        PrincipalComponents.fit(LATENTS).points(PrincipalComponents.fit(LATENTS).scores(LATENTS)), LATENTS
    )


@given(st.permutations(range(4)), st.integers(0, 5))
def test_components_do_not_depend_on_the_order_of_the_units(order, seed):
    flipped = LATENTS[:, list(order)] * np.random.default_rng(seed).choice([-1, 1], 4)
    shares = PrincipalComponents.fit(flipped).shares
    np.testing.assert_allclose(shares, PrincipalComponents.fit(LATENTS).shares, rtol=1e-9)


@pytest.mark.parametrize(
    ("values", "readout", "smoothness"),
    [
        (LATENTS[:, 0] - 2 * LATENTS[:, 1], (0.999, 1.0), (0.8, 1.0)),
        (np.abs(LATENTS[:, 0]), (-0.1, 0.1), (0.8, 1.0)),
        (LATENTS[:, 0] + 3 * NOISE, (0.4, 0.6), (0.3, 0.6)),
        (NOISE, (-0.1, 0.05), (-0.1, 0.1)),
    ],
    ids=["linear", "curved", "half noise", "noise"],
)
def test_readout_and_smoothness(values, readout, smoothness):
    assert readout[0] <= linear_readout(LATENTS, values) <= readout[1]
    assert smoothness[0] <= neighbour_smoothness(LATENTS, values) <= smoothness[1]


def test_what_does_not_vary_has_neither():
    assert linear_readout(LATENTS, np.ones(600)) is None
    assert neighbour_smoothness(LATENTS, np.ones(600)) is None
    assert neighbour_smoothness(LATENTS[:1], np.ones(1)) is None


@given(st.integers(1, 30), st.integers(1, 3))
def test_nearest_agrees_with_all_distances(count, size):
    rng = np.random.default_rng(count)
    points, queries = rng.normal(size=(40, size)), rng.normal(size=(7, size))
    positions, distances = nearest(points, queries, count)
    whole = np.linalg.norm(queries[:, None] - points, axis=2)
    np.testing.assert_allclose(distances, np.sort(whole, axis=1)[:, :count], atol=1e-7)
    np.testing.assert_allclose(np.take_along_axis(whole, positions, axis=1), distances, atol=1e-7)
    own, _ = nearest(points, points, count, exclude_self=True)
    assert (own != np.arange(40)[:, None]).all()


def test_usage_counts_the_units_that_vary():
    usage = unit_usage(LATENTS, np.ones_like(LATENTS))
    assert (usage["units"], usage["active_units"]) == (4, 3)
    assert usage["divergence_nat"][0] == pytest.approx(0.5 * np.square(LATENTS[:, 0]).mean())
    assert usage["divergence_nat"][3] == pytest.approx(0.0, abs=1e-3)
    assert unit_usage(RNG.normal(size=(4000, 5)), np.ones((4000, 5)))["effective_dimensions"] == pytest.approx(
        5, abs=0.1
    )


def test_mutual_information_is_that_of_normal_variables():
    rng = np.random.default_rng(1)
    one = rng.normal(size=20_000)
    for correlation in (0.0, 0.6, 0.9):
        other = correlation * one + np.sqrt(1 - correlation**2) * rng.normal(size=20_000)
        expected = -0.5 * np.log(1 - correlation**2)
        assert mutual_information(one[:, None], other[:, None])[0, 0] == pytest.approx(expected, abs=0.07)


def test_separate_units_are_disentangled_and_mixed_ones_are_not():
    rng = np.random.default_rng(2)
    factors = rng.normal(size=(3000, 2))
    named = {
        "thickness": factors[:, 0],
        "porosity": factors[:, 1],
        "twice": 2 * factors[:, 0],
        "constant": np.ones(3000),
    }
    turned = factors @ (np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2))
    apart, mixed = disentanglement(factors, named), disentanglement(turned, named)
    assert apart["properties"] == ["thickness", "porosity"]
    assert apart["mutual_information_gap"]["mean"] > 0.9
    assert mixed["mutual_information_gap"]["mean"] < 0.1
    for name in ("disentanglement", "completeness"):
        assert apart[name] > 0.8
        assert mixed[name] < 0.1
