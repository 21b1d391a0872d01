"""Kernel distance against brute force and torchmetrics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.image.kid import KernelInceptionDistance

from kadi_battgen.metrics.kernel import kernel_feature_distance, kernel_subset_distance, polynomial_kernel


@pytest.fixture
def features():
    generator = np.random.default_rng(0)
    return generator.normal(size=(9, 4)), generator.normal(0.8, 1.2, size=(7, 4))


def brute_force(first, second):
    """Equation 3 of Gretton et al. 2012, pair by pair."""

    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    own, other = ([kernel(x, y) for x, y in itertools.permutations(s, 2)] for s in (first, second))
    return np.mean(own) + np.mean(other) - 2 * np.mean([kernel(x, y) for x in first for y in second])


def test_the_kernel():
    first, second = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(polynomial_kernel(first, second), [[(11 / 2 + 1) ** 3, 1.0]])
    np.testing.assert_allclose(polynomial_kernel(first, second, degree=2, gamma=2, offset=-1), [[21.0**2, 1.0]])


def test_value_and_jackknife_are_those_of_brute_force(features):
    first, second = features
    distance = kernel_feature_distance(first, second)
    assert distance.value == pytest.approx(brute_force(first, second), rel=1e-10)
    variance = 0.0
    for own in (0, 1):
        left_out = []
        for index in range(len(features[own])):
            sets = list(features)
            sets[own] = np.delete(sets[own], index, axis=0)
            left_out.append(brute_force(*sets))
        variance += (len(left_out) - 1) * np.var(left_out)
    assert distance.standard_error == pytest.approx(np.sqrt(variance), rel=1e-10)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_it_has_no_bias_and_an_honest_error(shift):
    """Over many small sets of one distribution the mean is zero; the jackknife's error is that of the repetitions."""
    generator = np.random.default_rng(1)
    runs = [
        kernel_feature_distance(generator.normal(size=(40, 3)), generator.normal(shift, 1, size=(40, 3)))
        for _ in range(300)
    ]
    values = np.array([run.value for run in runs])
    error = values.std() / np.sqrt(len(values))
    # E k(x, y) of the cubic kernel for Gaussians with means 0 and m: 1 + 3 |m|^2 ... in closed form below.
    expected = _expected(shift)
    assert values.mean() == pytest.approx(expected, abs=3.5 * error)
    assert np.median([run.standard_error for run in runs]) == pytest.approx(values.std(), rel=0.4)


def _expected(shift, size=3):
    """Squared discrepancy for N(0, 1) and N(shift, 1): the kernel's moments, with t = x.y / size."""
    squared = size * shift**2

    def moments(a, b, dot):
        # x ~ N(a, 1), y ~ N(b, 1), independent; |a|^2 = a, |b|^2 = b and a.b = dot.
        first = dot
        second = dot**2 + a + b + size
        third = dot**3 + 3 * dot * (a + b + size) + 6 * dot
        return 1 + 3 * first / size + 3 * second / size**2 + third / size**3

    return moments(0, 0, 0) + moments(squared, squared, squared) - 2 * moments(0, squared, 0)


def test_the_whole_set_as_the_only_subset_is_torchmetrics():
    generator = np.random.default_rng(2)
    first, second = generator.normal(size=(30, 6)), generator.normal(0.4, 1, size=(30, 6))

    class Identity(nn.Module):
        num_features = 6

        def forward(self, x):
            return x[:, 0, 0]

    peer = KernelInceptionDistance(feature=Identity(), subsets=3, subset_size=30, normalize=True).set_dtype(
        torch.float64
    )
    peer.update(torch.from_numpy(first)[:, None, None], real=True)
    peer.update(torch.from_numpy(second)[:, None, None], real=False)
    mean, _ = peer.compute()
    assert kernel_feature_distance(first, second).value == pytest.approx(mean.item(), rel=1e-5)
    assert kernel_subset_distance(first, second, subsets=3).value == pytest.approx(mean.item(), rel=1e-5)


def test_subsets_are_seeded_and_come_to_the_whole(features):
    generator = np.random.default_rng(4)
    first, second = generator.normal(size=(60, 4)), generator.normal(1.0, 1, size=(50, 4))
    runs = [kernel_subset_distance(first, second, subsets=200, subset_size=25, seed=seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    whole = kernel_feature_distance(first, second).value
    assert abs(runs[0].value - whole) < 4 * runs[0].standard_error


@pytest.mark.parametrize(
    "call",
    [
        lambda: kernel_feature_distance(np.zeros((2, 3)), np.zeros((9, 3))),
        lambda: kernel_subset_distance(np.zeros((9, 3)), np.zeros((9, 3)), subsets=1),
        lambda: kernel_subset_distance(np.zeros((9, 3)), np.zeros((9, 2))),
    ],
)
def test_too_little_is_refused(call):
    with pytest.raises(ValueError):
        call()
