from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.records import LocalStore
from kadi_battgen.records.values import LARGEST_INTEGER, plain_values

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=12,
)


class Preset(enum.Enum):
    DEMO = "demo"


@dataclass
class Settings:
    preset: Preset
    folder: Path


@given(JSON_VALUES)
@settings(max_examples=200, deadline=None)
def test_json_values_stay_as_they_are(value: Any) -> None:
    assert plain_values(value) == value
    assert json.loads(json.dumps(plain_values(value), allow_nan=False)) == value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        ((1, (2, 3)), [1, [2, 3]]),
        ({"Na", "Li"}, ["Li", "Na"]),
        (Settings(Preset.DEMO, Path("a/b")), {"preset": "demo", "folder": "a/b"}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        ({Path("x"): None}, {"x": None}),
        ("2024", "2024"),
    ],
)
def test_other_kinds_become_json_values(value: Any, plain: Any) -> None:
    result = plain_values(value)
    assert result == plain
    assert json.loads(json.dumps(result)) == plain


@pytest.mark.parametrize("value", [object(), len, 1j, b"bytes", int])
def test_what_json_does_not_know_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="JSON values only"):
        plain_values({"a": [value]})


@given(st.lists(st.sampled_from(["home", "ada", "data", "runs", "x.h5", "..", "a b"]), max_size=6))
def test_references_lead_back_to_the_file(parts: list[str]) -> None:
    for folder in (Path.home() / "runs", Path("/scratch/runs")):
        store = LocalStore(folder)
        for root in (Path("/"), Path.home(), Path("/scratch")):
            path = Path(*root.parts, *parts).resolve()
            assert store.locate("screen-1", store.reference("screen-1", path)) == path
