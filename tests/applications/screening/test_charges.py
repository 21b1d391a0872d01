"""Charges that balance or do not, and ions that may leave."""

from __future__ import annotations

import warnings

import pytest

from kadi_battgen.applications.screening.charges import charged_formula, is_charge_balanced, may_extract
from kadi_battgen.electrodes.composition import composition_vector


@pytest.mark.parametrize(
    ("formula", "balanced"),
    [
        ("LiCoO2", True),
        ("LiFePO4", True),
        ("Na3V2P3O12", True),
        ("LiMn2O4", True),
        ("NaCl", True),
        ("LiNaK", False),
        ("LiO7", False),
        ("Fe", False),
        ("", False),
        ("Li30Fe30", False),
        ("Li25Fe25P25", False),
    ],
)
def test_charge_balance(formula, balanced):
    assert is_charge_balanced(formula) is balanced


@pytest.mark.parametrize(
    ("formula", "ion", "ions", "may"),
    [
        ("LiFePO4", "Li", 1, True),
        ("LiCoO2", "Li", 1, True),
        ("Li2FeSiO4", "Li", 2, True),
        ("Li4FePO4", "Li", 4, False),
        ("LiAlO2", "Li", 1, False),
        ("MgFe2O4", "Mg", 1, True),
        ("MgFe2O4", "Mg", 1.5, False),
    ],
)
def test_as_many_ions_leave_as_the_metals_can_pay_for(formula, ion, ions, may):
    assert may_extract(formula, ion, ions) is may


@pytest.mark.parametrize(
    ("formula", "ion", "extracted", "charged"),
    [("LiFePO4", "Li", 1.0, "Fe1P1O4"), ("Li2MnO3", "Li", 0.5, "Li1Mn1O3"), ("LiCoO2", "Li", 0.5, "Li0.5Co1O2")],
)
def test_the_charged_formula_has_the_same_host(formula, ion, extracted, charged):
    assert charged_formula(composition_vector(formula), ion, extracted) == charged


def test_a_charged_formula_with_a_noble_gas_is_written_without_a_warning():
    from pymatgen.core import Element

    Element("Ar").__dict__.pop("X", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert charged_formula(composition_vector("LiArO2"), "Li", 1.0) == "O2Ar1"
