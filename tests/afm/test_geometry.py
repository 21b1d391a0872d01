from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.afm.geometry import (
    Cluster,
    SampleTooLargeError,
    atomic_numbers,
    cluster_from_structure,
    require_fit,
    shortest_lattice,
    under_the_tip,
)
from kadi_battgen.afm.orientations import fibonacci_rotations
from kadi_battgen.electrodes.electrode import CrystalStructure
from kadi_battgen.errors import UserError

LATTICES = arrays(float, (3, 3), elements=st.integers(-900, 900).map(lambda n: n / 100))


@pytest.mark.parametrize("name", ["lithium_iron_phosphate", "lithium_cobalt_oxide"])
def test_a_cluster_holds_the_cell_once(name, request):
    structure = request.getfixturevalue(name).structure
    cluster = cluster_from_structure(structure)
    lattice = np.array(structure.lattice)
    fractional = cluster.positions @ np.linalg.inv(lattice) - np.array(structure.fractional_coordinates)
    off_lattice = (fractional - fractional[0]) - np.round(fractional - fractional[0])
    np.testing.assert_allclose(off_lattice, 0.0, atol=1e-4)
    assert list(cluster.numbers) == list(atomic_numbers(structure.species))
    np.testing.assert_allclose(cluster.positions.mean(axis=0), 0.0, atol=1e-9)


@pytest.mark.parametrize("change", [[[1, 0, 0], [0, 1, 0], [3, -2, 1]], [[1, 2, 0], [0, 1, 0], [1, 0, 1]]])
def test_another_cell_of_the_same_crystal_gives_the_same_cluster(change, lithium_iron_phosphate):
    structure = lithium_iron_phosphate.structure
    other = np.array(change) @ np.array(structure.lattice)
    fractional = np.array(structure.fractional_coordinates) @ np.linalg.inv(np.array(change))
    skewed = CrystalStructure(
        lattice=other.tolist(), species=structure.species, fractional_coordinates=fractional.tolist()
    )
    np.testing.assert_allclose(
        cluster_from_structure(skewed).positions, cluster_from_structure(structure).positions, atol=1e-4
    )


def test_an_atom_astride_the_cell_boundary_stays_with_its_neighbours():
    structure = CrystalStructure(
        lattice=((6.0, 0, 0), (0, 6.0, 0), (0, 0, 20.0)),
        species=("Li", "O", "O"),
        fractional_coordinates=((0, 0, 0.01), (0, 0, 0.99), (0, 0, 0.93)),
    )
    assert cluster_from_structure(structure).diameter == pytest.approx(1.6, abs=1e-3)


@given(LATTICES)
def test_the_shortest_vectors_span_the_same_lattice(lattice):
    assume(abs(np.linalg.det(lattice)) > 1.0)
    short = shortest_lattice(lattice)
    change = short @ np.linalg.inv(lattice)
    np.testing.assert_allclose(change, np.round(change), atol=1e-6)
    assert abs(np.linalg.det(short)) == pytest.approx(abs(np.linalg.det(lattice)))
    assert (short**2).sum() <= (lattice**2).sum() + 1e-9


def test_unknown_species_are_named():
    with pytest.raises(UserError, match="'D2'"):
        atomic_numbers(["Li", "D2"])


def test_a_structure_larger_than_the_window_is_refused_in_one_sentence():
    cluster = Cluster(np.array([[0.0, 0, -10], [0, 0, 10]]), np.array([3, 8]))
    require_fit(cluster, window=23.0, margin=1.5, name="mp-1")
    with pytest.raises(SampleTooLargeError) as caught:
        require_fit(cluster, window=20.0, margin=1.5, name="mp-1")
    for part in ("mp-1", "larger than the scan window", "20.0 A", "window is 20 A", "set the window to 23 A", "skip"):
        assert part in str(caught.value)


@given(arrays(float, (6, 3), elements=st.floats(-5, 5)), st.integers(0, 29))
def test_the_sample_lies_centred_below_the_contact_plane(positions, which):
    radii = np.linspace(1.0, 3.0, 6)
    rotation = fibonacci_rotations(30)[which]
    placed = under_the_tip(positions, radii, rotation)
    assert (placed[:, 2] + radii).max() == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(placed[:, :2].min(axis=0), -placed[:, :2].max(axis=0), atol=1e-9)
    moved = positions @ rotation.T - placed
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)
