"""Reconstruction and latent losses against closed forms, and the registries."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from kadi_battgen.errors import UserError
from kadi_battgen.metrics.images import image_metrics
from kadi_battgen.training.losses import (
    ADVERSARIAL_LOSSES,
    RECONSTRUCTION_LOSSES,
    BetaSchedule,
    adversarial_objective,
    binary_cross_entropy,
    class_cross_entropy,
    l1_and_l2_loss,
    l1_loss,
    l2_loss,
    reconstruction_objective,
    structure_loss,
)

TRUTH = torch.tensor([[0.0, 1.0, 0.25, 0.5]])
PREDICTED = torch.tensor([[0.5, 0.5, 0.75, 0.5]])


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (l1_loss, 1.5 / 4),
        (l2_loss, 0.75 / 4),
        (l1_and_l2_loss, 1.5 / 4 + 10 * 0.75 / 4),
        (binary_cross_entropy, (3 * math.log(2) - 0.25 * math.log(0.75) - 0.75 * math.log(0.25)) / 4),
    ],
)
def test_losses_of_an_example(loss, expected):
    assert loss(PREDICTED, TRUTH).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("truth", [0.0, 0.3, 1.0])
def test_cross_entropy_is_torch_s_inside_and_lowest_at_the_truth(truth):
    inside, target = torch.rand(5, 7, generator=torch.Generator().manual_seed(0)), torch.full((5, 7), truth)
    torch.testing.assert_close(binary_cross_entropy(inside, target), F.binary_cross_entropy(inside, target))
    values = [
        binary_cross_entropy(torch.tensor([x]), torch.tensor([truth])).item() for x in torch.linspace(0.02, 1, 50)
    ]
    assert abs(0.02 + 0.02 * values.index(min(values)) - truth) < 0.0201


@pytest.mark.parametrize(
    ("predicted", "truth", "sign"), [(-0.4, 0.0, 1), (1.4, 1.0, -1), (-0.4, 0.6, -1), (1.4, 0.6, 1)]
)
def test_cross_entropy_beyond_the_range_has_a_finite_value_and_the_tangent_s_gradient(predicted, truth, sign):
    x = torch.tensor([predicted], requires_grad=True)
    loss = binary_cross_entropy(x, torch.tensor([truth]), margin=1e-3)
    loss.backward()
    edge = 1e-3 if predicted < 0 else 1 - 1e-3
    slope = (edge - truth) / (edge * (1 - edge))
    assert torch.isfinite(loss)
    assert x.grad.item() == pytest.approx(slope, rel=1e-3)
    assert math.copysign(1, slope) == sign


@pytest.mark.parametrize("kind", list(RECONSTRUCTION_LOSSES))
def test_every_reconstruction_loss_takes_descriptors_and_is_lowest_for_the_truth(kind):
    loss = reconstruction_objective(kind)
    truth = torch.rand(2, 6, 4, 4, generator=torch.Generator().manual_seed(1))
    worse = (truth + 0.2).clamp(0.05, 0.95)
    assert loss(truth, truth) < loss(worse, truth)


def test_where_the_class_is_unknown_l1_names_none_and_l2_names_each_at_its_probability():
    red = torch.zeros(4, 3, 1, 1)
    red[0, 0] = 1.0  # an atom that is red in one of four cases
    unsure, silent = torch.zeros(4, 3, 1, 1), torch.zeros(4, 3, 1, 1)
    unsure[:, 0] = 0.25
    assert l2_loss(unsure, red) < l2_loss(silent, red)
    assert l1_loss(silent, red) < l1_loss(unsure, red)


def test_class_cross_entropy_weighs_pixels_by_their_brightness_and_leaves_out_the_background():
    logits = torch.log(torch.tensor([0.7, 0.2, 0.1]))[None, :, None, None].expand(1, 3, 1, 3)
    type_map = torch.zeros(1, 3, 1, 3)
    type_map[0, 0, 0, 0], type_map[0, 2, 0, 1] = 0.9, 0.3  # a bright red and a dim blue pixel, and the background
    expected = -(0.9 * math.log(0.7) + 0.3 * math.log(0.1)) / 1.2
    assert class_cross_entropy(logits, type_map).item() == pytest.approx(expected, rel=1e-5)
    assert class_cross_entropy(logits, torch.zeros(1, 3, 1, 3)).item() == 0.0


def test_structure_loss_is_the_metric_s_and_vanishes_for_the_truth():
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(2, 6, 24, 24, generator=generator)
    predicted = (0.7 * truth + 0.3 * torch.rand(2, 6, 24, 24, generator=generator)).requires_grad_(True)
    groups = image_metrics(truth.numpy(), predicted.detach().numpy())
    expected = 1 - 0.5 * (groups["grey"]["ssim"] + groups["type_map"]["ssim"])
    assert structure_loss(predicted, truth, stride=1).item() == pytest.approx(expected, abs=1e-5)
    loss = structure_loss(predicted, truth)
    assert loss.item() == pytest.approx(expected, rel=0.02)  # every second window
    loss.backward()
    assert predicted.grad.abs().sum() > 0
    assert structure_loss(truth, truth).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("choose", "registry", "what"),
    [
        (reconstruction_objective, RECONSTRUCTION_LOSSES, "Reconstruction loss 'ssd'"),
        (adversarial_objective, ADVERSARIAL_LOSSES, "Adversarial loss 'ssd'"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(choose, registry, what):
    with pytest.raises(UserError) as error:
        choose("ssd")
    assert str(error.value).startswith(what)
    assert all(name in str(error.value) for name in registry)


class TestBetaSchedule:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("constant", [2, 2, 2, 2, 2, 2, 2, 2]),
            ("linear", [0, 0.5, 1, 1.5, 2, 2, 2, 2]),
            ("cyclical", [0, 1, 2, 2, 0, 1, 2, 2]),
        ],
    )
    def test_values(self, kind, expected):
        schedule = BetaSchedule(2.0, kind, steps=8, cycles=2, rise=0.5)
        assert [schedule(step) for step in range(8)] == pytest.approx(expected)

    def test_a_rise_over_the_whole_cycle_ends_below_the_weight(self):
        assert BetaSchedule(1.0, "cyclical", steps=100, cycles=4, rise=1.0)(24) == pytest.approx(24 / 25)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"beta": 1.0, "kind": "square"}, "Schedule 'square'"),
            ({"beta": -1.0}, "out of range"),
            ({"beta": 1.0, "steps": 0}, "out of range"),
            ({"beta": 1.0, "rise": 0.0}, "out of range"),
            ({"beta": 1.0, "cycles": 0}, "out of range"),
        ],
    )
    def test_bad_fields(self, fields, message):
        with pytest.raises(UserError, match=message):
            BetaSchedule(**fields)
