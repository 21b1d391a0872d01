"""Validity: what the engine reaches passes, what it cannot reach does not, and the mending of anything is valid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kadi_battgen.sei.chemistry import BOUNDARY, ELECTRODE, SeiModel
from kadi_battgen.sei.design import named_design
from kadi_battgen.sei.simulation import simulate
from kadi_battgen.sei.validity import CHECKS, checks, is_valid, joined_fraction, mended, model_tunnelling_rows

SYMBOLS = {".": 0, "E": 1, "A": 2, "P": 3, "F": 4, "O": 5, "o": 6, "C": 7, "?": 9}


def _lattice(*rows):
    """Return the configuration (1, rows, columns) that rows from the boundary down to the electrode draw."""
    return np.array([[SYMBOLS[symbol] for symbol in row] for row in reversed(rows)], dtype=np.uint8)[None]


@pytest.mark.parametrize("design", ["wide", "published"])
@pytest.mark.parametrize("rule", ["A", "B"])
def test_what_the_engine_reaches_is_valid(design, rule):
    ranges = named_design(design)
    model = SeiModel(width=20, height=20, max_events=20_000, max_time=ranges.max_time, cluster_rule=rule)
    stack = np.stack([simulate(model, barriers, 3).configuration for barriers in ranges.sample(6, 2)])
    assert {name: result.all() for name, result in checks(stack).items()} == dict.fromkeys(CHECKS, True)
    configurations, changed = mended(stack)
    np.testing.assert_array_equal(configurations, stack)
    assert not changed.any()


@pytest.mark.parametrize(
    ("rows", "failed", "mending"),
    [
        (("AAAA", "....", "....", ".F..", "EEEE"), set(), None),
        (("AAAA", "....", "CCC.", ".F..", "EEEE"), set(), None),
        (("AAAA", "CCC.", "....", ".F..", "EEEE"), set(), None),
        (("AAAA", "oo..", "..o.", "..oP", "EEEE"), set(), None),
        (("AAAA", ".?..", "....", ".F..", "EEEE"), {"species"}, ("AAAA", "....", "....", ".F..", "EEEE")),
        (("AAAA", ".E..", "....", ".F..", "EEE."), {"boundaries"}, ("AAAA", "....", "....", ".F..", "EEEE")),
        (("....", "....", "....", "....", "EEEE"), {"boundaries"}, ("AAAA", "....", "....", "....", "EEEE")),
        (("AAAA", "....", ".FF.", "F...", "EEEE"), {"inorganic_joined"}, ("AAAA", "....", "....", "F...", "EEEE")),
        (
            ("AAAA", ".F..", ".FF.", "..F.", "EEEE"),
            {"inorganic_within_reach"},
            ("AAAA", "....", ".FF.", "..F.", "EEEE"),
        ),
        (("AAAA", "....", "ooo.", "....", "EEEE"), {"dimers_paired"}, None),
        (("AAAA", ".o..", ".o.o", "....", "EEEE"), {"dimers_paired"}, ("AAAA", ".o..", ".o.O", "....", "EEEE")),
        # Four sites, two of each colour of a chessboard would pair; three around one do not.
        (("AAAA", ".o..", "ooo.", "....", "EEEE"), {"dimers_paired"}, None),
        (("AAAA", "C...", "....", "CC..", "EEEE"), {"clusters_whole"}, ("AAAA", "O...", "....", "oo..", "EEEE")),
    ],
)
def test_what_no_run_reaches_is_told_and_mended(rows, failed, mending):
    stack = _lattice(*rows)
    found = checks(stack, tunnelling_rows=2)
    assert {name for name, passed in found.items() if not passed[0]} == failed
    assert is_valid(stack, tunnelling_rows=2)[0] == (not failed)
    configuration, changed = mended(stack, tunnelling_rows=2)
    assert is_valid(configuration, tunnelling_rows=2)[0]
    assert bool(changed[0]) == bool(failed)
    if mending is not None:
        np.testing.assert_array_equal(configuration, _lattice(*mending))
        assert changed[0] == (stack != configuration).sum()


@given(arrays(np.uint8, (2, 7, 6), elements=st.integers(0, 9)), st.integers(1, 5))
def test_any_lattice_is_valid_once_mended_and_then_stays(stack, reach):
    once, changed = mended(stack, tunnelling_rows=reach)
    assert is_valid(once, tunnelling_rows=reach).all()
    assert (once[:, 0] == ELECTRODE).all()
    assert (once[:, -1] == BOUNDARY).all()
    twice, again = mended(once, tunnelling_rows=reach)
    np.testing.assert_array_equal(twice, once)
    assert not again.any()
    np.testing.assert_array_equal(changed > 0, ~is_valid(stack, tunnelling_rows=reach))


@pytest.mark.parametrize(
    ("rows", "fraction"),
    [
        (("AAA", "...", "...", "EEE"), 1.0),
        (("AAA", "C..", "F.C", "EEE"), 1.0),
        (("AAA", ".CC", "F..", "EEE"), 1 / 3),
        (("AAA", ".CC", "...", "EEE"), 0.0),
        (("AAA", ".CC", "...", "ECE"), 0.0),
    ],
)
def test_how_much_of_an_sei_is_joined_with_the_electrode(rows, fraction):
    assert joined_fraction(_lattice(*rows))[0] == pytest.approx(fraction)


def test_the_reach_of_electrons_is_that_of_the_model():
    model = SeiModel(tunnelling_depth=2.5)
    assert model_tunnelling_rows(model.model_dump()) == model.tunnelling_rows() == 2
    stack = _lattice("AA", "..", "F.", "F.", "F.", "EE")
    assert not is_valid(stack, tunnelling_rows=2)[0]
    assert is_valid(stack, tunnelling_rows=3)[0]


def test_what_is_no_lattice_is_refused():
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((1, 4, 4)), np.zeros((1, 1, 4), np.uint8)):
        with pytest.raises(ValueError, match="are not integers of shape"):
            checks(wrong)
