"""What is asked of generated compositions, by examples with known formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.electrodes.composition import composition_vector, theoretical_gravimetric_capacity
from kadi_battgen.metrics.candidates import (
    capacity_errors,
    composition_distance,
    holds_working_ion,
    implied_capacities,
    nearest_distances,
    novel_fraction,
    target_metrics,
    unique_fraction,
)


def vectors(*formulas):
    return np.stack([composition_vector(formula) if formula else np.zeros(112, np.float32) for formula in formulas])


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("LiCoO2", "LiCoO2", 0.0),
        ("LiCoO2", "Li2Co2O4", 0.0),
        ("LiCoO2", "NaCoO2", 0.25),
        ("LiF", "NaCl", 1.0),
        ("LiCoO2", "CoO2", 0.25),
    ],
)
def test_composition_distance(first, second, distance):
    assert composition_distance(*vectors(first, second)) == pytest.approx(distance, abs=1e-6)


@given(st.lists(st.lists(st.integers(0, 4), min_size=4, max_size=4).filter(any), min_size=3, max_size=3))
def test_the_distance_is_a_metric(rows):
    counts = np.zeros((3, 112))
    counts[:, :4] = rows
    a, b, c = counts
    assert composition_distance(a, b) == pytest.approx(composition_distance(b, a))
    assert 0 <= composition_distance(a, b) <= 1 + 1e-12
    assert composition_distance(a, c) <= composition_distance(a, b) + composition_distance(b, c) + 1e-9


def test_nearest_known():
    known = vectors("LiCoO2", "NaFeO2")
    np.testing.assert_allclose(nearest_distances(vectors("NaCoO2", "Li2Co2O4", "CsBr"), known), [0.25, 0, 1], atol=1e-6)


def test_novelty_and_uniqueness():
    formulas = ["LiCoO2", "NaCoO2", "NaCoO2", ""]
    assert novel_fraction(formulas, {"LiCoO2", "KF"}) == 0.75
    assert unique_fraction(formulas) == 0.75


def test_ions_and_capacities():
    compositions = vectors("LiFePO4", "NaFeO2", "FeO2", "")
    ions = ["Li", "Li", "Li", "Li"]
    assert holds_working_ion(compositions, ions).tolist() == [True, False, False, False]
    expected = theoretical_gravimetric_capacity("LiFePO4", "Li")
    assert implied_capacities(compositions, ions).tolist() == pytest.approx([expected, 0, 0, 0])
    assert expected == pytest.approx(169.9, abs=0.1)
    halved = implied_capacities(compositions, ions, np.array([0.5, 1, 1, 1]))
    assert halved.tolist() == pytest.approx([expected / 2, 0, 0, 0])
    assert capacity_errors(compositions, ions, [170, 170, 170, 170])[:2].tolist() == pytest.approx(
        [0.0007, 1], abs=1e-3
    )


def test_counts_are_rounded():
    assert holds_working_ion(0.6 * vectors("LiCoO2"), ["Li"])[0]
    assert not holds_working_ion(0.4 * vectors("LiCoO2"), ["Li"])[0]


def test_targets():
    compositions = vectors("LiFePO4", "LiCoO2", "NaFeO2", "LiFePO4")
    metrics = target_metrics(
        compositions,
        ["Li", "Li", "Li", "Li"],
        # Met, missed by more than 15 % (274 mAh/g in LiCoO2), without the ion, just outside.
        np.array([165.0, 150.0, 160.0, 169.9 / 1.151]),
        vectors("LiFePO4", "LiFePO4", "NaFeO2", "KF"),
        {"LiCoO2"},
    )
    intervals = metrics.pop("intervals")
    assert metrics == {
        "targets": 4,
        "working_ion_present_fraction": 0.75,
        "capacity_within_15_percent_fraction": 0.25,
        "capacity_of_all_ions_within_15_percent_fraction": 0.25,
        "met_and_novel_fraction": 0.25,
        "median_capacity_error_fraction": pytest.approx((0.151 + 273.9 / 150 - 1) / 2, abs=2e-3),
        "mean_composition_distance_fraction": pytest.approx((0 + 10 / 28 + 0 + 1) / 4, abs=1e-4),
        "novel_fraction": 0.75,
        "unique_fraction": 0.75,
    }
    assert set(intervals) == {name for name in metrics if name.endswith("_fraction") and not name.startswith("unique")}
    for name, interval in intervals.items():
        assert interval["estimate"] == pytest.approx(metrics[name])
        assert 0 <= interval["low"] <= interval["estimate"] <= interval["high"] <= 1


def test_a_target_is_met_with_the_share_of_the_ions_that_leaves():
    """Half of the lithium of LiCoO2 gives 137 mAh/g; all of it would be twice too much."""
    metrics = target_metrics(
        vectors("LiCoO2", "LiCoO2"),
        ["Li", "Li"],
        np.array([140.0, 140.0]),
        vectors("LiCoO2", "LiCoO2"),
        set(),
        extracted=np.array([0.5, 1.0]),
        balanced=lambda formula: formula == "LiCoO2",
    )
    assert metrics["capacity_within_15_percent_fraction"] == 0.5
    assert metrics["capacity_of_all_ions_within_15_percent_fraction"] == 0.0
    assert metrics["met_and_novel_fraction"] == 0.5
    assert metrics["charge_balanced_fraction"] == 1.0
