"""Crystals for candidates, and what a potential says of them where one is installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from kadi_battgen.applications.screening.decoration import decorate
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.applications.screening.verification import Verification, require_potential, verify_candidates
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.errors import UserError

POTENTIAL = all(importlib.util.find_spec(package) for package in ("ase", "chgnet"))


@pytest.mark.skipif(importlib.util.find_spec("ase") is None, reason="ase comes with the extra 'potentials'")
@pytest.mark.parametrize(
    ("formula", "ion", "extracted", "gone"),
    [("LiNiO2", "Li", 1.0, 1.0), ("Li2MnO3", "Li", 0.5, 0.5), ("NaFePO4", "Na", 1.0, 1.0), ("LiMnF4", "Li", 1.0, 1.0)],
)
def test_a_framework_takes_the_elements_of_a_candidate(assess, bundled, formula, ion, extracted, gone):
    candidate = assess(formula, ion=ion, extracted=extracted, target=Target())
    decoration = decorate(candidate, bundled)
    assert decoration is not None
    species = decoration.crystal["species"]
    counts = {symbol: species.count(symbol) for symbol in set(species)}
    vector = composition_vector(counts)
    np.testing.assert_allclose(vector / vector.sum(), candidate.composition / candidate.composition.sum(), rtol=1e-6)
    assert all(species[site] == ion for site in decoration.removed)
    assert len(decoration.removed) == gone * counts[ion]


def test_a_candidate_whose_kind_nobody_knows_has_no_framework(assess, bundled):
    assert decorate(assess("LiXe7Rn9KrNe5"), bundled) is None


def test_a_verification_is_held_against_the_target(assess):
    candidate = assess("LiCoO2")
    row = Verification("converged", "some-id", 9.5, 0.02, -1.7, 8.0).row(candidate)
    assert row["verified_average_voltage_V"] == 9.5
    assert row["verified_average_voltage_V_in_target"] is False
    assert row["verified_volume_change_fraction_in_target"] is None
    assert row["verified_formation_energy_eV_per_atom"] == -1.7
    assert row["verification_method"] == "CHGNet 0.3.0"


@pytest.mark.skipif(POTENTIAL, reason="the extra 'potentials' is installed")
def test_without_the_potential_the_way_out_is_named():
    with pytest.raises(UserError, match=r"needs \w+, which is not installed: pip install 'kadi-battgen\[potentials\]'"):
        require_potential()


@pytest.mark.slow
@pytest.mark.skipif(not POTENTIAL, reason="chgnet and ase come with the extra 'potentials'")
def test_a_known_couple_is_found_again(assess, bundled: ElectrodeCollection):
    """LiTiS2 against lithium is measured at 2.1 V."""
    (found,) = verify_candidates([assess("LiTiS2")], bundled, 1, progress=False)
    assert found.outcome == "converged"
    assert found.average_voltage == pytest.approx(2.1, abs=0.4)
    assert found.volume_change == pytest.approx(0.02, abs=0.05)
    assert found.formation_energy == pytest.approx(-1.67, abs=0.1)
