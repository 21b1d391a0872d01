"""Any value becomes extra metadata that a real Kadi4Mat keeps as it is."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.extras import LONGEST_LIST, field_entry, group, plain_entry, same
from kadi_battgen.records.kadi.vocabulary import QUANTITIES, RUN, Field

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.text(st.characters()) | st.floats() | st.integers(),
    lambda values: (
        st.lists(values, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=20), values, max_size=4)
    ),
    max_leaves=12,
)

#: What Kadi4Mat refuses or changes, each by itself.
PITFALLS = {
    "NaN": math.nan,
    "infinity": -math.inf,
    "beyond 2^53 - 1": 2**53,
    "far beyond": -(10**400),
    "largest": 2**53 - 1,
    "date-like": "2024",
    "date": "2024-05-06",
    "empty": "",
    "blank": " \t ",
    "spaces around": " x ",
    "null character": "a\0b",
    "half a surrogate pair": "\ud800",
    "two lines": "a\nb",
    "float32": np.float32(0.1),
    "int64": np.int64(7),
    "bool_": np.bool_(True),
    "array": np.arange(3.0),
    "whole float": 3.0,
    "negative zero": -0.0,
    "smallest": 5e-324,
    "huge": 1.7e308,
    "same keys": {"a b": 1, "a  b": 2, " a b": 3, "a b (2)": 4},
    "keys without a name": {"": 1, " ": 2, "\0": 3},
    "long key": {"k" * 5000: 1, "k" * 5001: 2},
    "long text": "x" * 100_000,
    "long list": list(range(1000)),
    "large mapping": {f"key {number}": number for number in range(2000)},
    "deep": [[[[[[[[[[[[1]]]]]]]]]]]],
    "empty list": [],
    "empty mapping": {},
    "moment": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
    "bytes": b"bytes",
}


@pytest.fixture(scope="module")
def scratch(kadi_sandbox: Any) -> tuple[KadiClient, int]:
    """Create a record to try values on."""
    from kadi_battgen.records.kadi.instance import Instance

    client = KadiClient(Instance("sandbox", kadi_sandbox.connection.host, kadi_sandbox.connection.token))
    return client, client.create("records", "scratch-extras", {"title": "Scratch"})["id"]


def stored(scratch: tuple[KadiClient, int], extras: list[dict[str, Any]]) -> Any:
    client, number = scratch
    return client.edit("records", number, "scratch-extras", {"extras": extras})["extras"]


def test_kadi_keeps_every_pitfall_as_it_is_written(scratch: tuple[KadiClient, int]) -> None:
    extras = [plain_entry(name, value) for name, value in PITFALLS.items()]
    assert same(extras, stored(scratch, extras))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(st.text(st.characters(), max_size=20), JSON_VALUES, max_size=6))
def test_kadi_keeps_anything_as_it_is_written(scratch: tuple[KadiClient, int], values: dict[str, Any]) -> None:
    extras = [plain_entry("values", values)]
    assert same(extras, stored(scratch, extras))


@pytest.mark.parametrize(
    ("value", "type", "written"),
    [
        ("2024", "str", "2024"),
        (math.nan, "str", "nan"),
        (2**53, "str", "9007199254740992"),
        (np.float32(0.5), "float", 0.5),
        (True, "bool", True),
        (3, "int", 3),
        ("", "str", '""'),
        (" x", "str", '" x"'),
        ("a\0b", "str", '"a\\u0000b"'),
        (None, "str", None),
    ],
)
def test_single_values(value: Any, type: str, written: Any) -> None:
    made = plain_entry("key", value)
    assert (made["type"], made["value"]) == (type, written)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("3.7", 3.7),
        ("3.5:4.0", (3.5, 4.0)),
        ("150:", (150.0, None)),
        (":0.1", (None, 0.1)),
        ("2:2", 2.0),
        ("high", "high"),
        (":", ":"),
        ("1:2:3", "1:2:3"),
        (None, None),
    ],
)
def test_ranges_of_properties(text: str | None, ends: Any) -> None:
    field = QUANTITIES["average_voltage"]
    made = field_entry(field, text)
    assert made["term"] == field.term
    if isinstance(ends, tuple):
        assert [(part["key"], part["value"], part["unit"]) for part in made["value"]] == [
            ("minimum", ends[0], "V"),
            ("maximum", ends[1], "V"),
        ]
    elif isinstance(ends, str):
        assert (made["type"], made["value"], made.get("unit")) == ("str", ends, None)
    else:
        assert (made["type"], made["value"], made["unit"]) == ("float", ends, "V")


@pytest.mark.parametrize(
    ("field", "value", "validated"),
    [
        (Field("epochs", "int", "Passes", minimum=1), 3, True),
        (Field("epochs", "int", "Passes", minimum=1), 0, False),
        (Field("epochs", "int", "Passes", minimum=1), "three", False),
        (Field("part", "str", "Part", options=("test",)), "test", True),
        (Field("part", "str", "Part", options=("test",)), "all", False),
        (Field("part", "str", "Part", options=("test",)), None, True),
        (Field("rate", "float", "Rate", maximum=1.0), 1, True),
    ],
)
def test_only_what_a_rule_allows_carries_it(field: Field, value: Any, validated: bool) -> None:
    assert ("validation" in field_entry(field, value)) is validated
    assert "validation" not in field_entry(field, value, validated=False)


def test_what_is_left_out_is_said() -> None:
    made = plain_entry("long", list(range(1000)))
    assert len(made["value"]) == LONGEST_LIST
    assert made["description"] == "the first 50 of 1000, all are in record.json"


def test_every_field_of_a_run_can_be_told() -> None:
    assert group("run", [field_entry(field, None) for field in RUN])["type"] == "dict"
