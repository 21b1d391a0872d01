"""What a user may ask for: parsing, how far a value misses, warnings, and draws within the range."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.applications.screening.targets import PropertyRange, Target
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError

#: Minimum, 5 %, median, 95 % and maximum of each property, as in a screening model's card.
RANGES = {
    "any": {name: [0.0, 1.0, 100.0, 300.0, 400.0] for name in FUNCTIONAL_PROPERTIES} | {"electrodes": 50},
    "Li": {
        "electrodes": 20,
        **{name: [20.0, 50.0, 100.0, 200.0, 250.0] for name in FUNCTIONAL_PROPERTIES},
        "average_voltage": [1.0, 1.5, 3.0, 4.0, 5.0],
        "volume_change": [0.01, 0.02, 0.05, 0.1, 0.2],
    },
}


@pytest.mark.parametrize(
    ("text", "low", "high", "written"),
    [
        ("3.7", 3.7, 3.7, "3.7"),
        ("3.5:4.0", 3.5, 4.0, "3.5:4"),
        (" 3.5 : 4.0 ", 3.5, 4.0, "3.5:4"),
        ("150:", 150.0, None, "150:"),
        (":0.1", None, 0.1, ":0.1"),
        ("-1:2", -1.0, 2.0, "-1:2"),
        ("2:2", 2.0, 2.0, "2"),
        ("0", 0.0, 0.0, "0"),
        ("1e-1:1E3", 0.1, 1000.0, "0.1:1000"),
    ],
)
def test_a_text_is_a_value_or_a_range(text, low, high, written):
    parsed = PropertyRange.parse("average_voltage", text)
    assert (parsed.low, parsed.high) == (low, high)
    assert str(parsed) == written


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("average_voltage", "", "is not a value or a range: write a value .* in V"),
        ("average_voltage", ":", "is not a value or a range"),
        ("average_voltage", "1:2:3", "is not a value or a range"),
        ("average_voltage", "high", "'high' is not a value or a range"),
        ("average_voltage", "3,7", "is not a value or a range"),
        ("average_voltage", "3.5-4.0", "is not a value or a range"),
        ("average_voltage", "4:3.5", "has its bounds in the wrong order: write 3.5:4 V"),
        ("average_voltage", "nan", "is not finite"),
        ("average_voltage", "1:inf", "is not finite"),
        ("gravimetric_capacity", "-1", "gravimetric_capacity '-1' is negative: .* in mAh/g, from 0 up"),
        ("volumetric_capacity", "-5:10", "is negative"),
        ("volume_change", ":-0.1", "is negative"),
        ("voltage", "3", "'voltage' is not known"),
    ],
)
def test_what_is_no_range_is_refused(name, text, message):
    with pytest.raises(UserError, match=message):
        PropertyRange.parse(name, text)


FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.one_of(st.none(), FINITE), st.one_of(st.none(), FINITE))
def test_writing_and_parsing_a_range_agree(low, high):
    if low is not None and high is not None:
        low, high = sorted((low, high))
    text = f"{'' if low is None else repr(low)}:{'' if high is None else repr(high)}"
    if text == ":":
        return
    parsed = PropertyRange.parse("average_voltage", text)
    assert (parsed.low, parsed.high) == (low, high)


@pytest.mark.parametrize(
    ("text", "value", "miss"),
    [
        ("3.5:4.0", 3.7, 0.0),
        ("3.5:4.0", 3.5, 0.0),
        ("3.5:4.0", 4.0, 0.0),
        ("3.5:4.0", 4.4, 0.04),
        ("3.5:4.0", 2.5, 0.1),
        ("150:", 120.0, 3.0),
        ("150:", 1e6, 0.0),
        (":0.1", 0.15, 0.005),
        (":0.1", 0.0, 0.0),
        (":0", 0.1, 0.01),
        ("200", 150.0, 5.0),
        ("200", 250.0, 5.0),
    ],
)
def test_how_far_a_value_misses_in_units_of_the_spread(text, value, miss):
    assert PropertyRange.parse("gravimetric_energy", text).miss(value, spread=10.0) == pytest.approx(miss)


def test_misses_are_measured_by_what_the_training_electrodes_spread():
    """A bound of zero weighs no more than another one: the 5 and 95 % quantiles lie 299 apart here."""
    target = Target.parse("Li", {"volume_change": ":0", "gravimetric_capacity": "150:"})
    misses = target.misses({"volume_change": 0.1, "gravimetric_capacity": 149.9}, RANGES)
    assert misses == pytest.approx({"volume_change": 0.1 / 299, "gravimetric_capacity": 0.1 / 299})


def test_a_target_is_parsed_and_described():
    target = Target.parse("Li", {"average_voltage": "3.5:4", "volume_change": ":0.1", "gravimetric_energy": None})
    assert set(target.ranges) == {"average_voltage", "volume_change"}
    assert target.describe() == {"working_ion": "Li", "average_voltage": "3.5:4 V", "volume_change": ":0.1 fraction"}
    assert Target.parse(None, {}).describe() == {"working_ion": "any"}
    with pytest.raises(UserError, match="'Xe' is not known"):
        Target.parse("Xe", {})


@pytest.mark.parametrize(
    ("ion", "texts", "warnings"),
    [
        ("Li", {"average_voltage": "3.5:4"}, []),
        ("Li", {}, []),
        ("Li", {"average_voltage": "1:5"}, []),
        ("Li", {"average_voltage": "4:5.5"}, [r"average_voltage 4:5\.5 V reaches 0\.5 V beyond .* 1 to 5 V .*ion Li"]),
        ("Li", {"average_voltage": "0.25:"}, [r"reaches 0\.75 V beyond"]),
        ("Li", {"average_voltage": "6:"}, [r"reaches 1 V beyond"]),
        ("Li", {"average_voltage": "0:7"}, [r"reaches 2 V beyond"]),
        (
            "Li",
            {"average_voltage": "9", "volume_change": ":0.5"},
            ["average_voltage 9 V", "volume_change :0.5 fraction"],
        ),
        (None, {"average_voltage": "350"}, []),
        ("Mg", {}, ["hold no electrode with working ion Mg: candidates are extrapolations"]),
        ("Mg", {"average_voltage": "500"}, ["no electrode with working ion Mg", r"reaches 100 V beyond"]),
    ],
)
def test_warnings_say_by_how_much_a_target_leaves_the_training_range(ion, texts, warnings):
    sentences = Target.parse(ion, texts).warnings(RANGES)
    assert len(sentences) == len(warnings)
    for sentence, expected in zip(sentences, warnings, strict=True):
        assert re.search(expected, sentence), sentence


@given(
    st.sampled_from(["Li", "Mg", None]),
    st.dictionaries(
        st.sampled_from(list(FUNCTIONAL_PROPERTIES)),
        st.tuples(st.one_of(st.none(), st.floats(0, 500)), st.one_of(st.none(), st.floats(0, 500))).filter(
            lambda pair: pair != (None, None)
        ),
    ),
    st.integers(0, 100),
)
def test_draws_stay_within_the_range(ion, bounds, seed):
    ranges = {}
    for name, (low, high) in bounds.items():
        if low is not None and high is not None:
            low, high = sorted((low, high))
        ranges[name] = PropertyRange(low, high)
    values = Target(ion, ranges).draw(RANGES, np.random.default_rng(seed))
    for name, value in zip(FUNCTIONAL_PROPERTIES, values, strict=True):
        if name not in ranges:
            assert np.isnan(value)
            continue
        wanted = ranges[name]
        assert wanted.low is None or value >= wanted.low
        assert wanted.high is None or value <= wanted.high
        quantiles = RANGES.get(ion or "any", RANGES["any"])[name]
        if wanted.low is None:
            assert value >= min(quantiles[1], wanted.high)
        if wanted.high is None:
            assert value <= max(quantiles[3], wanted.low)


@pytest.mark.parametrize(
    ("text", "low", "high"), [("60:", 60, 200), (":150", 50, 150), ("300:", 300, 300), (":0", 0, 0)]
)
def test_an_open_end_closes_at_the_quantile_of_the_ion(text, low, high):
    target = Target.parse("Li", {"gravimetric_capacity": text})
    values = [target.draw(RANGES, np.random.default_rng(seed))[1] for seed in range(300)]
    assert low <= min(values) <= max(values) <= high
    assert max(values) - min(values) >= 0.9 * (high - low)


def test_draws_follow_the_generator():
    target = Target.parse("Li", {"average_voltage": "3:4", "volume_change": ":0.1"})
    first, again, other = (target.draw(RANGES, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first[[0, 5]] != other[[0, 5]]).all()
