"""Anion classes of compositions."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.metrics.anions import ANION_CLASSES, anion_class_metrics, anion_class_probabilities


@pytest.mark.parametrize(
    ("formula", "name"),
    [("LiFePO4", "P"), ("NaVPO4F", "P"), ("LiFeO2", "O"), ("Na3FeF6", "F"), ("LiVOF3", "F"), ("MgTi2S4", "S"),
     ("NaSbSe2", "other"), ("CsCl", "other")],
)  # fmt: skip
def test_class_of_a_formula(formula, name):
    probability = anion_class_probabilities(composition_vector(formula)[None] > 0)
    np.testing.assert_allclose(probability[0], [float(entry == name) for entry in ANION_CLASSES])


def test_probabilities_sum_to_one():
    presence = np.random.default_rng(0).uniform(0, 1, (50, 112))
    np.testing.assert_allclose(anion_class_probabilities(presence).sum(axis=1), 1.0)


def test_a_perfect_and_a_blind_reader():
    true = np.stack([composition_vector(f) for f in ("LiFePO4", "LiFeO2", "NaCoO2", "MgTi2S4")])
    perfect = anion_class_metrics(true, true > 0)
    assert perfect["accuracy"] == 1.0
    assert perfect["majority_accuracy"] == 0.5
    assert {name: entry["auc"] for name, entry in perfect["classes"].items()} == {
        "P": 1.0, "F": None, "S": 1.0, "O": 1.0, "other": None,
    }  # fmt: skip
    blind = anion_class_metrics(true, np.broadcast_to((true > 0).mean(axis=0), true.shape))
    assert blind["classes"]["O"]["auc"] == 0.5
