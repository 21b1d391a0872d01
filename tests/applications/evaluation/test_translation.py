"""What an evaluation says of the translators of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from kadi_battgen.applications.evaluation.translation import evaluate_translation, translation_metrics
from kadi_battgen.datasets import TrainingDataset
from kadi_battgen.errors import UserError
from kadi_battgen.metrics.images import image_metrics
from kadi_battgen.training.extractors import descriptor_extractors
from kadi_battgen.training.samples import ImageSamples

NETWORKS = ("translator", "same_network_l1", "unet_l1", "unet_pix2pix")
EXTRACTOR = "descriptor_features_v1"
SMALLEST = {
    "loop": {"epochs": 1, "batch_size": 8, "precision": "32-true"},
    **{"channels": [8, 8], "attention_levels": [False, False], "patch_size": 1, "adversarial_start": 0},
    **{"discriminator_channels": 4, "baseline_features": [4] * 6, "baseline_epochs": 1, "baselines": NETWORKS[1:]},
}


@pytest.fixture(scope="module")
def model(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    from kadi_battgen.training.settings import load_settings
    from kadi_battgen.training.translation.translator import train_translation

    folder = tmp_path_factory.mktemp("evaluated")
    (folder / "smallest.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(SMALLEST))))
    settings = load_settings("translation", "demo", folder / "smallest.yaml")
    train_translation(tiny_dataset, folder / "model", settings, progress=False)
    return folder / "model"


@pytest.fixture(scope="module")
def evaluated(model: Path, tiny_dataset: Path):
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples, training = ImageSamples(dataset, "test"), ImageSamples(dataset, "training")
        return evaluate_translation(model, samples, training, progress=False), len(samples), dataset.descriptor_scaling


def test_every_network_of_the_folder_and_the_mean_are_measured(evaluated):
    (metrics, _), _, scaling = evaluated
    assert list(metrics) == [*NETWORKS, "training_mean"]
    for values in metrics.values():
        for group in ("grey", "type_map"):
            expected = {"mean_absolute_error", "psnr_db", "ssim", f"fid_{EXTRACTOR}", f"kid_{EXTRACTOR}"}
            assert expected | {f"inception_score_{EXTRACTOR}", f"perceptual_{EXTRACTOR}"} <= set(values[group])
            for name, interval in values[group]["intervals"].items():
                assert interval["low"] <= interval["estimate"] <= interval["high"], name
        assert list(values["class_scores"]) == list(scaling.names[3:])
        assert list(values["channel_errors"]) == list(scaling.names)
    json.dumps(metrics, allow_nan=False)


def test_worst_cases_are_listed_with_the_worst_first(evaluated):
    (metrics, examples), count, _ = evaluated
    worst = metrics["translator"]["worst_cases"]
    assert len(worst) == min(10, count)
    errors = [np.mean([case[group]["mean_absolute_error"] for group in ("grey", "type_map")]) for case in worst]
    assert errors == sorted(errors, reverse=True)
    assert examples["titles"][2] == f"{worst[0]['formula']} (the worst)"
    assert len(examples["titles"]) == len(examples["stack"]) == len(examples["truth"])
    assert examples["baseline"].shape == examples["prediction"].shape == examples["truth"].shape


def test_a_perfect_translation_has_no_distance_to_the_truth():
    generator = np.random.default_rng(0)
    truth = generator.random((6, 6, 32, 32)).astype(np.float32)
    names = [f"channel_{number}" for number in range(6)]
    owners = np.repeat([0, 1, 2], 2)
    perfect = translation_metrics(truth, truth, names, owners, [descriptor_extractors()])
    for group in ("grey", "type_map"):
        assert perfect[group]["ssim"] == pytest.approx(1.0)
        assert perfect[group][f"perceptual_{EXTRACTOR}"] == pytest.approx(0.0, abs=1e-6)
        assert perfect[group][f"fid_{EXTRACTOR}"] == pytest.approx(0.0, abs=1e-3)
        assert perfect[group][f"kid_{EXTRACTOR}"] <= 0  # unbiased: the same images are closer than others of their kind
    assert all(score["accuracy"] == 1.0 for score in perfect["class_scores"].values())


def test_too_few_images_have_no_distribution():
    truth = np.random.default_rng(1).random((2, 6, 32, 32)).astype(np.float32)
    metrics = translation_metrics(truth, truth * 0.9, ["c"] * 6, np.array([0, 1]), [descriptor_extractors()])
    assert not [name for name in metrics["grey"] if name.startswith(("fid", "kid"))]
    assert metrics["grey"]["ssim"] == image_metrics(truth, truth * 0.9)["grey"]["ssim"]


def test_a_folder_without_translator_is_refused(tmp_path, tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples = ImageSamples(dataset, "test")
        with pytest.raises(UserError, match="holds no trained translation model"):
            evaluate_translation(tmp_path, samples, samples, progress=False)
