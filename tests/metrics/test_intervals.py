"""Intervals against SciPy, closed forms and their own coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kadi_battgen.metrics.intervals import Interval, bootstrap_interval, seed_interval
from kadi_battgen.metrics.regression import presence_auc


def test_the_bootstrap_of_a_mean_comes_to_the_normal_interval():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=400)
    interval = bootstrap_interval([values], resamples=4000)
    half = 1.96 * values.std() / np.sqrt(400)
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=0.02)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.02)
    assert interval == bootstrap_interval([values], resamples=4000)
    assert interval != bootstrap_interval([values], resamples=4000, seed=1)


def test_it_is_that_of_scipy_for_another_statistic_and_level():
    values = np.random.default_rng(1).exponential(size=60)
    ours = bootstrap_interval([values], np.median, level=0.8, resamples=5000)
    peer = stats.bootstrap(
        (values,), np.median, confidence_level=0.8, n_resamples=5000, method="percentile", rng=0
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((peer.low, peer.high), rel=0.05)


def test_samples_of_one_crystal_are_drawn_together():
    generator = np.random.default_rng(2)
    crystals = generator.normal(size=20)
    values, groups = np.repeat(crystals, 25), np.repeat(np.arange(20), 25)
    alone, together = bootstrap_interval([values]), bootstrap_interval([values], groups=groups)
    # 25 copies of 20 values are worth 20 samples, not 500.
    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(5.0, rel=0.2)
    plain = bootstrap_interval([crystals])
    assert (together.low, together.high) == pytest.approx((plain.low, plain.high), abs=0.02)


def test_paired_arrays_stay_paired_and_others_do_not():
    first = np.random.default_rng(3).normal(size=50)
    paired = bootstrap_interval([first, first + 1], lambda a, b: float((b - a).mean()))
    assert (paired.low, paired.high) == pytest.approx((1.0, 1.0))
    free = bootstrap_interval([first, first[:30] + 1], lambda a, b: float(b.mean() - a.mean()), paired=False)
    assert free.high - free.low > 0.2


def test_draws_without_the_statistic_are_left_out():
    present, score = np.array([True, False, False, False]), np.array([0.9, 0.1, 0.2, 0.3])
    assert bootstrap_interval([present, score], presence_auc, resamples=50) == Interval(1.0, 1.0, 1.0, 0.95)


def test_nominal_coverage():
    generator = np.random.default_rng(4)
    held = [
        (interval := bootstrap_interval([generator.normal(size=40)], level=0.9, resamples=200)).low
        <= 0
        <= interval.high
        for _ in range(200)
    ]
    assert 0.82 <= np.mean(held) <= 0.96


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.3, 0.35, 0.31, 0.4]])
@pytest.mark.parametrize("level", [0.68, 0.95])
def test_seeds_give_student_s_interval(values, level):
    interval = seed_interval(values, level)
    expected = stats.t.interval(level, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx(expected)
    assert interval.to_json() == {
        "estimate": pytest.approx(np.mean(values)),
        "low": interval.low,
        "high": interval.high,
        "level": level,
    }


def test_student_s_interval_of_three_by_hand():
    # Mean 2, standard deviation 1, t(0.975, 2) = 4.3027.
    assert seed_interval([1.0, 2.0, 3.0]).high == pytest.approx(2 + 4.302653 / np.sqrt(3), rel=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: seed_interval([1.0]),
        lambda: bootstrap_interval([np.array([])]),
        lambda: bootstrap_interval([np.ones(3), np.ones(4)]),
        lambda: bootstrap_interval([np.ones(3)], groups=np.ones(4)),
        lambda: bootstrap_interval([np.ones(3), np.ones(4)], groups=np.ones(3), paired=False),
        lambda: bootstrap_interval([np.ones(3)], level=95),
        lambda: bootstrap_interval([np.ones(3, dtype=bool), np.ones(3)], presence_auc),
    ],
)
def test_what_has_no_interval(call):
    with pytest.raises(ValueError):
        call()
