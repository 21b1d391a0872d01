"""Scaling to [0, 1] and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kadi_battgen.datasets.scaling import SCALINGS, RangeScaling, condition_scaling_from_json, scaling_from_json
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


@pytest.mark.parametrize("kind", SCALINGS.values(), ids=list(SCALINGS))
class TestEveryKind:
    """One interface: inverse, shapes, order of the samples, JSON by kind."""

    @given(VALUES, VALUES)
    def test_the_inverse_undoes_the_transform(self, kind, fitted, values):
        scaling = kind.fit(fitted, NAMES, UNITS)
        scaled = scaling.transform(values)
        assert scaled.shape == values.shape
        assert scaled.dtype == np.float64
        assert np.isfinite(scaled).all()
        size = np.abs(values).max() + np.abs(fitted).max()
        back = scaling.inverse(scaled, scaling.record_scale(values))
        assert (np.abs(back - values) <= 1e-11 * size + 1e-300).all()

    @given(VALUES, st.randoms())
    def test_the_order_of_the_samples_decides_nothing(self, kind, values, random):
        places = list(range(len(values)))
        random.shuffle(places)
        first, second = (kind.fit(rows, NAMES, UNITS) for rows in (values, values[places]))
        np.testing.assert_allclose(first.transform(values), second.transform(values), rtol=1e-6, atol=1e-6)

    @given(VALUES)
    def test_json_gives_the_same_scaling(self, kind, values):
        scaling = kind.fit(values, NAMES, UNITS)
        again = scaling_from_json(json.loads(json.dumps(scaling.to_json(), allow_nan=False)))
        assert type(again) is kind
        np.testing.assert_array_equal(again.transform(values), scaling.transform(values))


def test_constants_without_a_kind_are_a_range_as_older_files_have_them():
    document = {"names": ["v"], "units": ["V"], "minimum": [1.0], "maximum": [3.0]}
    scaling = scaling_from_json(document)
    assert type(scaling) is RangeScaling
    assert scaling.transform(np.array([2.0])) == [0.5]
    assert condition_scaling_from_json(document).to_json() == {"kind": "min-max", **document}


@pytest.mark.parametrize(
    ("kind", "values", "scaled"),
    [
        ("min-max", [0, 1, 2, 100], [0, 0.01, 0.02, 1]),
        ("standard", [1, 3, 1, 3], [-1, 1, -1, 1]),
        # Quantiles at 1 % and 99 % of 0, 1 ... 100 are 1 and 99.
        ("robust", range(101), [(value - 1) / 98 for value in range(101)]),
        ("record-max", [0, -2, 5, 1], [0, -1, 1, 1]),
    ],
)
def test_worked_examples(kind, values, scaled):
    column = np.array(values, dtype=float)[:, None]
    np.testing.assert_allclose(SCALINGS[kind].fit(column, ["v"], ["V"]).transform(column)[:, 0], scaled, atol=1e-12)


def test_a_record_is_scaled_by_its_own_largest_value():
    scaling = SCALINGS["record-max"].fit(np.ones((1, 3)), NAMES, UNITS)
    records = np.array([[1.0, -4.0, 2.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(scaling.transform(records), [[0.25, -1, 0.5], [0, 0, 0]])
    np.testing.assert_array_equal(scaling.record_scale(records), [[4.0], [1.0]])
    with pytest.raises(ValueError, match="need that value"):
        scaling.inverse(scaling.transform(records))


def test_outliers_do_not_squeeze_the_core_of_a_robust_scaling():
    column = np.append(np.linspace(2, 4, 999), 54.6)[:, None]
    core = [
        SCALINGS[kind].fit(column, ["v"], ["V"]).transform(np.array([[2.0], [4.0]])) for kind in ("min-max", "robust")
    ]
    assert np.ptp(core[0]) < 0.05
    assert np.ptp(core[1]) > 0.95


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"kind": "cubic"}, "'cubic' is not known: choose from min-max, robust, standard, record-max"),
        ({"kind": "standard", "names": [], "units": []}, "lacks or spoils a constant"),
        ({"kind": "record-max", "names": ["v"], "units": ["V"]}, "is none for conditions"),
    ],
)
def test_what_is_no_scaling_of_conditions_is_refused(document, message):
    with pytest.raises(UserError, match=message):
        condition_scaling_from_json(document)
