"""Sizes and times as people read them, colour where it can be seen, and how much is said."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.terminal import Verbosity, at_verbosity, readable_size, readable_time, uses_colour, verbosity

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
BYTES = {"byte": 1, "bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.04, "0 s"),
        (3.21, "3.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (147.0, "2 min 27 s"),
        (3569.4, "59 min 29 s"),
        (3599.6, "1 h"),
        (3629.0, "1 h"),
        (19780.0, "5 h 30 min"),
        (86399.0, "1 d"),
        (279000.0, "3 d 6 h"),
    ],
)
def test_times(seconds, text):
    assert readable_time(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (21_040, "21.0 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (1_530_000_000, "1.53 GB"),
        (3e14, "300 TB"),
        (5e18, "5000 PB"),
    ],
)
def test_sizes(count, text):
    assert readable_size(count) == text


@given(st.floats(0.0, 1e7))
def test_a_time_read_back_is_the_time_to_within_its_smaller_unit(seconds):
    parts = [(float(number), unit) for number, unit in re.findall(r"([\d.]+) (\w+)", readable_time(seconds))]
    assert 1 <= len(parts) <= 2
    back = sum(number * SECONDS[unit] for number, unit in parts)
    assert abs(back - seconds) <= max(0.51, 0.51 * SECONDS[parts[-1][1]] if len(parts) == 2 else 0.02 * seconds + 0.51)


@given(st.integers(0, 10**17))
def test_a_size_read_back_is_the_size_to_within_half_a_percent(count):
    number, unit = readable_size(count).split()
    assert float(number) * BYTES[unit] == pytest.approx(count, rel=0.0051)


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environment", "colour"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": "anything"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(monkeypatch, terminal, environment, colour):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert uses_colour(Stream(terminal)) is colour


def test_how_much_is_said_is_inherited_and_restored():
    assert verbosity() is Verbosity.NORMAL
    with at_verbosity(Verbosity.QUIET):
        with at_verbosity(None):
            assert verbosity() is Verbosity.QUIET
        with at_verbosity(Verbosity.VERBOSE):
            assert verbosity() is Verbosity.VERBOSE
        assert verbosity() is Verbosity.QUIET
    assert verbosity() is Verbosity.NORMAL
