"""The condition vector: layout, and what is not asked for is zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.datasets.conditions import CONDITION_SIZE, condition_vectors
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS

PROPERTIES = len(FUNCTIONAL_PROPERTIES)
VALUE, GIVEN = slice(0, PROPERTIES), slice(PROPERTIES, 2 * PROPERTIES)
ION, ION_GIVEN = slice(2 * PROPERTIES, 2 * PROPERTIES + len(WORKING_IONS)), -1


def test_the_layout():
    vectors = condition_vectors(np.array([[0.0, 0.25, 0.5, 0.75, 1.0, 1.5]]), np.array([5]))
    assert vectors.dtype == np.float32
    assert vectors.shape == (1, CONDITION_SIZE) == (1, 23)
    np.testing.assert_array_equal(vectors[0, VALUE], [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    np.testing.assert_array_equal(vectors[0, GIVEN], 1)
    assert np.flatnonzero(vectors[0, ION]).tolist() == [5]
    assert vectors[0, ION_GIVEN] == 1


@pytest.mark.parametrize("ion", range(len(WORKING_IONS)))
def test_the_ion_is_one_hot(ion):
    vector = condition_vectors(np.full((1, 6), np.nan), np.array([ion]))[0]
    np.testing.assert_array_equal(vector[ION], np.eye(len(WORKING_IONS))[ion])
    assert not vector[: 2 * PROPERTIES].any()


def test_nothing_asked_is_all_zero():
    assert not condition_vectors(np.full((2, 6), np.nan), np.array([-1, -1])).any()


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=6, max_size=6), st.integers(-1, len(WORKING_IONS) - 1))
def test_what_is_absent_is_zero_and_marked(values, ion):
    row = np.array([[np.nan if value is None else value for value in values]])
    vector = condition_vectors(row, np.array([ion]))[0]
    given_ = np.array([value is not None for value in values])
    np.testing.assert_array_equal(vector[GIVEN], given_)
    np.testing.assert_array_equal(vector[VALUE][~given_], 0)
    np.testing.assert_allclose(vector[VALUE][given_], 2 * row[0][given_] - 1, atol=1e-6)
    assert vector[ION].sum() == vector[ION_GIVEN] == (ion >= 0)


@given(st.lists(st.booleans(), min_size=6, max_size=6), st.booleans())
def test_hiding_a_known_value_is_the_same_as_not_knowing_it(shown, ion_shown):
    values = np.linspace(0.1, 0.9, 6)[None]
    hidden = condition_vectors(values, np.array([3]), np.array([shown]), np.array([ion_shown]))
    unknown = condition_vectors(np.where(shown, values, np.nan), np.array([3 if ion_shown else -1]))
    np.testing.assert_array_equal(hidden, unknown)
