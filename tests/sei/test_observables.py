"""Observables: numbers counted by hand, relations that always hold, and pores against searches of another kind."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from kadi_battgen.sei.chemistry import BOUNDARY, CLUSTER, ELECTRODE, INORGANIC, SOLVENT
from kadi_battgen.sei.observables import OBSERVABLES, closed_pores, observables
from kadi_battgen.sei.regimes import REGIMES, regimes

SYMBOLS = {".": 0, "E": 1, "A": 2, "P": 3, "F": 4, "O": 5, "o": 6, "C": 7}


def lattice(picture: str) -> np.ndarray:
    """Return the configuration that a picture shows, its last line the electrode."""
    return np.array([[SYMBOLS[symbol] for symbol in line] for line in reversed(picture.split())], dtype=np.uint8)


#: Observables that are not 0.
COUNTED = {
    "bare": ("AAAA .... .P.. .OO. EEEE", {"porosity": 1.0}),
    "monolayer": (
        "AAAA .... .... FFFF EEEE",
        {"flux": 1, "in_flux": 1, "density": 4 / 20, "thickness": 1, "in_thickness": 1, "porosity": 0.5},
    ),
    # Heights 1, 3, 0 and 2; two rows for the porosity.
    "rough": (
        "AAAA .C.. ...F FC.F EEEE",
        {
            "flux": 5 / 4,
            "in_flux": 3 / 4,
            "or_flux": 2 / 4,
            "density": 5 / 20,
            "thickness": 6 / 4,
            "in_thickness": 3 / 4,
            "or_thickness": 3 / 4,
            "porosity": 1 - 3 / 8,
            "in_layer_porosity": 1 - 5 / 6,
        },
    ),
    # A pore of two sites, one with a P in it, under a roof; the solvent beside the wall is open.
    "closed": (
        "AAAA CCC. C.C. CPC. EEEE",
        {
            "flux": 7 / 4,
            "or_flux": 7 / 4,
            "density": 7 / 20,
            "thickness": 9 / 4,
            "or_thickness": 9 / 4,
            "porosity": 1 - 2 / 8,
            "in_layer_porosity": 2 / 9,
            "closed_porosity": 2 / 9,
        },
    ),
    # Neighbours across a corner do not join a pore with the outside, nor does the electrode row.
    "corner": (
        "AAAA F.F. .FF. FFF. EEEE",
        {
            "flux": 7 / 4,
            "in_flux": 7 / 4,
            "density": 7 / 20,
            "thickness": 8 / 4,
            "in_thickness": 8 / 4,
            "porosity": 1 - 3 / 8,
            "in_layer_porosity": 1 / 8,
            "closed_porosity": 1 / 8,
        },
    ),
    # Li2CO3 in the electrode row is no SEI.
    "electrode row": ("AAA ... ... FEC", {"porosity": 1.0}),
}


@pytest.mark.parametrize(("picture", "expected"), COUNTED.values(), ids=COUNTED)
def test_counted_by_hand(picture, expected):
    found = observables(lattice(picture))
    assert list(found) == list(OBSERVABLES)
    for name, values in found.items():
        assert values.tolist() == [pytest.approx(expected.get(name, 0.0), abs=1e-15)], name


@pytest.mark.parametrize("picture", [picture for picture, _ in COUNTED.values()], ids=COUNTED)
def test_missing_rows_are_added(picture):
    whole = lattice(picture)
    inner = observables(whole[1:-1], boundary_rows=False)
    assert {name: value.tolist() for name, value in inner.items()} == {
        name: value.tolist() for name, value in observables(whole).items()
    }


SPECIES_CODES = st.sampled_from([SOLVENT, SOLVENT, 3, INORGANIC, 5, CLUSTER, CLUSTER])
STACKS = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=SPECIES_CODES)
)


def _with_rows(stack):
    row = np.full((len(stack), 1, stack.shape[2]), ELECTRODE, np.uint8)
    return np.concatenate([row, stack, np.full_like(row, BOUNDARY)], axis=1)


@settings(max_examples=60)
@given(STACKS)
def test_what_always_holds(stack):
    configurations = _with_rows(stack)
    found = observables(configurations)
    rows, columns = configurations.shape[1:]
    for name, values in found.items():
        assert values.shape == (len(stack),)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        assert (values >= 0).all(), name
        assert name == "or_thickness" or OBSERVABLES[name].unit != "fraction" or (values <= 1).all()
    np.testing.assert_array_equal(found["density"], found["flux"] / rows)
    sites = (configurations[:, 1:] == INORGANIC).sum((1, 2)), (configurations[:, 1:] == CLUSTER).sum((1, 2))
    np.testing.assert_array_equal(np.rint(found["in_flux"] * columns), sites[0])
    np.testing.assert_array_equal(np.rint(found["or_flux"] * columns), sites[1])
    np.testing.assert_array_equal(np.rint(found["flux"] * columns), sites[0] + sites[1])
    np.testing.assert_allclose(found["in_thickness"] + found["or_thickness"], found["thickness"], atol=1e-12)
    assert (found["closed_porosity"] <= found["in_layer_porosity"] + 1e-12).all()
    assert (found["flux"] <= found["thickness"] + 1e-12).all()
    mirrored = observables(configurations[:, :, ::-1])
    for name, values in found.items():
        np.testing.assert_allclose(mirrored[name], values, atol=1e-12, err_msg=name)


@settings(max_examples=60)
@given(STACKS)
def test_closed_pores_are_what_a_search_from_outside_does_not_reach(stack):
    configurations = _with_rows(stack)
    found = closed_pores(configurations)
    for configuration, closed in zip(configurations, found, strict=True):
        sei = np.isin(configuration, (INORGANIC, CLUSTER))
        np.testing.assert_array_equal(closed[1:], ~(sei | _reached(sei))[1:])
        labels, _ = ndimage.label(~sei[1:])
        np.testing.assert_array_equal(closed[1:], ~sei[1:] & ~np.isin(labels, labels[-1]))
        assert not closed[0].any()


def _reached(sei):
    rows, columns = sei.shape
    reached = np.zeros_like(sei)
    waiting = deque((rows - 1, column) for column in range(columns))
    while waiting:
        row, column = waiting.popleft()
        if not (1 <= row < rows and 0 <= column < columns) or reached[row, column] or sei[row, column]:
            continue
        reached[row, column] = True
        waiting.extend([(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)])
    return reached


def test_many_are_the_same_as_each_alone():
    configurations = np.random.default_rng(0).choice([0, 4, 7], (1100, 6, 5)).astype(np.uint8)
    together = observables(configurations)
    for index in (0, 511, 512, 1099):
        alone = observables(configurations[index])
        assert {name: values[index] for name, values in together.items()} == {n: v[0] for n, v in alone.items()}


@pytest.mark.parametrize(
    "wrong", [np.zeros(4, np.uint8), np.zeros((2, 5, 5)), np.zeros((1, 5), np.uint8), np.zeros((2, 5, 0), np.uint8)]
)
def test_what_is_no_lattice_is_refused(wrong):
    with pytest.raises(ValueError, match="shape"):
        observables(wrong)


@pytest.mark.parametrize(
    ("flux", "or_flux", "thickness", "regime"),
    [
        (0.0, 0.0, 0.0, "bare"),
        (0.08, 0.08, 4.0, "bare"),
        (0.1, 0.0, 0.1, "monolayer"),
        (1.4, 0.7, 1.4, "monolayer"),
        (1.5, 0.0, 1.5, "inorganic"),
        (4.0, 1.0, 6.0, "inorganic"),
        (4.0, 1.02, 6.0, "mixed"),
        (0.5, 0.5, 9.0, "mixed"),
        (8.0, 3.98, 10.0, "mixed"),
        (20.0, 4.0, 20.0, "thick organic"),
    ],
)
def test_regimes(flux, or_flux, thickness, regime):
    values = {"flux": np.array([flux]), "or_flux": np.array([or_flux]), "thickness": np.array([thickness])}
    (number,) = regimes(values)
    assert list(REGIMES)[number] == regime
