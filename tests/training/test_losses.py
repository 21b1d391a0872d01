"""Losses against closed forms and torch's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from kadi_battgen.training.losses import (
    adversarial_loss,
    count_loss,
    element_weights,
    kl_to_standard_normal,
    presence_and_count_loss,
)


@pytest.mark.parametrize(
    ("mean", "deviation", "divergence"),
    [(0.0, 1.0, 0.0), (1.0, 1.0, 0.5), (0.0, 2.0, 1.5 - math.log(2)), (0.0, 0.5, math.log(2) - 0.375)],
)
def test_kl_of_examples(mean, deviation, divergence):
    shape = (2, 3, 4, 4)
    loss = kl_to_standard_normal(torch.full(shape, mean), torch.full(shape, deviation))
    assert loss.item() == pytest.approx(divergence, abs=1e-6)


def test_kl_is_torch_s_and_survives_a_deviation_of_zero():
    mean, deviation = torch.randn(2, 4, 3, 3), torch.rand(2, 4, 3, 3) + 0.1
    expected = kl_divergence(Normal(mean, deviation), Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(kl_to_standard_normal(mean, deviation), expected)
    assert torch.isfinite(kl_to_standard_normal(mean, torch.zeros_like(mean)))


@pytest.mark.parametrize(
    ("logit", "real", "loss"),
    [
        (0.0, True, math.log(2)),
        (0.0, False, math.log(2)),
        (3.0, True, math.log1p(math.exp(-3))),
        (3.0, False, math.log1p(math.exp(3))),
    ],
)
def test_adversarial_loss(logit, real, loss):
    assert adversarial_loss([torch.full((2, 1, 3, 3), logit)], real).item() == pytest.approx(loss, rel=1e-5)


def test_the_branches_of_the_discriminator_weigh_the_same():
    small, large = torch.full((1, 1, 2, 2), -1.0), torch.full((1, 1, 9, 9), 2.0)
    expected = (math.log1p(math.exp(1)) + math.log1p(math.exp(-2))) / 2
    assert adversarial_loss([small, large], real=True).item() == pytest.approx(expected, rel=1e-5)


class TestCountLoss:
    predicted = torch.tensor([[1.0, 2.0], [3.0, 0.5]])
    counts = torch.tensor([[1.0, 4.0], [0.0, 0.5]])

    def test_squared_error_is_weighted_by_sample(self):
        loss = count_loss(self.predicted, self.counts, "squared-error", torch.tensor([1.0, 3.0]))
        assert loss.item() == pytest.approx(((0 + 4) / 2 * 1 + (9 + 0) / 2 * 3) / 2)

    def test_poisson_is_torch_s(self):
        loss = count_loss(self.predicted, self.counts, "poisson", torch.ones(2))
        expected = F.poisson_nll_loss(self.predicted, self.counts, log_input=False)
        torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("kind", ["squared-error", "poisson"])
    def test_the_truth_minimises_it(self, kind):
        truth = torch.tensor([[2.0, 0.5, 7.0]], requires_grad=True)
        count_loss(truth, truth.detach(), kind, torch.ones(1)).backward()
        torch.testing.assert_close(truth.grad, torch.zeros(1, 3), atol=1e-5, rtol=0)

    def test_nothing_predicted_is_finite(self):
        assert torch.isfinite(count_loss(torch.zeros(1, 2), torch.ones(1, 2), "poisson", torch.ones(1)))


def test_presence_and_count_loss():
    presence, logarithm = torch.tensor([[0.0, 2.0]]), torch.tensor([[5.0, 1.0]])
    counts = torch.tensor([[0.0, 3.0]])
    # Element 1 is absent: only its presence counts, whatever its count head says.
    expected = math.log(2) + math.log1p(math.exp(-2)) + 10 * (1.0 - math.log(4)) ** 2
    assert presence_and_count_loss(presence, logarithm, counts).item() == pytest.approx(expected, rel=1e-5)
    sure = presence_and_count_loss(torch.tensor([[-50.0, 50.0]]), torch.tensor([[9.0, math.log(4)]]), counts)
    assert sure.item() == pytest.approx(0.0, abs=1e-6)


def test_presence_and_count_loss_weighs_samples_and_elements():
    presence, logarithm = torch.tensor([[0.0, 2.0], [1.0, -1.0]]), torch.tensor([[5.0, 1.0], [0.5, 0.0]])
    counts = torch.tensor([[0.0, 3.0], [1.0, 0.0]])
    rows = [presence_and_count_loss(presence[n : n + 1], logarithm[n : n + 1], counts[n : n + 1]) for n in range(2)]
    weighted = presence_and_count_loss(presence, logarithm, counts, weight=torch.tensor([1.0, 3.0]))
    assert weighted.item() == pytest.approx((rows[0] + 3 * rows[1]).item() / 2, rel=1e-5)
    first = presence_and_count_loss(presence, logarithm, counts, element_weight=torch.tensor([2.0, 0.0]))
    expected = 2 * (math.log(2) + math.log1p(math.exp(-1)) + 10 * (0.5 - math.log(2)) ** 2) / 2
    assert first.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("exponent", "weights"), [(0.0, (1.0, 1.0, 1.0)), (1.0, (0.4, 1.6, 1.0)), (0.5, (2 / 3, 4 / 3, 1.0))]
)
def test_element_weights_rise_with_rarity(exponent, weights):
    # In four samples the first element is there four times, the second once, the third never.
    counts = torch.tensor([[2.0, 0, 0], [1.0, 0, 0], [1.0, 3.0, 0], [1.0, 0, 0]])
    torch.testing.assert_close(element_weights(counts, exponent), torch.tensor(weights))
