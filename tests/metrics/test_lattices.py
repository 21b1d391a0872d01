"""Metrics of lattices on examples counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.metrics.lattices import (
    f1_score,
    observable_agreement,
    site_accuracies,
    site_metrics,
    species_counts,
)

TRUE = np.array([[[0, 0], [4, 7]], [[0, 4], [4, 4]]], dtype=np.uint8)
SHOWN = np.array([[[0, 4], [4, 7]], [[0, 4], [0, 4]]], dtype=np.uint8)


def test_sites_and_species():
    np.testing.assert_allclose(site_accuracies(TRUE, SHOWN), [0.75, 0.75])
    counts = species_counts(TRUE, SHOWN, 8)
    assert counts[:, :, 4].tolist() == [[1, 1, 0], [2, 0, 1]]
    assert f1_score(counts[:, :, 4]) == pytest.approx(6 / 8)
    assert f1_score(counts[:, :, 7]) == 1
    assert f1_score(counts[:, :, 3]) is None


def test_each_figure_has_an_interval_around_it():
    metrics = site_metrics(TRUE, SHOWN, ("S", "E", "A", "P", "F", "O", "OO", "C"), resamples=50)
    assert metrics["accuracy"]["low"] <= metrics["accuracy"]["estimate"] == 0.75 <= metrics["accuracy"]["high"]
    assert metrics["f1"]["P"] is None
    assert metrics["f1"]["F"]["estimate"] == pytest.approx(0.75)


def test_agreement_of_observables():
    true = {"flux": np.array([0.0, 1.0, 2.0, 4.0]), "closed_porosity": np.zeros(4)}
    shown = {"flux": np.array([0.5, 1.1, 2.0, 3.4]), "closed_porosity": np.zeros(4)}
    table = observable_agreement(true, shown, resamples=20)
    assert table["flux"]["relative_deviation"]["estimate"] == pytest.approx(0.0)
    assert table["flux"]["median_relative_error"]["estimate"] == pytest.approx(0.1)
    assert table["flux"]["mean_absolute_error"] == pytest.approx(0.3)
    assert table["closed_porosity"]["relative_deviation"] is None
