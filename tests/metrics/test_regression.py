"""Regression metrics and presence AUC against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, roc_auc_score

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.metrics.regression import (
    composition_metrics,
    element_table,
    presence_auc,
    regression_metrics,
    working_ion_table,
)


@pytest.fixture
def compositions():
    generator = np.random.default_rng(0)
    true = generator.integers(0, 4, size=(40, 112)) * (generator.random((40, 112)) < 0.3)
    true[:, ELEMENT_INDEX["Xe"]] = 0
    true[:, ELEMENT_INDEX["O"]] = 1 + true[:, ELEMENT_INDEX["O"]]
    true[:, ELEMENT_INDEX["Kr"]] = np.arange(40) < 2
    return true.astype(np.float32), (true + generator.normal(0, 0.8, true.shape)).astype(np.float32)


def test_errors_are_those_of_scikit_learn(compositions):
    true, predicted = compositions
    metrics = regression_metrics(true[:, 7], predicted[:, 7])
    assert metrics == {
        "mean_absolute_error": pytest.approx(mean_absolute_error(true[:, 7], predicted[:, 7])),
        "mean_squared_error": pytest.approx(mean_squared_error(true[:, 7], predicted[:, 7])),
        "r2": pytest.approx(r2_score(true[:, 7], predicted[:, 7])),
    }


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        ([1, 2, 3], [1, 2, 3], (0, 0, 1)),
        ([1, 2, 3], [2, 2, 2], (2 / 3, 2 / 3, 0)),
        ([1, 2, 3], [3, 2, 1], (4 / 3, 8 / 3, -3)),
        ([2, 2], [1, 3], (1, 1, None)),
    ],
)
def test_errors_of_examples(true, predicted, expected):
    metrics = regression_metrics(np.array(true), np.array(predicted))
    assert tuple(metrics.values()) == tuple(None if value is None else pytest.approx(value) for value in expected)


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=60))
def test_presence_auc_is_that_of_scikit_learn_ties_included(rows):
    present, score = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    area = presence_auc(present, score)
    if present.all() or not present.any():
        assert area is None
    else:
        assert area == pytest.approx(roc_auc_score(present, score))


@pytest.mark.parametrize(
    ("present", "score", "area"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], 1.0),
        ([0, 0, 1, 1], [0.4, 0.3, 0.2, 0.1], 0.0),
        ([0, 1], [0.5, 0.5], 0.5),
        ([1, 1], [0.1, 0.2], None),
    ],
)
def test_presence_auc_of_examples(present, score, area):
    assert presence_auc(np.array(present), np.array(score)) == area


def test_composition_metrics_by_element(compositions):
    true, predicted = compositions
    metrics = composition_metrics(true, predicted)
    assert metrics["overall"]["mean_absolute_error"] == pytest.approx(mean_absolute_error(true, predicted))
    # Always there, never there, and there twice: none of them has a presence to tell apart.
    assert not {"O", "Xe", "Kr"} & set(metrics["elements"])
    fe = metrics["elements"]["Fe"]
    column = ELEMENT_INDEX["Fe"]
    assert fe["samples"] == (true[:, column] > 0).sum()
    assert fe["presence_auc"] == pytest.approx(roc_auc_score(true[:, column] > 0, predicted[:, column]))
    assert fe["r2"] == pytest.approx(r2_score(true[:, column], predicted[:, column]), abs=1e-5)
    areas = [entry["presence_auc"] for entry in metrics["elements"].values()]
    assert metrics["mean_presence_auc"] == pytest.approx(np.mean(areas))
    assert "Kr" in composition_metrics(true, predicted, minimum_occurrences=2)["elements"]


def test_too_few_samples_for_any_element_give_no_mean():
    metrics = composition_metrics(np.ones((2, 112)), np.ones((2, 112)))
    assert metrics["elements"] == {}
    assert metrics["mean_presence_auc"] is None
    assert metrics["overall"]["r2"] is None


def test_the_table_of_the_working_ions_is_that_of_the_thesis(compositions):
    true, predicted = compositions
    ions = np.where(np.arange(len(true)) % 4 == 0, "Na", "Li")
    table = working_ion_table(true, predicted, ions, order=("Li", "Na", "Cs"))
    assert [row["working_ion"] for row in table] == ["Li", "Na", "Cs"]
    assert [row["samples"] for row in table] == [30, 10, 0]
    sodium, column = table[1], ELEMENT_INDEX["Na"]
    assert sodium["mean_absolute_error"] == pytest.approx(mean_absolute_error(true[:, column], predicted[:, column]))
    assert sodium["mean_squared_error"] == pytest.approx(mean_squared_error(true[:, column], predicted[:, column]))
    assert sodium["r2"] == pytest.approx(r2_score(true[:, column], predicted[:, column]), abs=1e-5)
    own = ions == "Na"
    assert sodium["own_mean_absolute_error"] == pytest.approx(np.abs(true - predicted)[own, column].mean())
    assert sodium["own_vector_mean_squared_error"] == pytest.approx(np.square(true - predicted)[own].mean(), rel=1e-5)
    assert table[2]["own_r2"] is table[2]["own_vector_mean_absolute_error"] is None


def test_the_table_of_the_elements_has_the_most_frequent_first(compositions):
    true, predicted = compositions
    table = element_table(true, predicted)
    figures = composition_metrics(true, predicted)["elements"]
    assert {row["element"]: row["samples"] for row in table} == {name: row["samples"] for name, row in figures.items()}
    counts = [row["samples"] for row in table]
    assert counts == sorted(counts, reverse=True)
