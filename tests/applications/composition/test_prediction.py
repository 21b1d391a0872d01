"""Reading the compositions of a campaign, and writing them."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from kadi_battgen.applications.composition.model import CompositionModel
from kadi_battgen.applications.composition.prediction import WRITTEN_LEVEL, predict_composition, write_compositions
from kadi_battgen.applications.evaluation.composition import evaluate_composition, nearest_training_compositions
from kadi_battgen.datasets import TrainingDataset
from kadi_battgen.electrodes.composition import COMPOSITION_LENGTH
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.training.composition.regressor import train_composition
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.settings import CompositionSettings


@pytest.fixture(scope="module")
def model_folder(tiny_dataset, tmp_path_factory, one_thread):
    folder = tmp_path_factory.mktemp("model")
    settings = CompositionSettings.model_validate(
        {
            "input": "stack",
            "channels": (8, 8, 16),
            "dense": (16,),
            "dropout": 0.0,
            "loss": "presence-and-count",
            "orientations": 2,
            "working_ion": True,
            "properties": True,
            "recognition": 1.0,
            "memory": True,
            "loop": {"epochs": 30, "batch_size": 8, "learning_rate": 1e-2, "precision": "32-true"},
        }
    )
    train_composition(tiny_dataset, folder, settings, progress=False)
    return folder


@pytest.fixture(scope="module")
def predictions(model_folder, tiny_campaign):
    return predict_composition(model_folder, tiny_campaign, progress=False)


def test_every_electrode_is_read_from_all_its_stacks(predictions, tiny_electrodes):
    assert [entry.electrode.id for entry in predictions] == [electrode.id for electrode in tiny_electrodes.electrodes]
    for entry in predictions:
        assert entry.stacks == 2
        assert (
            entry.counts.shape == entry.presence.shape == entry.low.shape == entry.high.shape == (COMPOSITION_LENGTH,)
        )
        assert (entry.low <= entry.high).all()
        assert 0.0 <= entry.decoded.confidence <= 1.0


def test_the_table_holds_formula_confidence_and_intervals(predictions, tmp_path):
    write_compositions(tmp_path / "composition.csv", predictions)
    with open(tmp_path / "composition.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(predictions)
    for row, entry in zip(rows, predictions, strict=True):
        assert row["predicted_formula"] == entry.formula
        assert float(row["confidence_fraction"]) == pytest.approx(entry.decoded.confidence, abs=1e-4)
        assert row["charge_balanced"] == str(entry.decoded.oxidation_states is not None)
        assert row["working_ion_told"] == row["properties_told"] == "False"
        for column, values in (("atoms_per_formula", entry.counts), ("low_90_percent", entry.low)):
            assert float(row[f"O_{column}"]) == pytest.approx(values[7], abs=1e-4)
    assert WRITTEN_LEVEL == 0.9


def test_a_told_working_ion_is_in_every_formula(model_folder, tiny_campaign):
    for entry in predict_composition(model_folder, tiny_campaign, tell_working_ion=True, progress=False):
        assert entry.working_ion_told
        assert entry.decoded.confidence == 0.0 or entry.electrode.working_ion in entry.formula


def test_told_properties_change_what_is_read_and_are_scaled_as_in_training(model_folder, tiny_campaign, predictions):
    told = predict_composition(model_folder, tiny_campaign, tell_properties=True, progress=False)
    assert all(entry.properties_told and not entry.working_ion_told for entry in told)
    assert any((a.counts != b.counts).any() for a, b in zip(told, predictions, strict=True))
    model = CompositionModel(model_folder)
    cells = [entry.electrode for entry in told]
    scaled = (model.told(cells, properties=True)[:, :6] + 1) / 2
    scaling = model.card["normalisation"]["conditions"]
    low, high = np.array(scaling["minimum"]), np.array(scaling["maximum"])
    capacities = [cell.properties.gravimetric_capacity for cell in cells]
    np.testing.assert_allclose((low + scaled * (high - low))[:, 1], capacities, rtol=1e-4)


@pytest.mark.parametrize(
    ("tell", "words"),
    [("tell_working_ion", "trained without the working ion"), ("tell_properties", "without the functional properties")],
)
def test_a_model_says_what_it_cannot_be_told(trained_without_ion, tiny_campaign, tell, words):
    with pytest.raises(UserError, match=words):
        predict_composition(trained_without_ion, tiny_campaign, **{tell: True}, progress=False)


@pytest.fixture
def trained_without_ion(tiny_dataset, tmp_path, one_thread):
    settings = CompositionSettings.model_validate(
        {
            "input": "stack",
            "channels": (8,),
            "dense": (8,),
            "dropout": 0.0,
            "loss": "poisson",
            "loop": {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3},
        }
    )
    train_composition(tiny_dataset, tmp_path, settings, progress=False)
    return tmp_path


def test_an_evaluation_has_baselines_table_classes_intervals_and_worst_cases(model_folder, tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        part, training = ImageSamples(dataset, "training"), ImageSamples(dataset, "training")
        metrics, arrays = evaluate_composition(CompositionModel(model_folder), part, training, progress=False)
        electrodes = len(np.unique(part.column("electrode_index")))
    baselines = {"training_mean", "nearest_training_image", "nearest_training_image_pooled"}
    assert set(metrics) == baselines | {
        "regressor_per_stack",
        "regressor_pooled",
        "regressor_pooled_ion_told",
        "regressor_pooled_cell_told",
    }
    for measured in metrics.values():
        assert [row["working_ion"] for row in measured["working_ions"]] == list(WORKING_IONS)
        assert 0 <= measured["anion_class"]["accuracy"] <= 1
        assert measured["common_elements"]
    # A training stack's nearest training stack is itself.
    assert metrics["nearest_training_image"]["overall"]["mean_absolute_error"] == 0.0
    pooled = metrics["regressor_pooled"]
    error = np.abs(arrays["predicted"] - arrays["true"]).mean()
    assert pooled["overall"]["mean_absolute_error"] == pytest.approx(error, rel=1e-6)
    covered = (arrays["true"] >= arrays["low"]) & (arrays["true"] <= arrays["high"])
    assert pooled["calibration"]["overall"][2] == pytest.approx(covered.mean())
    assert set(pooled["formula"]) >= {"right_fraction", "mean_confidence_fraction"}
    errors = [row["absolute_error_atoms_per_formula"] for row in pooled["worst"]]
    assert errors == sorted(errors, reverse=True)
    assert len(pooled["calibration"]["overall"]) == 4
    assert sum(pooled["reliability"]["events"]) == electrodes * COMPOSITION_LENGTH
    interval = pooled["overall"]["intervals"]["mean_absolute_error"]
    assert interval["low"] <= interval["estimate"] == pooled["overall"]["mean_absolute_error"] <= interval["high"]
    assert all(row["intervals"]["mean_squared_error"]["level"] == 0.95 for row in pooled["working_ions"])
    for name in ("true", "predicted", "low", "high", "presence"):
        assert arrays[name].shape == (electrodes, COMPOSITION_LENGTH)


def test_the_nearest_image_is_found_whichever_way_the_scan_was_turned(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        training = ImageSamples(dataset, "training")
        turned = ImageSamples(dataset, "training")
        plain = turned.stacks
        turned.stacks = lambda positions: plain(positions).flip(-1).rot90(1, (-2, -1))
        found = nearest_training_compositions(turned, training)
        np.testing.assert_array_equal(found, training.column("composition"))
