"""Pinned properties of the set that ships with the package."""

from collections import Counter
from statistics import fmean

import pytest

from kadi_battgen.electrodes.building.checks import LARGEST_SPREAD, LARGEST_VOLUME_CHANGE, VOLTAGE_RANGE
from kadi_battgen.electrodes.building.comparison import literature_rows, reduced
from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.electrodes.electrode import broken_invariants


@pytest.fixture(scope="module")
def electrodes(bundled_file):
    return read_electrodes(bundled_file)


def test_size(electrodes, bundled_file):
    assert len(electrodes) >= 600
    assert min(electrodes.counts().values()) >= 25
    assert bundled_file.stat().st_size < 5e6


def test_rows_hold_together(electrodes):
    for electrode in electrodes.electrodes:
        assert broken_invariants(electrode) == []
        values = electrode.properties
        assert values.average_voltage * values.gravimetric_capacity == pytest.approx(
            values.gravimetric_energy, rel=1e-5
        )
        assert values.average_voltage * values.volumetric_capacity == pytest.approx(values.volumetric_energy, rel=1e-5)
        density = values.volumetric_capacity / values.gravimetric_capacity
        assert density == pytest.approx(electrode.structure.density, rel=1e-5)


def test_no_composition_occurs_twice_for_one_ion(electrodes):
    pairs = Counter((e.working_ion, reduced(e.formula_discharge)) for e in electrodes.electrodes)
    assert max(pairs.values()) == 1


def test_guards_hold(electrodes):
    low, high = VOLTAGE_RANGE
    for electrode in electrodes.electrodes:
        assert low < electrode.properties.average_voltage < high
        kind = "pair" if electrode.method.startswith("DFT") else "host"
        assert electrode.properties.volume_change <= LARGEST_VOLUME_CHANGE[kind]
        if kind == "host":
            assert electrode.voltage_spread <= LARGEST_SPREAD


def test_every_row_says_how_it_was_made(electrodes):
    methods = Counter(e.method.split(",")[0].split(" of ")[0] for e in electrodes.electrodes)
    assert set(methods) == {"DFT", "7net-l3i5 relaxation"}
    assert methods["DFT"] >= 50
    assert all(e.source and e.source_id and e.framework for e in electrodes.electrodes)
    assert {"licence", "citations", "candidates", "removed"} <= set(electrodes.metadata)


def test_known_cathodes(electrodes):
    rows = literature_rows(electrodes)
    assert len(rows) >= 12
    for measured, electrode in rows:
        error = electrode.properties.average_voltage - measured.voltage
        assert abs(error) <= measured.tolerance, f"{electrode.formula_discharge}: {error:+.2f} V"
    assert fmean(abs(e.properties.average_voltage - m.voltage) for m, e in rows) < 0.35


@pytest.mark.parametrize(
    ("ion", "formula", "voltage", "capacity"),
    [("Li", "LiFePO4", 3.46, 169.9), ("Li", "LiTiS2", 1.93, 225.3), ("Li", "LiNiO2", 3.91, 274.5)],
)
def test_pinned_rows(electrodes, ion, formula, voltage, capacity):
    row = next(
        e for e in electrodes.electrodes if e.working_ion == ion and reduced(e.formula_discharge) == reduced(formula)
    )
    assert row.properties.average_voltage == pytest.approx(voltage, abs=0.01)
    assert row.properties.gravimetric_capacity == pytest.approx(capacity, abs=0.2)
