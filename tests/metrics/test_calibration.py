"""Coverage of intervals whose coverage is known."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.metrics.calibration import calibration_table, coverage, ensemble_intervals, interval_score

LEVELS = (0.5, 0.9)


def test_coverage_counts_the_ends():
    assert coverage(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 0, 0, 0]), np.array([0.0, 0.5, 2, 4])) == 0.75


@pytest.mark.parametrize(("truth", "score"), [(1.0, 2.0), (2.0, 2.0), (2.5, 2 + 20 * 0.5), (-1.0, 2 + 20 * 1.0)])
def test_interval_score(truth, score):
    assert interval_score(np.array([truth]), np.array([0.0]), np.array([2.0]), 0.9) == pytest.approx(score)


def test_quantiles_of_an_ensemble():
    low, high = ensemble_intervals(np.arange(101.0)[:, None], LEVELS)
    np.testing.assert_allclose(low[:, 0], [25, 5])
    np.testing.assert_allclose(high[:, 0], [75, 95])


@pytest.mark.parametrize(("width", "error"), [(1.0, 0.0), (0.5, 0.27), (3.0, 0.28)])
def test_an_ensemble_that_knows_its_error_is_calibrated(width, error):
    """Members spread as the truth does: nominal coverage; narrower or wider ones miss by a known amount."""
    generator = np.random.default_rng(0)
    true = np.zeros((500, 112))
    column = ELEMENT_INDEX["O"]
    true[:, column] = 5 + generator.normal(size=500)
    members = 5 + width * generator.normal(size=(400, 500, 112))
    table = calibration_table(true, *ensemble_intervals(members, LEVELS), LEVELS)
    assert table["calibration_error"] == pytest.approx(error, abs=0.04)
    oxygen = table["elements"]["O"]
    assert list(table["elements"]) == ["O"]
    assert oxygen["samples"] == 500
    assert oxygen["coverage"] == oxygen["coverage_present"] == table["overall_present"]


def test_absent_elements_count_apart():
    true = np.zeros((4, 112))
    true[:3, ELEMENT_INDEX["Fe"]] = 2.0
    low, high = np.zeros((1, 4, 112)), np.full((1, 4, 112), 0.5)
    table = calibration_table(true, low, high, (0.9,))
    assert table["elements"]["Fe"] == {"samples": 3, "coverage": [0.25], "coverage_present": [0.0]}
    assert table["overall"] == [pytest.approx(1 - 3 / (4 * 112))]
    assert table["overall_present"] == [0.0]
    nothing = calibration_table(np.zeros((4, 112)), low, high, (0.9,))
    assert nothing["overall_present"] is nothing["calibration_error"] is None


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="do not fit"):
        calibration_table(np.zeros((4, 112)), np.zeros((2, 4, 112)), np.zeros((2, 4, 112)), (0.9,))
