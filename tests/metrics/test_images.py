"""Image metrics against closed forms and against torchmetrics and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchmetrics.functional.image import structural_similarity_index_measure
from torchmetrics.image import PeakSignalNoiseRatio

from kadi_battgen.metrics.images import (
    channel_errors,
    class_accuracy,
    class_scores,
    image_metrics,
    sample_scores,
    score_intervals,
    structural_similarities,
)


@pytest.fixture
def images(one_thread):
    generator = np.random.default_rng(0)
    true = generator.random((3, 6, 32, 32)).astype(np.float32)
    return true, (0.7 * true + 0.3 * generator.random(true.shape)).astype(np.float32)


def test_a_perfect_prediction(images):
    true, _ = images
    metrics = image_metrics(true, true)
    assert metrics["type_map"].pop("class_accuracy") == 1.0
    for group in metrics.values():
        assert group == {"mean_absolute_error": 0.0, "psnr_db": pytest.approx(120.0), "ssim": pytest.approx(1.0)}


def test_class_accuracy_counts_pixels_on_atoms_only():
    true, predicted = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    true[0, 0, 0, 0], true[0, 2, 0, 1] = 1.0, 0.5  # a red and a blue pixel; the rest is background
    predicted[0, 0, 0] = 0.2  # both named red
    predicted[0, 1, 1] = 0.9  # green on the background does not count
    assert class_accuracy(true, predicted) == 0.5


def test_class_scores_of_an_example():
    true, predicted = np.zeros((1, 3, 2, 2)), np.zeros((1, 3, 2, 2))
    true[0, 0, 0, 0] = true[0, 0, 0, 1] = true[0, 2, 1, 0] = 1.0  # two red pixels, one blue; the rest is background
    predicted[0, 0, 0, 0] = predicted[0, 2, 0, 1] = predicted[0, 2, 1, 0] = 0.3  # one red is called blue
    scores = class_scores(true, predicted, ("red", "green", "blue"))
    assert scores["red"] == pytest.approx({"accuracy": 2 / 3, "recall": 0.5, "precision": 1.0, "share": 2 / 3})
    assert scores["blue"] == pytest.approx({"accuracy": 2 / 3, "recall": 1.0, "precision": 0.5, "share": 1 / 3})
    assert scores["green"] == {"accuracy": 1.0, "recall": None, "precision": None, "share": 0.0}


@pytest.mark.parametrize("shift", [0.1, 0.01, 0.5])
def test_a_constant_error(images, shift):
    true, _ = images
    for group in image_metrics(true, true + np.float32(shift)).values():
        assert group["mean_absolute_error"] == pytest.approx(shift, rel=1e-4)
        assert group["psnr_db"] == pytest.approx(-20 * np.log10(shift), abs=1e-3)


def test_psnr_is_that_of_torchmetrics(images):
    true, predicted = images
    for name, channels in (("grey", slice(0, 3)), ("type_map", slice(3, 6))):
        peak = PeakSignalNoiseRatio(data_range=1.0)
        expected = peak(torch.from_numpy(predicted[:, channels]), torch.from_numpy(true[:, channels]))
        assert image_metrics(true, predicted)[name]["psnr_db"] == pytest.approx(expected.item(), abs=1e-4)


def test_ssim_is_wang_s_formula(images):
    """Equation 13 of Wang et al. 2004 with a Gaussian window of 1.5 pixels, away from the borders."""
    true, predicted = (array.astype(np.float64) for array in images)

    def blur(image):
        return gaussian_filter(image, 1.5, radius=5)

    values = []
    for x, y in zip(true[:, :3].reshape(-1, 32, 32), predicted[:, :3].reshape(-1, 32, 32), strict=True):
        mean_x, mean_y = blur(x), blur(y)
        var_x, var_y, covariance = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2, blur(x * y) - mean_x * mean_y
        similarity = ((2 * mean_x * mean_y + 0.01**2) * (2 * covariance + 0.03**2)) / (
            (mean_x**2 + mean_y**2 + 0.01**2) * (var_x + var_y + 0.03**2)
        )
        values.append(similarity[5:-5, 5:-5].mean())
    assert image_metrics(*images)["grey"]["ssim"] == pytest.approx(np.mean(values), abs=1e-3)


def test_the_groups_do_not_mix(images):
    true, _ = images
    predicted = true.copy()
    predicted[:, 3:] += 0.1
    metrics = image_metrics(true, predicted)
    assert metrics["grey"]["mean_absolute_error"] == 0
    assert metrics["type_map"]["mean_absolute_error"] == pytest.approx(0.1, rel=1e-4)


def test_errors_by_channel():
    true, predicted = np.zeros((2, 6, 4, 4)), np.zeros((2, 6, 4, 4))
    predicted += np.arange(6)[:, None, None] / 10
    names = ("height_map", "vdw_spheres", "atomic_disks", "red", "green", "blue")
    errors = channel_errors(true, predicted, names)
    assert list(errors) == list(names)
    assert list(errors.values()) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_scores_of_samples_are_those_of_each_sample_alone(images):
    scores = sample_scores(*images)
    for index in range(3):
        alone = image_metrics(*(array[index : index + 1] for array in images))
        for group, entries in scores.items():
            for name, values in entries.items():
                assert values[index] == pytest.approx(alone[group][name], rel=1e-4), (group, name)


def test_intervals_of_scores_hold_the_mean_and_keep_crystals_together(images):
    scores = sample_scores(*images)
    intervals = score_intervals(scores, np.array([0, 0, 1]))
    for group, entries in scores.items():
        for name, values in entries.items():
            interval = intervals[group][name]
            assert interval.estimate == pytest.approx(values.mean())
            assert (interval.low, interval.high) == pytest.approx(sorted([values[:2].mean(), values[2]]))


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_similarities_do_not_depend_on_how_many_are_compared_at_a_time(batch_size):
    true, predicted = torch.rand((2, 5, 3, 24, 24), generator=torch.Generator().manual_seed(0))
    together = structural_similarity_index_measure(predicted, true, data_range=1.0, reduction="none")
    torch.testing.assert_close(structural_similarities(true, predicted, batch_size), together.double())
