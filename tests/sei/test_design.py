"""Designs: one run in every stratum of every barrier, their ranges, and tables of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.sei.chemistry import BARRIER_NAMES, PROCESSES
from kadi_battgen.sei.design import BarrierRange, named_design, read_barriers, read_ranges

LOWEST = np.array([process.lower_barrier for process in PROCESSES[:15]])


def _strata(barriers, design):
    """Return u of each barrier, by inverting its law."""
    columns = []
    for values, entry in zip(barriers.T, design.ranges, strict=True):
        linear = (values - entry.low) / (entry.high - entry.low)
        curved = np.sqrt(np.log(values / entry.low) / np.log(entry.high / entry.low))
        columns.append(curved if entry.law == "published" else linear)
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("name", ["published", "wide"])
@pytest.mark.parametrize("runs", [1, 7, 400])
def test_every_stratum_of_every_barrier_holds_one_run(name, runs):
    design = named_design(name)
    barriers = design.sample(runs, 3)
    assert barriers.shape == (runs, 15)
    # Rounded barriers may fall on the edge of a stratum.
    found = np.sort(np.floor(_strata(barriers, design) * runs + 1e-7), axis=0)
    np.testing.assert_array_equal(found, np.tile(np.arange(runs)[:, None], 15))


def test_the_published_ranges():
    barriers = named_design("published").sample(2000, 0)
    assert (barriers >= LOWEST).all()
    assert (barriers <= LOWEST * 10**0.25).all()
    np.testing.assert_allclose(barriers.min(0), LOWEST, rtol=1e-6)
    np.testing.assert_allclose(barriers.max(0), LOWEST * 10**0.25, rtol=1e-3)
    # The law prefers low barriers: the median is that of u = 1/2.
    np.testing.assert_allclose(np.median(barriers, axis=0), LOWEST * 10 ** (0.25 * 0.25), rtol=1e-3)


def test_the_wide_design_changes_the_first_three_only():
    wide, published = named_design("wide"), named_design("published")
    assert wide.ranges[:3] == (BarrierRange(0.28, 0.70),) * 3
    assert wide.ranges[3:] == published.ranges[3:]
    assert (wide.max_time, published.max_time) == (1e-3, None)


def test_the_published_runs_lie_in_the_published_ranges(shared):
    """The lower ends are known to four digits; some columns of the published runs are not evenly spread over u."""
    barriers = read_barriers(shared / "data" / "sei_kmc" / "reference_runs.csv")
    assert barriers.shape == (2000, 15)
    np.testing.assert_allclose(barriers.min(0), LOWEST, rtol=2e-4)
    np.testing.assert_allclose(barriers.max(0), LOWEST * 10**0.25, rtol=2e-3)


def test_seeds_decide():
    design = named_design("wide")
    np.testing.assert_array_equal(design.sample(20, 5), design.sample(20, 5))
    assert (design.sample(20, 5) != design.sample(20, 6)).any(axis=0).all()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("own.yaml", "e2: [0.3, 0.4]\ne15: [0.5, 0.5]\n"),
        ("own.csv", "barrier,low_eV,high_eV\ne2,0.3,0.4\ne15,0.5,0.5\n"),
    ],
)
def test_own_ranges_replace_those_of_a_design(file, text, tmp_path):
    (tmp_path / file).write_text(text)
    design = named_design("published", tmp_path / file)
    assert design.ranges[1] == BarrierRange(0.3, 0.4)
    assert design.ranges[0] == named_design("published").ranges[0]
    assert design.name != "published"
    barriers = design.sample(50, 0)
    assert barriers[:, 1].min() >= 0.3
    assert (barriers[:, 14] == 0.5).all()


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("a.yaml", "e16: [0.1, 0.2]", "e16 is no barrier"),
        ("a.yaml", "e1: [0.4, 0.2]", "0.4 to 0.2 eV"),
        ("a.yaml", "e1: 0.4", "1 values"),
        ("a.yaml", "e1: [low, 0.4]", "'low'"),
        ("a.yaml", "- 1", "no ranges"),
        ("a.yaml", "e1: [", "not YAML"),
        ("a.yaml", "", "no ranges"),
        ("a.csv", "barrier,low_eV\ne1,0.3\n", "high_eV"),
        ("a.csv", "barrier,low_eV,high_eV\ne1,0.3,0.4\ne1,0.3,0.4\n", "twice"),
        ("a.csv", "barrier,low_eV,high_eV\n", "no range"),
    ],
)
def test_ranges_that_are_none_are_refused(file, text, says, tmp_path):
    (tmp_path / file).write_text(text)
    with pytest.raises(UserError, match=says) as caught:
        read_ranges(tmp_path / file)
    assert file in str(caught.value)


def test_barriers_of_a_table_keep_their_order_whatever_else_it_holds(tmp_path):
    table = tmp_path / "runs.csv"
    values = np.linspace(0.3, 0.9, 30).reshape(2, 15)
    rows = ["\ufeffflux," + ",".join(reversed(BARRIER_NAMES)) + ",id"]
    rows += [",".join(["1.5", *map(str, reversed(row)), "x"]) for row in values.tolist()]
    table.write_text("\n".join(rows), encoding="utf-8")
    np.testing.assert_array_equal(read_barriers(table), values)


HEAD = ",".join(BARRIER_NAMES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD.replace("e7", "E7") + "\n", "lacks the column e7"),
        (HEAD + "\n", "no row"),
        (HEAD + "\n" + ",".join(["0.4"] * 14 + ["x"]), "line 2: e15 is 'x'"),
        (HEAD + "\n" + ",".join(["0.4"] * 14 + ["nan"]), "e15"),
        (HEAD + "\n" + ",".join(["0.4"] * 14), "e15 is None"),
        (HEAD + "\n" + ",".join(["-0.4"] * 15), "e1 is '-0.4'"),
        ("", "lacks the column e1"),
    ],
)
def test_tables_without_barriers_are_refused(text, says, tmp_path):
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(UserError, match=says) as caught:
        read_barriers(tmp_path / "runs.csv")
    assert "runs.csv" in str(caught.value)


@pytest.mark.parametrize("call", [lambda: named_design("narrow"), lambda: named_design("wide").sample(0, 1)])
def test_impossible_designs_are_refused(call):
    with pytest.raises(UserError):
        call()
