"""The nearest known electrode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.applications.screening.neighbours import KnownElectrodes
from kadi_battgen.electrodes.composition import ELEMENTS, composition_vector
from kadi_battgen.metrics.candidates import atomic_fractions


@pytest.fixture(scope="module")
def known(bundled):
    return KnownElectrodes(bundled.electrodes)


def test_an_electrode_is_its_own_neighbour(known, bundled):
    for electrode in bundled.electrodes[::20]:
        nearest, distance = known.nearest(electrode.composition, electrode.working_ion)
        assert distance == 0.0
        assert nearest.working_ion == electrode.working_ion
        np.testing.assert_array_equal(nearest.composition, electrode.composition)


def test_a_material_without_a_common_element_is_at_distance_one(known):
    assert known.nearest(composition_vector("XeRn2"))[1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("formula", "nearest", "distance"),
    [("LiCoO2", "LiCoO2", 0.0), ("Li2Co2O4", "LiCoO2", 0.0), ("LiNiO2", "LiCoO2", 0.25), ("NaNiO2", "LiCoO2", 0.5)],
)
def test_the_distance_is_the_share_of_atoms_to_exchange(bundled, formula, nearest, distance):
    cobalt = next(e for e in bundled.electrodes if (e.composition == composition_vector("LiCoO2")).all())
    found, share = KnownElectrodes([cobalt]).nearest(composition_vector(formula))
    assert (found.composition == composition_vector(nearest)).all()
    assert share == pytest.approx(distance)


def test_the_working_ion_narrows_the_search_where_it_can(known, bundled):
    lithium = next(e for e in bundled.electrodes if e.working_ion == "Li")
    assert known.nearest(lithium.composition, "Mg")[0].working_ion == "Mg"
    only_lithium = KnownElectrodes([lithium])
    assert only_lithium.nearest(lithium.composition, "Mg") == (lithium, 0.0)


@given(st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 20), min_size=1, max_size=6), st.integers(2, 9))
def test_fractions_do_not_depend_on_the_size_of_the_formula(counts, times):
    vector = composition_vector(counts)
    np.testing.assert_allclose(atomic_fractions(times * vector), atomic_fractions(vector), rtol=1e-6)
    assert atomic_fractions(vector).sum() == pytest.approx(1.0, rel=1e-5)


def test_an_empty_composition_has_no_fractions_and_is_half_an_exchange_away(known):
    assert not atomic_fractions(np.zeros(112)).any()
    assert known.nearest(np.zeros(112, dtype=np.float32))[1] == pytest.approx(0.5)


def test_a_known_formula_is_known_whatever_its_ion(known, bundled):
    electrode = bundled.electrodes[0]
    assert known.holds(electrode.composition)
    assert known.holds(2 * electrode.composition)
    assert not known.holds(composition_vector("XeRn2"))
