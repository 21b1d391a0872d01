from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.metrics.reliability import reliability_table


def test_a_hand_count() -> None:
    table = reliability_table(np.array([True, False, True, True]), np.array([0.1, 0.2, 0.9, 1.0]), bins=2)
    assert table["probability"] == pytest.approx([0.15, 0.95])
    assert table["frequency"] == [0.5, 1.0]
    assert table["events"] == [2, 2]
    assert table["calibration_error"] == pytest.approx((2 * 0.35 + 2 * 0.05) / 4)
    assert table["brier_score"] == pytest.approx((0.81 + 0.04 + 0.01 + 0.0) / 4)


def test_the_interval_is_wilsons() -> None:
    # 8 of 10: the published 95 % interval is 0.490 to 0.943.
    table = reliability_table(np.arange(10) < 8, np.full(10, 0.8), bins=1)
    assert (table["low"][0], table["high"][0]) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_probabilities_that_are_true_are_reliable() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=20_000)
    table = reliability_table(rng.uniform(size=20_000) < probability, probability)
    inside = [
        low <= given <= high
        for low, given, high in zip(*(table[k] for k in ("low", "probability", "high")), strict=True)
    ]
    assert sum(inside) >= 8
    assert table["calibration_error"] < 0.02
    assert table["brier_score"] == pytest.approx(1 / 6, abs=0.01)


@pytest.mark.parametrize(
    ("happened", "probability"),
    [([], []), ([True], [0.5, 0.5]), ([True, False], [0.5, 1.1]), ([True, False], [0.5, float("nan")])],
)
def test_what_is_no_probability_is_refused(happened: list[bool], probability: list[float]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        reliability_table(np.array(happened), np.array(probability))
