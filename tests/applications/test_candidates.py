"""Candidates: what follows from a formula, their ranking and their tables."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from kadi_battgen.applications.candidates import (
    Candidate,
    is_charge_balanced,
    rank_candidates,
    read_candidate_images,
    write_candidate_images,
    write_candidates,
)
from kadi_battgen.applications.neighbours import KnownElectrodes
from kadi_battgen.applications.targets import Target
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.errors import UserError

TARGET = Target.parse("Li", {"gravimetric_capacity": "200:", "average_voltage": "0:9"})


@pytest.fixture(scope="module")
def assess(bundled):
    known = KnownElectrodes(bundled.electrodes)

    def make(formula, position=0, target=TARGET):
        return Candidate.assess(
            composition_vector(formula) if formula else np.zeros(112, dtype=np.float32),
            formula=formula,
            formula_from_image=None,
            target=target,
            asked=np.array([np.nan, 210.0, np.nan, np.nan, np.nan, np.nan]),
            known=known,
            seed=7,
            position=position,
        )

    return make


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
    ("formula", "ion", "present", "capacity", "miss"),
    [
        ("LiCoO2", "Li", True, 273.8, 0.0),
        ("LiFePO4", "Li", True, 169.9, (200 - 169.9) / 200 / 2),
        ("CoO2", "Li", False, 0.0, 0.5),
        ("NaCoO2", "Li", False, 0.0, 0.5),
        ("", "Li", False, 0.0, 0.5),
    ],
)
def test_what_follows_from_a_formula(assess, formula, ion, present, capacity, miss):
    """The miss is averaged over both asked properties; the voltage of the nearest known electrode always fits here."""
    candidate = assess(formula)
    assert (candidate.working_ion, candidate.working_ion_present) == (ion, present)
    assert candidate.theoretical_capacity == pytest.approx(capacity, abs=0.05)
    assert candidate.target_miss == pytest.approx(miss, abs=1e-3)
    assert candidate.nearest.working_ion == "Li"
    assert 0 <= candidate.distance <= 1


@pytest.mark.parametrize(("formula", "ion"), [("NaCoO2", "Na"), ("LiNaCoO2", "Li"), ("CoO2", None), ("", None)])
def test_without_an_asked_ion_the_formula_s_first_one_counts(assess, formula, ion):
    candidate = assess(formula, target=Target())
    assert candidate.working_ion == ion
    assert candidate.working_ion_present is (ion is not None)
    assert candidate.target_miss == 0.0


def test_ranking_puts_ion_then_charge_then_repetition_then_miss_then_distance(assess):
    formulas = ["LiFePO4", "CoO2", "LiCoO2", "LiO7", "LiCoO2", "LiNiO2", "NaCl", "LiFePO4"]
    ranked = rank_candidates([assess(formula, position) for position, formula in enumerate(formulas)])
    assert [candidate.rank for candidate in ranked] == list(range(1, 9))
    keys = [
        (not c.working_ion_present, not c.charge_balanced, c.repeats_rank is not None, c.target_miss, c.distance)
        for c in ranked
    ]
    assert keys == sorted(keys)
    assert {candidate.formula for candidate in ranked[:2]} == {"LiCoO2", "LiNiO2"}
    assert ranked[2].formula == "LiFePO4"
    assert {candidate.formula for candidate in ranked[3:5]} == {"LiCoO2", "LiFePO4"}
    for repeated in ranked[3:5]:
        assert ranked[repeated.repeats_rank - 1].formula == repeated.formula
        assert ranked[repeated.repeats_rank - 1].position < repeated.position
    assert ranked[5].formula == "LiO7"
    assert {candidate.formula for candidate in ranked[6:]} == {"CoO2", "NaCl"}


def test_ranking_does_not_depend_on_the_order_of_arrival(assess):
    candidates = [assess(f, n) for n, f in enumerate(["LiFePO4", "LiCoO2", "NaCl", "LiCoO2", "", "LiNiO2"])]
    forward, backward = rank_candidates(candidates), rank_candidates(candidates[::-1])
    assert [c.position for c in forward] == [c.position for c in backward]


def test_the_table_has_units_and_the_same_bytes(assess, tmp_path):
    ranked = rank_candidates([assess("LiCoO2"), assess("CoO2", 1)])
    for name in ("first.csv", "second.csv"):
        write_candidates(tmp_path / name, ranked)
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
    with open(tmp_path / "first.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    best = rows[0]
    assert (best["rank"], best["formula"], best["working_ion"]) == ("1", "LiCoO2", "Li")
    assert best["theoretical_gravimetric_capacity_mAh_per_g"] == "273.84"
    assert best["target_gravimetric_capacity_mAh_per_g"] == "200:"
    assert best["asked_gravimetric_capacity_mAh_per_g"] == "210"
    assert best["asked_average_voltage_V"] == best["target_volume_change_fraction"] == ""
    assert best["nearest_known_distance_fraction"] == "0.0"
    counts = np.array([float(count) for count in best["composition_vector"].split(";")])
    np.testing.assert_array_equal(counts, composition_vector("LiCoO2"))
    assert best["seed"] == "7"


def test_images_come_back_with_target_and_conventions(assess, tmp_path):
    images = np.random.default_rng(0).random((2, 6, 8, 8))
    card = {"normalisation": {"descriptors": {"names": ["height_map"]}}, "conventions": {"unit": "Hz"}}
    for name in ("first.h5", "second.h5"):
        write_candidate_images(tmp_path / name, [assess("LiCoO2"), assess("CoO2")], images, card, TARGET)
    assert (tmp_path / "first.h5").read_bytes() == (tmp_path / "second.h5").read_bytes()
    read, target, conventions = read_candidate_images(tmp_path / "first.h5")
    np.testing.assert_allclose(read, images, atol=5e-4)
    assert target == TARGET.describe()
    assert conventions == {"unit": "Hz"}
    (tmp_path / "first.h5").write_bytes(b"")
    with pytest.raises(UserError, match=r"first\.h5 is empty.*battgen screen --images"):
        read_candidate_images(tmp_path / "first.h5")
