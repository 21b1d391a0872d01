"""Scaling to [0, 1] and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.errors import UserError

NAMES, UNITS = ("voltage", "capacity", "change"), ("V", "mAh/g", "fraction")
VALUES = hnp.arrays(np.float64, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-1e4, 1e4, width=32))


@given(VALUES, VALUES)
def test_the_inverse_undoes_the_transform_in_and_outside_the_range(fitted, values):
    scaling = RangeScaling.fit(fitted, NAMES, UNITS)
    scale = np.maximum(np.abs(values), np.abs(scaling.minimum) + scaling.span)
    assert (np.abs(scaling.inverse(scaling.transform(values)) - values) <= 1e-12 * scale + 1e-300).all()


@given(VALUES)
def test_fitted_values_fill_the_unit_interval(values):
    scaling = RangeScaling.fit(values, NAMES, UNITS)
    scaled = scaling.transform(values)
    assert scaled.min() >= 0
    assert scaled.max() <= 1
    varies = values.min(axis=0) < values.max(axis=0)
    np.testing.assert_allclose(scaled.max(axis=0), varies.astype(float))
    np.testing.assert_array_equal(scaled.min(axis=0), 0)


def test_a_constant_column_maps_to_zero_and_back():
    scaling = RangeScaling.fit(np.array([[3.0, 1.0, 0.0], [3.0, 2.0, 0.0]]), NAMES, UNITS)
    np.testing.assert_array_equal(scaling.span, [1.0, 1.0, 1.0])
    np.testing.assert_array_equal(scaling.transform(np.array([3.0, 1.5, 0.0])), [0.0, 0.5, 0.0])
    np.testing.assert_array_equal(scaling.inverse(np.zeros(3)), [3.0, 1.0, 0.0])


def test_values_beyond_the_range_are_not_clipped():
    scaling = RangeScaling.fit(np.array([[0.0, 0.0, 0.0], [2.0, 4.0, 8.0]]), NAMES, UNITS)
    np.testing.assert_array_equal(scaling.transform(np.array([3.0, -4.0, 8.0])), [1.5, -1.0, 1.0])


@given(VALUES)
def test_the_constants_survive_json(values):
    scaling = RangeScaling.fit(values, NAMES, UNITS)
    again = RangeScaling.from_json(json.loads(json.dumps(scaling.to_json())))
    assert (again.names, again.units) == (NAMES, UNITS)
    np.testing.assert_array_equal(again.minimum, scaling.minimum)
    np.testing.assert_array_equal(again.maximum, scaling.maximum)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[1.0, np.nan, 2.0]]), "capacity holds a value that is not finite"),
        (np.array([[1.0, 2.0, np.inf]]), "change holds a value that is not finite"),
        (np.zeros((0, 3)), "There is no sample to take scaling constants from"),
    ],
)
def test_what_gives_no_constants_is_refused(values, message):
    with pytest.raises(UserError, match=message):
        RangeScaling.fit(values, NAMES, UNITS)
