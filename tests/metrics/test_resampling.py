from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kadi_battgen.metrics.resampling import with_intervals

RNG = np.random.default_rng(0)


def measure(values: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """Return a nested result of two arrays, one number of which is not always defined."""
    rare = values[weights > 2]
    return {
        "samples": len(values),
        "mean": {"plain": float(values.mean()), "rare": float(rare.mean()) if len(rare) else None},
    }


def test_every_number_gets_the_interval_of_its_statistic() -> None:
    values = RNG.normal(3.0, 2.0, 400)
    found = with_intervals(measure, [values, np.ones(400)], leave_out=["samples"])
    assert "intervals" not in found
    interval = found["mean"]["intervals"]["plain"]
    assert interval["estimate"] == found["mean"]["plain"] == pytest.approx(values.mean())
    assert interval["high"] - interval["low"] == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.2)
    assert "rare" not in found["mean"]["intervals"]


def test_whole_groups_are_drawn() -> None:
    owners = np.repeat(np.arange(20), 50)
    values = RNG.normal(size=20)[owners]
    alone = with_intervals(measure, [values, np.ones(1000)])["mean"]["intervals"]["plain"]
    together = with_intervals(measure, [values, np.ones(1000)], groups=owners)["mean"]["intervals"]["plain"]
    # As many independent values as there are groups: the interval is wider by the root of the group's size.
    ratio = (together["high"] - together["low"]) / (alone["high"] - alone["low"])
    assert ratio == pytest.approx(np.sqrt(50), rel=0.25)


def test_draws_without_the_number_are_left_out() -> None:
    weights = np.array([3.0, *np.ones(9)])
    found = with_intervals(measure, [np.arange(10.0), weights], resamples=50)
    assert found["mean"]["intervals"]["rare"] == {"estimate": 0.0, "low": 0.0, "high": 0.0, "level": 0.95}


def test_the_same_seed_gives_the_same_intervals() -> None:
    values = RNG.normal(size=30)
    first, again, other = (with_intervals(measure, [values, values], seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("arrays", [[], [np.zeros(0)], [np.zeros(3), np.zeros(2)]])
def test_what_cannot_be_drawn_from_is_refused(arrays: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="cannot be drawn from"):
        with_intervals(lambda *a: {}, arrays)
