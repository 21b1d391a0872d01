"""Candidates: what follows from a formula, and what is to be expected of it."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.applications.screening.candidates import GeneratedFormula, composition_interval
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.electrodes.composition import composition_vector


def test_an_interval_names_what_may_be_there_besides():
    drawn = composition_vector("LiMnO2")
    low, high = np.zeros(112), composition_vector("LiMnFeO3")
    generated = GeneratedFormula(drawn, "Li", 1.0, low, high, 0.5)
    assert composition_interval(generated) == "Li 0-1; O 0-3; Mn 0-1; Fe 0-1"


@pytest.mark.parametrize(
    ("formula", "extracted", "present", "capacity", "misses"),
    [
        ("LiCoO2", 1.0, True, 273.8, {"gravimetric_capacity": 0.0, "average_voltage": 0.0}),
        ("LiCoO2", 0.5, True, 136.9, {"gravimetric_capacity": 0.631, "average_voltage": 0.0}),
        ("LiFePO4", 1.0, True, 169.9, {"gravimetric_capacity": 0.301, "average_voltage": 0.0}),
        ("CoO2", 1.0, False, 0.0, {"gravimetric_capacity": 2.0, "average_voltage": 0.0}),
        ("", 1.0, False, 0.0, {"gravimetric_capacity": 2.0, "average_voltage": 0.0}),
    ],
)
def test_what_follows_from_a_formula(assess, formula, extracted, present, capacity, misses):
    """The capacity comes from the formula and what leaves it, all else from the property model."""
    candidate = assess(formula, extracted=extracted)
    assert (candidate.working_ion, candidate.working_ion_present) == ("Li", present)
    assert candidate.theoretical_capacity == pytest.approx(capacity, abs=0.05)
    assert candidate.misses == pytest.approx(misses, abs=1e-3)
    assert candidate.target_miss == pytest.approx(sum(misses.values()) / 2, abs=1e-3)
    assert candidate.nearest.working_ion == "Li"
    assert 0 <= candidate.distance <= 1


def test_the_expected_voltage_counts(assess):
    candidate = assess("LiCoO2", voltage=14.0)
    assert candidate.misses["average_voltage"] == pytest.approx(0.05)
    assert "misses average voltage by 0.05 of its spread" in candidate.explanation()


@pytest.mark.parametrize(
    ("formula", "generated", "ion"),
    [("NaCoO2", "Na", "Na"), ("LiNaCoO2", "Na", "Na"), ("LiNaCoO2", "Li", "Li"), ("CoO2", "Li", None), ("", "K", None)],
)
def test_without_an_asked_ion_the_generated_one_counts(assess, formula, generated, ion):
    candidate = assess(formula, target=Target(), ion=generated)
    assert candidate.working_ion == ion
    assert candidate.working_ion_present is (ion is not None)
    assert candidate.target_miss == 0.0


def test_a_known_formula_is_not_new(assess, bundled):
    formula = bundled.electrodes[0].formula_discharge
    assert not assess(formula, target=Target(), ion=bundled.electrodes[0].working_ion).novel
    assert assess("LiXe7O9").novel


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("LiCoO2", "holds Li; charges balance; meets the target; known"),
        ("LiFePO4", "holds Li; charges balance; misses gravimetric capacity by 0.30 of its spread; known"),
        ("NaXeO7", "holds no Li; charges do not balance; misses gravimetric capacity by 2.00 of its spread; new"),
    ],
)
def test_a_rank_is_explained(assess, formula, words):
    assert assess(formula).explanation() == words
