from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.afm.geometry import cluster_from_structure
from kadi_battgen.afm.opencl import start_ppafm
from kadi_battgen.afm.orientations import best_rotations, depth_entropy, fibonacci_rotations
from kadi_battgen.errors import UserError

CLUSTERS = arrays(float, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-8, 8))


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_rotations_are_proper(count):
    rotations = fibonacci_rotations(count)
    assert rotations.shape == (count, 3, 3)
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (count, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0)


def test_directions_cover_the_sphere_evenly():
    towards_tip = fibonacci_rotations(400)[:, 2]
    np.testing.assert_allclose(towards_tip.T @ towards_tip / 400, np.eye(3) / 3, atol=0.01)
    nearest = np.sort(np.arccos(np.clip(towards_tip @ towards_tip.T, -1, 1)), axis=1)[:, 1]
    assert nearest.max() / nearest.min() < 1.6


def test_rotations_are_those_of_ppafm():
    start_ppafm()
    from ppafm.common import sphereTangentSpace

    np.testing.assert_allclose(fibonacci_rotations(50), sphereTangentSpace(50), atol=1e-12)


def test_order_is_that_of_ppafm(lithium_iron_phosphate):
    start_ppafm()
    from ppafm.ml.Generator import sortRotationsByEntropy

    # Off the crystal's symmetry no two directions have the same entropy, so the order is unique.
    positions = cluster_from_structure(lithium_iron_phosphate.structure).positions
    positions = positions + 0.05 * np.random.default_rng(0).normal(size=positions.shape)
    theirs = sortRotationsByEntropy(positions, fibonacci_rotations(60))
    np.testing.assert_array_equal(best_rotations(positions, 60, 60), np.array(theirs))


@given(CLUSTERS, st.tuples(*[st.floats(-50, 50)] * 3))
def test_entropy_counts_atoms_and_ignores_the_origin(positions, shift):
    rotations = fibonacci_rotations(12)
    entropy = depth_entropy(positions, rotations)
    assert (entropy >= 1.0 - 1e-9).all()
    assert (entropy <= len(positions) + 1e-9).all()
    np.testing.assert_allclose(depth_entropy(positions + np.array(shift), rotations), entropy, rtol=1e-9)


def test_a_flat_face_ranks_above_an_edge():
    sheet = np.array([(x, y, 0.0) for x in range(5) for y in range(5)])
    best = best_rotations(sheet, 1, 200)[0]
    assert abs(best[2, 2]) > 0.98


@pytest.mark.parametrize(("count", "pool"), [(0, 10), (5, 4)])
def test_impossible_requests_are_refused(count, pool):
    with pytest.raises(UserError, match="give"):
        best_rotations(np.zeros((3, 3)), count, pool)
