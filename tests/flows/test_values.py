"""Values: what they may be, and what replaces what in them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.errors import UserError
from kadi_battgen.flows.tools import Parameter
from kadi_battgen.flows.values import (
    LONGEST_VALUE,
    Placeholder,
    check_value,
    checked_value,
    expand,
    index,
    integer,
    number,
    plain,
    shown,
    truth,
)

VARIABLES = {"a": "1", "b": "${a}", "long": "x" * 60_000}


@pytest.mark.parametrize(
    ("text", "inputs", "expected"),
    [
        ("no variable, 5 % of $a and $(b)", None, "no variable, 5 % of $a and $(b)"),
        ("${a}-${a}", None, "1-1"),
        ("${b}", None, "${a}"),
        ("$${a}", None, "$1"),
        ("${${a}}", None, "${1}"),
        ("%0", None, "%0"),
        ("%0 and %1", ["${a}", "%0"], "${a} and %0"),
        ("%5%10", ["x", "y"], "%5y0"),
        ("%10", [str(number) for number in range(12)], "10"),
        ("%0${a}%", ["x"], "x1%"),
    ],
)
def test_expand_replaces_once(text, inputs, expected):
    assert expand(text, VARIABLES.__getitem__, inputs) == expected


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="${}")))
def test_what_is_put_in_is_not_looked_at_again(value, around):
    assert expand(f"{around}${{v}}{around}", {"v": value}.__getitem__) == f"{around}{value}{around}"


def test_expand_stops_before_memory_does():
    with pytest.raises(UserError, match="becomes longer"):
        expand("${long}" * 1000, VARIABLES.__getitem__)


def test_what_is_made_of_a_placeholder_is_one():
    assert isinstance(expand("a ${b}", {"b": Placeholder("<later>")}.__getitem__), Placeholder)
    assert isinstance(expand("a %0", VARIABLES.__getitem__, [Placeholder("<later>")]), Placeholder)
    assert not isinstance(expand("a ${a}", VARIABLES.__getitem__), Placeholder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("true\n", True), ("YES", True), ("on", True), ("0", False), ("False", False), ("", False)],
)
def test_truth(text, expected):
    assert truth(text, "it") is expected


@pytest.mark.parametrize("text", ["2", "maybe", "truefalse", "-"])
def test_no_truth(text):
    with pytest.raises(UserError, match="neither true nor false"):
        truth(text, "it")


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e3", "9" * 5000, "--1", "１", "0x10", "1_0", "nan"])
def test_no_integer(text):
    with pytest.raises(UserError, match="not an integer"):
        integer(text, "it")


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1e", "9" * 5000, "1_0", "1,5", "."])
def test_no_number(text):
    with pytest.raises(UserError, match="not a number"):
        number(text, "it")


@pytest.mark.parametrize("text", ["1e999", "-1e16", "1e-13", "0.0000000000001"])
def test_too_large_or_fine_to_count_with(text):
    with pytest.raises(UserError, match="count with"):
        index(text, "it")


@pytest.mark.parametrize(("first", "step", "expected"), [("0", "0.1", "0.3"), ("5", "-2", "-1"), ("1e2", "10", "130")])
def test_indices_are_exact(first, step, expected):
    assert plain(index(first, "it") + 3 * index(step, "it")) == expected
    assert plain(Decimal("10")) == "10"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a\0b", "NUL"), ("x" * (LONGEST_VALUE + 1), "longer"), ("ü" * 70_000, "longer"), ("\ud800", "no Unicode text")],
)
def test_values_that_no_program_can_be_given(text, sentence):
    with pytest.raises(UserError, match=sentence):
        checked_value(text, "it")


@pytest.mark.parametrize(
    ("text", "kind", "parameter", "sentence"),
    [
        ("5", "long_range", Parameter("n", minimum=1), None),
        ("1", "long_range", Parameter("n", minimum=1), None),
        ("0", "long_range", Parameter("n", minimum=1), "at least 1"),
        ("9.5", "real_range", Parameter("n", minimum=0, maximum=9), "0 to 9"),
        ("x", "long", None, "not an integer"),
        ("x", "real", None, "not a number"),
        ("x", "flag", None, "neither true nor false"),
        ("x", "string", None, None),
        ("Good", "choice", Parameter("m", choices=("good", "bad"), case_sensitive=False), None),
        ("Good", "choice", Parameter("m", choices=("good", "bad")), "one of good, bad"),
    ],
)
def test_values_of_parameters(text, kind, parameter, sentence):
    if sentence is None:
        check_value(text, kind, "it", parameter)
    else:
        with pytest.raises(UserError, match=sentence):
            check_value(text, kind, "it", parameter)


@given(
    st.one_of(
        st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
    )
)
def test_shown_is_short_and_on_one_line(value):
    text = shown(value)
    assert len(text) <= 80
    assert "\n" not in text
