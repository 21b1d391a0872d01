"""The set that ships is what its card says."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files

import pytest

from kadi_battgen.electrodes.building.checks import LARGEST_SPREAD
from kadi_battgen.electrodes.building.methods import METHOD_PAIR, METHODS
from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.electrodes.properties import WORKING_IONS

CARD = (files("kadi_battgen.bundled") / "electrodes.card.md").read_text(encoding="utf-8")


def test_it_is_large_enough_to_train_on(bundled):
    assert len(bundled) >= 1500
    assert min(bundled.counts()[ion] for ion in WORKING_IONS) >= 60


def test_the_card_counts_the_rows_as_they_are(bundled):
    assert re.search(rf"holds {len(bundled)} insertion electrodes over ten working ions", CARD)
    for ion in WORKING_IONS:
        rows = [electrode.method for electrode in bundled.electrodes if electrode.working_ion == ion]
        counts = [rows.count(method) for method in METHODS.values()]
        assert f"| {ion} | {' | '.join(map(str, counts))} | {len(rows)} |" in CARD


def test_each_row_names_its_method_and_origin(bundled):
    assert {electrode.method for electrode in bundled.electrodes} == set(METHODS.values())
    assert all(electrode.source and electrode.source_id for electrode in bundled.electrodes)


def test_each_relaxed_row_is_within_the_limits_that_the_card_states(bundled):
    for electrode in bundled.electrodes:
        largest = 0.5 if electrode.method == METHOD_PAIR else 0.25
        assert 0.0 < electrode.properties.average_voltage < 5.5, electrode.id
        assert electrode.properties.volume_change <= largest, electrode.id
        if electrode.method != METHOD_PAIR:
            assert electrode.voltage_spread is not None
            assert electrode.voltage_spread <= LARGEST_SPREAD, electrode.id


def test_a_composition_occurs_once_for_each_working_ion(bundled):
    seen = Counter((electrode.working_ion, tuple(electrode.composition.tolist())) for electrode in bundled.electrodes)
    assert max(seen.values()) == 1


@pytest.mark.parametrize(
    ("ion", "formula", "measured"),
    [
        ("Li", "LiFePO4", 3.45),
        ("Li", "LiNiO2", 3.9),
        ("Na", "NaMnO2", 2.8),
        ("Mg", "MgMn2O4", 2.9),
        ("Li", "LiTiS2", 2.1),
    ],
)
def test_known_couples_have_about_the_measured_voltage(bundled, ion, formula, measured):
    """Measured values and their sources stand on the card; 0.3 V is what these methods reach."""
    wanted = parse_formula(formula)
    found = [
        electrode.properties.average_voltage
        for electrode in bundled.electrodes
        if electrode.working_ion == ion and parse_formula(electrode.formula_discharge) == wanted
    ]
    assert len(found) == 1
    assert found[0] == pytest.approx(measured, abs=0.3)
