"""Formulas by substitution, and what follows from a formula alone."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.electrodes.composition import (
    ELEMENTS,
    composition_vector,
    formula_from_vector,
    theoretical_gravimetric_capacity,
)
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.training.formulas import SUBSTITUTION_CLASSES, formula_samples, substituted

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
    samples = formula_samples(COUNTS, copies=5, seed=0)
    assert samples.compositions.shape == (len(samples.ions), 112)
    assert samples.properties.shape == (len(samples.ions), 6)
    assert np.isnan(samples.properties[:, [0, 2, 3, 4, 5]]).all()
    for vector, values, ion in zip(samples.compositions, samples.properties, samples.ions, strict=True):
        # The capacity is one of charge per mass, so the reduced formula has the same.
        expected = theoretical_gravimetric_capacity(formula_from_vector(vector), WORKING_IONS[ion])
        assert values[1] == pytest.approx(expected, rel=1e-5)
        assert expected > 0


def test_formulas_without_a_working_ion_are_left_out_and_every_ion_of_a_formula_has_its_turn():
    samples = formula_samples(np.stack([composition_vector("CoO2"), composition_vector("LiAlO2")]), copies=200, seed=0)
    assert len(samples.ions) == 200
    assert set(samples.ions) == set(range(len(WORKING_IONS)))


def test_the_same_seed_gives_the_same_formulas():
    first, again, other = (formula_samples(COUNTS, copies=3, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.compositions, again.compositions)
    np.testing.assert_array_equal(first.ions, again.ions)
    assert (first.compositions.shape != other.compositions.shape) or (first.compositions != other.compositions).any()
