from __future__ import annotations

from typing import Any

import pytest

from kadi_battgen.metrics.nested import interval_of, numbers, over_repetitions

INTERVAL = {"estimate": 0.5, "low": 0.4, "high": 0.6, "level": 0.95}
METRICS: dict[str, Any] = {
    "part": "test",
    "samples": 8,
    "translation": {"translator": {"grey": {"ssim": 0.5, "r2": None, "intervals": {"ssim": INTERVAL}}}},
    "worst": [{"error": 1.0}],
    "finished": True,
    "trainings": {"a": 1.0},
}


def test_numbers_are_found_by_path_and_nothing_else_is() -> None:
    assert dict(numbers(METRICS)) == {"samples": 8.0, "translation.translator.grey.ssim": 0.5}


def test_the_interval_lies_beside_its_number() -> None:
    group = METRICS["translation"]["translator"]["grey"]
    interval = interval_of(group, "ssim")
    assert interval is not None
    assert interval.to_json() == INTERVAL
    assert interval_of(group, "r2") is None
    assert interval_of({"ssim": 0.5}, "ssim") is None


def test_repetitions_give_mean_and_student_interval() -> None:
    results = [{"a": {"b": value}, "only_here": 1.0} if value == 1.0 else {"a": {"b": value}} for value in (1.0, 2, 3)]
    found = over_repetitions(results)
    assert set(found) == {"a.b"}
    # Student's t for 2 degrees of freedom is 4.303; the standard error is 1 / sqrt(3).
    assert found["a.b"]["estimate"] == pytest.approx(2.0)
    assert found["a.b"]["high"] == pytest.approx(2 + 4.3027 / 3**0.5, rel=1e-4)
    assert found["a.b"]["values"] == [1.0, 2.0, 3.0]


def test_one_repetition_has_no_spread() -> None:
    with pytest.raises(ValueError, match="no spread"):
        over_repetitions([METRICS])
