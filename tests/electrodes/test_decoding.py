"""Charge-balanced formulas from predicted counts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from kadi_battgen.electrodes.composition import ELEMENT_INDEX, composition_vector
from kadi_battgen.electrodes.decoding import decode_formula


def prediction(counts: dict[str, float], presence: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    return composition_vector(counts).astype(float), composition_vector(presence).astype(float)


def sure(formula: str) -> tuple[np.ndarray, np.ndarray]:
    counts = composition_vector(formula).astype(float)
    return counts, np.where(counts > 0, 0.99, 0.002)


@pytest.mark.parametrize("formula", ["LiFePO4", "NaVPO4F", "MgTi2S4", "Y2Fe2O6", "Na3V2(PO4)3", "CsMnCl3"])
def test_what_is_predicted_surely_comes_back_with_confidence(formula):
    from pymatgen.core import Composition

    decoded = decode_formula(*sure(formula), spread=np.full(112, 0.15))
    assert Composition(decoded.formula).reduced_formula == Composition(formula).reduced_formula
    assert decoded.confidence > 0.7
    states = decoded.oxidation_states
    assert sum(states[str(e)] * n for e, n in Composition(decoded.formula).items()) == pytest.approx(0.0, abs=1e-9)


def test_charge_decides_between_two_counts():
    # Four and a half oxygens: with phosphorus and iron only four balance at common states, five would need Fe(IV).
    counts, presence = prediction({"Li": 1, "Fe": 1, "P": 1, "O": 4.4}, {"Li": 0.99, "Fe": 0.99, "P": 0.99, "O": 0.99})
    assert decode_formula(counts, presence).formula == "LiFePO4"


def test_less_sure_predictions_have_less_confidence():
    counts, presence = sure("LiFePO4")
    doubtful = presence.copy()
    doubtful[ELEMENT_INDEX["Mn"]] = 0.45
    counts[ELEMENT_INDEX["Mn"]] = 1.0
    assert decode_formula(counts, doubtful).confidence < decode_formula(counts, presence).confidence - 0.1


def test_the_known_working_ion_is_in_the_formula():
    counts, presence = prediction({"Na": 1, "Li": 1, "Co": 1, "O": 2}, {"Na": 0.3, "Li": 0.4, "Co": 0.98, "O": 0.99})
    assert "Na" in decode_formula(counts, presence, working_ion="Na").formula


@pytest.mark.parametrize(
    ("counts", "presence", "formula"),
    [({}, {}, ""), ({"Li": 1.0}, {"Li": 0.9}, "Li"), ({"Na": 1, "K": 1}, {"Na": 0.99, "K": 0.99}, "KNa")],
)
def test_what_cannot_balance_has_no_confidence(counts, presence, formula):
    decoded = decode_formula(*prediction(counts, presence))
    assert (decoded.formula, decoded.confidence, decoded.oxidation_states) == (formula, 0.0, None)


def test_confidences_are_those_of_an_enumeration():
    # Only LiF and the salts with one more atom of either balance: the confidence is that of Bayes' rule.
    counts, presence = prediction({"Na": 1, "Cl": 1, "F": 1}, {"Na": 1.0, "Cl": 0.7, "F": 0.3})
    spread = np.full(112, 0.12)
    decoded = decode_formula(counts, presence, spread)
    assert decoded.formula == "NaCl"
    # NaCl 0.7 x 0.7 against NaF 0.3 x 0.3; the mixed salt needs two sodiums, far from what is predicted.
    assert decoded.confidence == pytest.approx(0.49 / (0.49 + 0.09), abs=0.01)


def test_elements_without_an_electronegativity_are_decoded_without_a_warning():
    from pymatgen.core import Element

    # pymatgen warns once of each element; here as if it had not yet.
    for symbol in ("Ar", "Cn"):
        Element(symbol).__dict__.pop("X", None)
    counts, presence = prediction(
        {"Li": 1, "Co": 1, "O": 2, "Ar": 1, "Cn": 1}, {"Li": 0.9, "Co": 0.9, "O": 0.9, "Ar": 0.4, "Cn": 0.3}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_formula(counts, presence).formula == "LiCoO2"
