"""Formulas by substitution, and what follows from a formula alone."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.electrodes.building.oxidation import extractable_electrons
from kadi_battgen.electrodes.composition import (
    ELEMENTS,
    composition_vector,
    formula_from_vector,
    parse_formula,
    theoretical_gravimetric_capacity,
)
from kadi_battgen.electrodes.properties import WORKING_ION_CHARGES, WORKING_IONS
from kadi_battgen.training.screening.formulas import (
    SHARES,
    SUBSTITUTION_CLASSES,
    electrode_samples,
    extractable_share,
    formula_capacities,
    formula_samples,
    substituted,
)

FORMULAS = ("LiCoO2", "Na3V2P3O12", "MgMn2O4", "LiFePO4", "KMnO2", "ZnMn2O4", "CaV2O5", "LiAlO2")
COUNTS = np.stack([composition_vector(formula) for formula in FORMULAS])


def test_the_classes_are_elements_and_do_not_overlap():
    members = [symbol for group in SUBSTITUTION_CLASSES for symbol in group]
    assert len(members) == len(set(members))
    assert set(members) <= set(ELEMENTS)


def test_an_element_is_exchanged_within_its_class_at_its_count():
    generator = np.random.default_rng(0)
    original = COUNTS.copy()
    changed = np.concatenate([substituted(COUNTS, generator) for _ in range(50)])
    np.testing.assert_array_equal(COUNTS, original)
    for group in SUBSTITUTION_CLASSES:
        columns = [ELEMENTS.index(symbol) for symbol in group]
        before, after = np.tile(COUNTS, (50, 1))[:, columns], changed[:, columns]
        np.testing.assert_array_equal(np.sort(after, axis=1), np.sort(before, axis=1))
    assert len(np.unique(changed, axis=0)) > 100


@pytest.mark.parametrize(("probability", "same"), [(0.0, True), (1.0, False)])
def test_the_probability_of_an_exchange(probability, same):
    changed = substituted(COUNTS, np.random.default_rng(0), probability)
    assert (changed == COUNTS).all() == same


def test_the_capacity_of_a_formula_is_its_theoretical_one():
    samples = formula_samples(COUNTS, copies=9, seed=0)
    assert samples.compositions.shape == (len(samples), 112)
    assert samples.properties.shape == (len(samples), 6)
    assert np.isnan(samples.properties[:, [0, 2, 3, 4, 5]]).all()
    assert len(samples) > 10
    for row in range(len(samples)):
        # The capacity is one of charge per mass, so the reduced formula has the same.
        formula, ion = formula_from_vector(samples.compositions[row]), WORKING_IONS[samples.ions[row]]
        leaving = SHARES[samples.shares[row]] * parse_formula(formula)[ion]
        expected = theoretical_gravimetric_capacity(formula, ion, leaving)
        assert samples.properties[row, 1] == pytest.approx(expected, rel=1e-5)
        assert expected > 0
        assert extractable_electrons(parse_formula(formula), ion)[1] >= leaving * WORKING_ION_CHARGES[ion] - 1e-6


@pytest.mark.parametrize(
    ("formula", "ion", "share"),
    [
        ("LiFePO4", "Li", 1.0),
        ("LiCoO2", "Li", 1.0),
        ("Li2FeSiO4", "Li", 1.0),
        ("MgFe2O4", "Mg", 1.0),
        ("Mg2Fe2O5", "Mg", 0.5),
        ("Al2FeO4", "Al", 1 / 3),
        ("LiAlO2", "Li", None),
        ("LiXeO2", "Li", None),
    ],
)
def test_as_many_ions_leave_as_the_metals_can_pay_for(formula, ion, share):
    position = extractable_share(composition_vector(formula), WORKING_IONS.index(ion))
    assert (None if position < 0 else SHARES[position]) == (None if share is None else pytest.approx(share))


def test_formulas_without_a_working_ion_are_left_out_and_all_ions_occur():
    samples = formula_samples(np.stack([composition_vector("CoO2"), composition_vector("LiFePO4")]), copies=900, seed=0)
    assert set(samples.ions) == set(range(len(WORKING_IONS)))
    assert (samples.compositions[:, [ELEMENTS.index(ion) for ion in WORKING_IONS]].sum(axis=1) > 0).all()


def test_electrodes_bring_their_properties_and_the_share_that_leaves(bundled):
    electrodes = bundled.electrodes[::40]
    samples = electrode_samples(electrodes)
    np.testing.assert_array_equal(samples.properties, [e.properties.as_vector() for e in electrodes])
    capacities = formula_capacities(samples.compositions, samples.ions, SHARES[samples.shares])
    # The share is the nearest simple fraction, which differs from the true one for a few electrodes.
    np.testing.assert_allclose(capacities, samples.properties[:, 1], rtol=0.2)
    assert np.mean(np.isclose(capacities, samples.properties[:, 1], rtol=0.01)) > 0.95


def test_the_same_seed_gives_the_same_formulas():
    first, again, other = (formula_samples(COUNTS, copies=3, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.compositions, again.compositions)
    np.testing.assert_array_equal(first.ions, again.ions)
    assert (first.compositions.shape != other.compositions.shape) or (first.compositions != other.compositions).any()
