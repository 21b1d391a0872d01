from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.metrics.responses import (
    directed_response,
    l2_change,
    root_mean_square_change,
    substitution_response,
)

RNG = np.random.default_rng(0)


def test_distances_against_closed_forms() -> None:
    base = np.zeros((2, 3, 4))
    moved = np.stack([np.full((3, 4), 0.5), np.pad([[3.0, 4.0]], ((0, 2), (0, 2)))])
    assert l2_change(base, moved) == pytest.approx([0.5 * np.sqrt(12), 5.0])
    assert root_mean_square_change(base, moved) == pytest.approx([0.5, 5.0 / np.sqrt(12)])


@given(slope=st.floats(0.01, 10.0), step=st.floats(0.001, 0.5))
def test_a_linear_output_answers_with_its_slope_and_without_asymmetry(slope: float, step: float) -> None:
    base = RNG.normal(size=(5, 1, 6))
    direction = np.array([0.6, 0.8, 0, 0, 0, 0])
    changes = [
        l2_change(base.reshape(5, 6), (base + sign * step * slope * direction).reshape(5, 6))[:, None]
        for sign in (1, -1)
    ]
    response = directed_response(*changes)
    assert response.change.estimate == pytest.approx(slope * step, rel=1e-6)
    assert response.asymmetry is not None
    assert response.asymmetry.estimate == pytest.approx(0.0, abs=1e-6)
    assert (response.change.low, response.change.high) == pytest.approx((slope * step, slope * step), rel=1e-6)


def test_a_quadratic_output_is_asymmetric_by_its_closed_form() -> None:
    # x(c) = c^2 at c = 1: up by 2d + d^2, down by 2d - d^2, so that the asymmetry is d / 2.
    d = 0.2
    up, down = np.full((4, 3), 2 * d + d**2), np.full((4, 3), 2 * d - d**2)
    response = directed_response(up, down)
    assert response.change.estimate == pytest.approx(2 * d)
    assert response.increase is not None
    assert response.increase.estimate == pytest.approx(0.44)
    assert response.asymmetry is not None
    assert response.asymmetry.estimate == pytest.approx(d / 2)


def test_what_does_not_move_has_no_asymmetry() -> None:
    response = directed_response(np.zeros((3, 2)), np.zeros((3, 2)))
    assert response.change.estimate == 0.0
    assert response.asymmetry is None


def test_intervals_come_from_electrodes_and_not_from_their_repetitions() -> None:
    electrodes = RNG.normal(1.0, 0.2, (20, 1))
    few = directed_response(electrodes, electrodes)
    many = directed_response(np.repeat(electrodes, 50, axis=1), np.repeat(electrodes, 50, axis=1))
    assert many.change.low == pytest.approx(few.change.low)
    assert many.change.high == pytest.approx(few.change.high)
    standard_error = electrodes.std() / np.sqrt(20)
    assert few.change.high - few.change.low == pytest.approx(2 * 1.96 * standard_error, rel=0.2)


def test_substitutions_are_averaged_without_the_true_category() -> None:
    distances = np.array([[[0.0, 2.0, 4.0]], [[6.0, 0.0, 9.0]]])
    substitutes = np.array([[False, True, True], [True, True, False]])
    assert substitution_response(distances, substitutes).change.estimate == pytest.approx((3.0 + 3.0) / 2)
