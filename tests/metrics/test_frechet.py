"""Frechet distance against the closed form, SciPy's matrix root and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from kadi_battgen.metrics.frechet import frechet_distance, frechet_feature_distance


def covariance(seed, size=6, rank=None):
    factor = np.random.default_rng(seed).normal(size=(size, rank or size))
    return factor @ factor.T


@pytest.mark.parametrize(
    ("mean", "variances", "other_mean", "other_variances", "distance"),
    [
        ([0, 0], [1, 1], [0, 0], [1, 1], 0),
        ([0, 0], [1, 1], [3, 4], [1, 1], 25),
        ([0, 0], [4, 9], [0, 0], [1, 1], (2 - 1) ** 2 + (3 - 1) ** 2),
        ([1, 2], [4, 0], [0, 0], [0, 25], 5 + 4 + 25),
    ],
)
def test_gaussians_whose_covariances_commute(mean, variances, other_mean, other_variances, distance):
    arguments = np.array(mean), np.diag(variances), np.array(other_mean), np.diag(other_variances)
    assert frechet_distance(*arguments) == pytest.approx(distance, abs=1e-9)


def test_any_covariances_are_as_with_the_matrix_root():
    first, second = covariance(0), covariance(1)
    expected = np.trace(first) + np.trace(second) - 2 * np.trace(sqrtm(first @ second)).real
    zero = np.zeros(6)
    assert frechet_distance(zero, first, zero, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(zero, second, zero, first) == pytest.approx(expected, rel=1e-9)


def test_a_rotation_of_both_changes_nothing_even_for_covariances_of_few_samples():
    first, second = covariance(0, rank=2), covariance(1, rank=3)
    rotation, _ = np.linalg.qr(covariance(2))
    zero = np.zeros(6)
    turned = frechet_distance(zero, rotation @ first @ rotation.T, zero, rotation @ second @ rotation.T)
    assert turned == pytest.approx(frechet_distance(zero, first, zero, second), rel=1e-9)
    assert frechet_distance(zero, first, zero, first) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("samples", [5, 400])
def test_features_are_as_with_torchmetrics(samples):
    """Also with fewer samples than features."""
    generator = np.random.default_rng(3)
    true, other = generator.normal(size=(samples, 8)), generator.normal(0.3, 1.5, size=(samples, 8))

    class Identity(nn.Module):
        num_features = 8

        def forward(self, x):
            return x[:, 0, 0]

    peer = FrechetInceptionDistance(feature=Identity(), normalize=True, input_img_size=(1, 1, 8)).set_dtype(
        torch.float64
    )
    peer.update(torch.from_numpy(true)[:, None, None], real=True)
    peer.update(torch.from_numpy(other)[:, None, None], real=False)
    expected = peer.compute().item()
    assert frechet_feature_distance(true, other) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_many_samples_of_known_gaussians_come_to_the_closed_form():
    generator = np.random.default_rng(0)
    true = generator.normal(size=(200_000, 3))
    other = generator.normal([1.0, 0.0, 0.0], [1.0, 2.0, 0.5], size=(200_000, 3))
    assert frechet_feature_distance(true, other) == pytest.approx(1.0 + 1.0 + 0.25, rel=0.02)


@pytest.mark.parametrize("shapes", [((1, 3), (5, 3)), ((5, 3), (5, 4)), ((5,), (5,))])
def test_sets_that_cannot_be_compared(shapes):
    with pytest.raises(ValueError, match="cannot be compared"):
        frechet_feature_distance(*(np.zeros(shape) for shape in shapes))
