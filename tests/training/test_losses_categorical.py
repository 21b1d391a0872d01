"""Losses of the SEI autoencoder against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from kadi_battgen.training.losses import (
    categorical_cross_entropy,
    class_weights,
    gaussian_negative_log_likelihood,
    kl_between_normals,
    kl_to_standard_normal,
    share_divergence,
    uncertainty_weighted,
    unweighted_probabilities,
)


@pytest.mark.parametrize(
    ("counts", "exponent", "weights"),
    [
        ([90, 10], 0.0, [1, 1]),
        ([90, 10], 1.0, [1 / (2 * 0.9), 1 / (2 * 0.1)]),
        ([75, 25], 0.5, [0.75**-0.5 / (0.75**0.5 + 0.5), 2 / (0.75**0.5 + 0.5)]),
        ([80, 0, 20], 1.0, [1 / 1.6, 1, 1 / 0.4]),
    ],
)
def test_class_weights_have_a_mean_of_one_over_the_sites(counts, exponent, weights):
    found = class_weights(np.array(counts), exponent)
    np.testing.assert_allclose(found, weights)
    assert np.dot(found, counts) / np.sum(counts) == pytest.approx(1)


@pytest.mark.parametrize(("weights", "expected"), [(None, math.log(4)), ([1.0, 2.0, 0.5, 1.0], 1.125 * math.log(4))])
def test_cross_entropy_of_equal_logits(weights, expected):
    codes = torch.tensor([[[0, 1], [2, 3]]], dtype=torch.uint8)
    given = None if weights is None else torch.tensor(weights)
    assert categorical_cross_entropy(torch.zeros(1, 4, 2, 2), codes, given).item() == pytest.approx(expected)


def test_probabilities_come_back_from_a_decoder_that_weights_fooled():
    truth, weights = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.5, 1.5, 3.0])
    codes = torch.tensor([0] * 7 + [1] * 2 + [2]).reshape(1, 10, 1)
    logits = torch.zeros(1, 3, 1, 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = categorical_cross_entropy(logits.expand(1, 3, 10, 1), codes, weights)
        loss.backward()
        return loss

    optimizer.step(closure)
    biased = torch.softmax(logits.detach(), dim=1).flatten()
    torch.testing.assert_close(biased, truth * weights / (truth * weights).sum(), atol=1e-4, rtol=0)
    torch.testing.assert_close(unweighted_probabilities(logits.detach(), weights).flatten(), truth, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("shown", "true", "expected"),
    [
        (0.3, 0.3, 0.0),
        (0.5, 1.0, math.log(2)),
        (0.5, 0.0, math.log(2)),
        (0.2, 0.4, 0.4 * math.log(2) + 0.6 * math.log(0.75)),
    ],
)
def test_divergence_of_shares(shown, true, expected):
    found = share_divergence(torch.tensor(shown, dtype=torch.float64), torch.tensor(true, dtype=torch.float64))
    assert found.item() == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(("shown", "true"), [(0.0, 0.4), (1.0, 0.4), (1.0, 1.0), (0.0, 0.0)])
def test_divergence_of_shares_has_a_gradient_at_the_ends(shown, true):
    share = torch.tensor(shown, requires_grad=True)
    share_divergence(share, torch.tensor(true)).backward()
    assert torch.isfinite(share.grad)
    assert share.grad.sign() == np.sign(shown - true) or shown == true


def test_divergence_of_normals_is_torch_s():
    mean, deviation, centre, width = torch.randn(4, 5, 3), *(torch.rand(3, 5, 3) + 0.1)
    mean = mean[0]
    expected = kl_divergence(Normal(mean, deviation), Normal(centre, width)).mean()
    torch.testing.assert_close(kl_between_normals(mean, deviation, centre, width), expected)
    standard = kl_between_normals(mean, deviation, torch.zeros(5, 3), torch.ones(5, 3))
    torch.testing.assert_close(standard, kl_to_standard_normal(mean, deviation))


def test_likelihood_is_torch_s_but_for_a_constant_and_least_at_the_squared_error():
    mean, true, deviation = torch.randn(4, 6, 2), torch.randn(6, 2), torch.rand(4, 6, 2) + 0.3
    found = gaussian_negative_log_likelihood(mean, 2 * deviation.log(), true, beta=0)
    expected = -(Normal(mean, deviation).log_prob(true) + 0.5 * math.log(2 * math.pi)).mean(dim=(0, 1))
    torch.testing.assert_close(found, expected)
    errors = (true - mean).square().mean(dim=(0, 1))
    grid = torch.linspace(-4, 4, 401)
    losses = torch.stack([gaussian_negative_log_likelihood(mean, torch.full_like(mean, v), true, 0) for v in grid])
    torch.testing.assert_close(grid[losses.argmin(dim=0)], errors.log(), atol=0.011, rtol=0)


def test_full_beta_gives_the_mean_the_gradient_of_the_squared_error():
    mean = torch.randn(5, 2, requires_grad=True)
    true, log_variance = torch.randn(5, 2), torch.randn(5, 2)
    gaussian_negative_log_likelihood(mean, log_variance, true, beta=1).sum().backward()
    torch.testing.assert_close(mean.grad, (mean.detach() - true) / 5)


def test_learned_weights_are_least_at_the_losses_themselves():
    losses, log_variances = torch.tensor([0.5, 0.01]), torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_variances], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = uncertainty_weighted(losses, log_variances)
        value.backward()
        return value

    optimizer.step(closure)
    torch.testing.assert_close(log_variances.detach().exp(), losses, rtol=1e-3, atol=0)
