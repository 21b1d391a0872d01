"""Adversarial objectives, their penalty and their weights against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from kadi_battgen.networks.discriminators import BranchedPatchDiscriminator
from kadi_battgen.training.losses import (
    ADVERSARIAL_LOSSES,
    BinaryCrossEntropyLoss,
    LeastSquaresLoss,
    WassersteinLoss,
    adaptive_weight,
    adversarial_objective,
    delayed_weight,
    gradient_penalty,
)


def logits(*values):
    """Branches of different sizes that are constant."""
    return [torch.full((2, 1, 3 + n, 3), value) for n, value in enumerate(values)]


def softplus(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("objective", "generator", "discriminator"),
    [
        (BinaryCrossEntropyLoss(), (softplus(1) + softplus(-2)) / 2, None),
        (LeastSquaresLoss(), 0.5 * (4 + 1) / 2, 0.5 * ((4 + 0) / 2 + (1 + 4) / 2)),
        (LeastSquaresLoss(-1.0, 1.0, 0.0), 0.5 * (1 + 4) / 2, 0.5 * ((4 + 0) / 2 + (0 + 9) / 2)),
        (WassersteinLoss(), -0.5, 0.5 - 2.0),
    ],
)
def test_values(objective, generator, discriminator):
    real, fake = logits(3.0, 1.0), logits(-1.0, 2.0)
    if discriminator is None:
        discriminator = 0.5 * ((softplus(-3) + softplus(-1)) / 2 + (softplus(-1) + softplus(2)) / 2)
    assert objective.generator(fake).item() == pytest.approx(generator, rel=1e-6)
    assert objective.discriminator(real, fake).item() == pytest.approx(discriminator, rel=1e-6)


@pytest.mark.parametrize("kind", list(ADVERSARIAL_LOSSES))
def test_a_better_fake_pleases_the_generator_and_a_better_critic_the_discriminator(kind):
    objective = adversarial_objective(kind)
    assert objective.generator(logits(0.5)) < objective.generator(logits(-0.5))
    assert objective.discriminator(logits(0.5), logits(-0.5)) < objective.discriminator(logits(0.0), logits(0.0))


def test_least_squares_still_pulls_where_cross_entropy_saturates():
    """Section 3.2 of Mao et al.: a fake that is judged real, but far from what is wanted, keeps its gradient."""
    slopes = {}
    for kind in ("least-squares", "binary-cross-entropy"):
        judged = torch.tensor([[[[12.0]]]], requires_grad=True)
        adversarial_objective(kind).generator([judged]).backward()
        slopes[kind] = abs(judged.grad.item())
    assert slopes["least-squares"] == pytest.approx(11.0)
    assert slopes["binary-cross-entropy"] < 1e-5


class TestGradientPenalty:
    @pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
    def test_a_linear_critic_has_the_penalty_of_its_norm(self, norm):
        direction = torch.randn(6, 4, 4, generator=torch.Generator().manual_seed(0))
        direction = norm * direction / direction.norm()
        real, fake = torch.randn(3, 6, 4, 4), torch.randn(3, 6, 4, 4)
        penalty = gradient_penalty(lambda x: [(x * direction).sum(dim=(1, 2, 3))[:, None]], real, fake)
        assert penalty.item() == pytest.approx((norm - 1) ** 2, abs=1e-5)

    def test_points_lie_between_true_and_translated_images_and_are_seeded(self):
        real, fake = torch.ones(64, 1, 2, 2), -torch.ones(64, 1, 2, 2)
        points = []
        for _ in range(2):
            generator = torch.Generator().manual_seed(3)
            gradient_penalty(lambda x: (points.append(x.detach()), [x.square()])[1], real, fake, generator)
        assert torch.equal(points[0], points[1])
        assert points[0].abs().max() <= 1
        assert (points[0] - points[0][:, :, :1, :1]).abs().max() == 0  # one share for each image
        assert -0.3 < points[0].mean() < 0.3

    def test_descending_it_teaches_a_critic_a_slope_of_one(self):
        critic = nn.Linear(8, 1, bias=False)
        optimizer = torch.optim.SGD(critic.parameters(), lr=0.2)
        generator = torch.Generator().manual_seed(0)
        for _ in range(60):
            real, fake = torch.randn(4, 8, generator=generator), torch.randn(4, 8, generator=generator)
            optimizer.zero_grad()
            gradient_penalty(lambda x: [critic(x)], real, fake, generator).backward()
            optimizer.step()
        assert critic.weight.norm().item() == pytest.approx(1.0, abs=1e-3)

    def test_it_reaches_the_weights_of_the_patch_discriminator_and_weighs_ten(self, one_thread):
        torch.manual_seed(0)
        discriminator = BranchedPatchDiscriminator(slices=2, channels=8)
        stack, real, fake = torch.rand(2, 2, 32, 32), torch.rand(2, 6, 32, 32), torch.rand(2, 6, 32, 32)

        def critic(x):
            return discriminator(stack, x)

        once = gradient_penalty(critic, real, fake, torch.Generator().manual_seed(1))
        weighted = WassersteinLoss().penalty(critic, real, fake, torch.Generator().manual_seed(1))
        assert weighted.item() == pytest.approx(10 * once.item(), rel=1e-5)
        weighted.backward()
        first = next(p for name, p in discriminator.named_parameters() if name.endswith("weight"))
        assert first.grad.abs().max() > 0

    @pytest.mark.parametrize("kind", ["binary-cross-entropy", "least-squares"])
    def test_other_objectives_ask_for_no_slope(self, kind):
        assert adversarial_objective(kind).penalty(lambda x: [x], torch.ones(2, 6), torch.ones(2, 6)).item() == 0


@pytest.mark.parametrize(
    ("start", "ramp", "weights"),
    [(0, 0, [0.4] * 5), (2, 0, [0, 0, 0.4, 0.4, 0.4]), (1, 4, [0, 0.1, 0.2, 0.3, 0.4]), (9, 2, [0] * 5)],
)
def test_delayed_weight(start, ramp, weights):
    assert [delayed_weight(step, 0.4, start, ramp) for step in range(5)] == pytest.approx(weights)


class TestAdaptiveWeight:
    @pytest.mark.parametrize(
        ("pull", "push", "expected"), [(6.0, 2.0, 3.0), (0.0, 2.0, 0.0), (1.0, 0.0, 1e4), (5.0, 50.0, 0.1)]
    )
    def test_ratio_of_known_gradients(self, pull, push, expected):
        layer = torch.tensor([[0.3, -0.2], [0.5, 1.0]], requires_grad=True)
        toward = torch.tensor([[0.6, 0.0], [0.0, 0.8]])  # a unit vector: the gradients have the norms pull and push
        weight = adaptive_weight((pull * toward * layer).sum(), (-push * toward.T * layer).sum(), layer)
        assert weight.item() == pytest.approx(expected, rel=1e-5)
        assert not weight.requires_grad

    def test_both_losses_then_pull_alike_and_the_graph_is_still_there(self):
        torch.manual_seed(0)
        decoder = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        output = decoder(torch.randn(6, 4))
        reconstruction, adversarial = output.square().mean(), 0.01 * output.abs().sum()
        last = decoder[-1].weight
        weight = adaptive_weight(reconstruction, adversarial, last)
        pulls = [
            torch.autograd.grad(x, last, retain_graph=True)[0].norm() for x in (reconstruction, weight * adversarial)
        ]
        assert pulls[0].item() == pytest.approx(pulls[1].item(), rel=1e-3)
        (reconstruction + weight * adversarial).backward()
        assert decoder[0].weight.grad is not None
