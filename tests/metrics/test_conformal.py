"""Conformal intervals: coverage on data that did not calibrate them, and round trip."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kadi_battgen.metrics.calibration import coverage
from kadi_battgen.metrics.conformal import BIN_EDGES, LEVELS, ConformalIntervals


def counts(samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return true counts and predictions of a model whose errors grow with the prediction."""
    generator = np.random.default_rng(seed)
    predicted = generator.lognormal(-1.0, 1.5, (samples, 20))
    return generator.poisson(predicted).astype(float), predicted


@pytest.mark.parametrize("seed", range(3))
def test_coverage_is_at_least_the_level_overall_and_for_large_predictions(seed):
    intervals = ConformalIntervals.fit(*counts(600, seed))
    true, predicted = counts(3000, 100 + seed)
    for number, level in enumerate(LEVELS):
        low, high = (ends[number] for ends in intervals.intervals(predicted))
        assert (low <= high).all()
        assert (low >= 0).all()
        large = predicted > 1.3
        assert coverage(true, low, high) >= level - 0.01
        assert level - 0.02 <= coverage(true[large], low[large], high[large]) <= level + 0.12


def test_an_exact_model_gets_intervals_without_width():
    true, _ = counts(200, 0)
    low, high = ConformalIntervals.fit(true, true).intervals(true)
    np.testing.assert_allclose(high - low, 0.0)


def test_an_element_that_is_often_seen_has_quantiles_of_its_own():
    generator = np.random.default_rng(0)
    predicted = np.ones((400, 3))
    true = predicted + generator.normal(0, [0.01, 0.01, 1.0], (400, 3))
    low, high = ConformalIntervals.fit(true, predicted).intervals(predicted)
    width = (high - low)[2].mean(axis=0)
    assert width[2] > 20 * width[0]


def test_a_bin_that_calibration_never_saw_takes_all_residuals():
    true, predicted = counts(100, 1)
    predicted = np.minimum(predicted, BIN_EDGES[-1])
    low, high = ConformalIntervals.fit(true, predicted).intervals(np.full((1, 20), 50.0))
    assert np.isfinite(low).all()
    assert (high >= low).all()


def test_round_trip():
    true, predicted = counts(80, 2)
    first = ConformalIntervals.fit(true, predicted)
    second = ConformalIntervals.from_json(json.loads(json.dumps(first.to_json())))
    np.testing.assert_allclose(first.intervals(predicted), second.intervals(predicted), atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3), (4,), (4, 2)])
def test_shapes_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match="cannot calibrate intervals"):
        ConformalIntervals.fit(np.zeros(shape), np.zeros((4, 3) if shape == (4, 2) else shape))
