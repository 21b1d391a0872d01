"""Formulas, composition vectors and theoretical capacities."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.electrodes.composition import (
    COMPOSITION_LENGTH,
    ELEMENTS,
    amounts_from_vector,
    composition_vector,
    formula_from_vector,
    molar_mass,
    parse_formula,
    theoretical_gravimetric_capacity,
    unknown_electronegativities,
)
from kadi_battgen.errors import UserError

COUNTS = st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 60), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("formula", "amounts"),
    [
        ("LiFePO4", {"Li": 1, "Fe": 1, "P": 1, "O": 4}),
        ("Na3V2(PO4)3", {"Na": 3, "V": 2, "P": 3, "O": 12}),
        ("Li2Co2O4", {"Li": 2, "Co": 2, "O": 4}),
        ("Li0.5CoO2", {"Li": 0.5, "Co": 1, "O": 2}),
        ("Mg", {"Mg": 1}),
    ],
)
def test_a_formula_becomes_counts_as_written(formula, amounts):
    assert parse_formula(formula) == amounts
    vector = composition_vector(formula)
    assert vector.shape == (112,)
    assert vector.dtype == np.float32
    assert amounts_from_vector(vector) == amounts


@pytest.mark.parametrize(
    ("symbol", "number"), [("H", 1), ("Li", 3), ("O", 8), ("Fe", 26), ("Y", 39), ("Cs", 55), ("Cn", 112)]
)
def test_an_element_stands_at_its_atomic_number_less_one(symbol, number):
    assert np.flatnonzero(composition_vector(symbol)).tolist() == [number - 1]


def test_the_elements_are_those_of_the_periodic_table():
    from pymatgen.core import Element

    assert tuple(Element.from_Z(number).symbol for number in range(1, 113)) == ELEMENTS
    assert len(ELEMENTS) == COMPOSITION_LENGTH == 112


@given(COUNTS)
def test_counts_survive_the_vector(counts):
    assert amounts_from_vector(composition_vector(counts)) == counts


@given(COUNTS)
def test_the_formula_of_a_vector_has_the_same_proportions(counts):
    vector = composition_vector(counts)
    again = composition_vector(formula_from_vector(vector))
    np.testing.assert_allclose(again / again.sum(), vector / vector.sum(), rtol=1e-5)


@given(COUNTS.filter(lambda counts: len(counts) > 1))
def test_small_errors_of_a_prediction_do_not_change_the_formula(counts):
    vector = composition_vector(counts)
    blurred = vector + np.where(np.arange(112) % 2, 0.2, -0.2).astype(np.float32)
    assert formula_from_vector(np.maximum(blurred, 0)) == formula_from_vector(vector)


@pytest.mark.parametrize(
    ("counts", "formula"),
    [
        ({"Li": 0.9, "Co": 1.1, "O": 2.2}, "LiCoO2"),
        ({"Li": 0.3, "Co": 1.0, "O": 2.0}, "LiCoO2"),
        ({"Li": 0.2, "Co": 1.0, "O": 2.0}, "CoO2"),
        ({"Li": 2.0, "Co": 2.0, "O": 4.0}, "LiCoO2"),
        ({"Li": 0.1}, ""),
        ({}, ""),
    ],
)
def test_counts_are_rounded_and_reduced(counts, formula):
    assert formula_from_vector(composition_vector(counts)) == formula


@pytest.mark.parametrize("formula", ["", "Qx2", "LiFePO4)", "not a formula", "Fl2O3", "7"])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(UserError, match=r"write it like LiFePO4 or Na3V2\(PO4\)3"):
        parse_formula(formula)


@pytest.mark.parametrize(
    ("formula", "ion", "transferred", "capacity"),
    [
        ("LiFePO4", "Li", None, 169.9),
        ("LiCoO2", "Li", None, 273.8),
        ("LiCoO2", "Li", 0.5, 136.9),
        ("Na3V2(PO4)3", "Na", 2, 117.6),
        ("MgMn2O4", "Mg", None, 270.5),
        ("Mg", "Mg", None, 2205.4),
        ("Al", "Al", None, 2980.0),
        ("YMnO3", "Y", None, 419.1),
        ("CoO2", "Li", None, 0.0),
    ],
)
def test_theoretical_capacity(formula, ion, transferred, capacity):
    assert theoretical_gravimetric_capacity(formula, ion, transferred) == pytest.approx(capacity, abs=0.06)


def test_molar_mass():
    assert molar_mass("LiFePO4") == pytest.approx(157.757, abs=0.005)


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("No Pauling electronegativity for Ar. Setting to NaN.", False),
        ("No data available for the radius of Ar.", True),
    ],
)
def test_only_the_warning_of_a_missing_electronegativity_is_silenced(message, heard):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with unknown_electronegativities():
            warnings.warn(message, stacklevel=1)
    assert [str(warning.message) for warning in seen] == [message] * heard
