"""Feature and style losses against hand-computed values."""

from __future__ import annotations

import pytest
import torch

from kadi_battgen.errors import UserError
from kadi_battgen.training.losses import DescriptorPerceptualLoss, feature_loss, gram_matrix, style_loss


def test_gram_matrix_of_an_example():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])  # two channels on a 1 x 2 image
    expected = torch.tensor([[[5.0, 1.0], [1.0, 10.0]]]) / (2 * 2)
    torch.testing.assert_close(gram_matrix(features), expected)


def test_style_forgets_where_and_feature_loss_does_not():
    features = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    moved = features.roll(1, dims=-1)
    assert style_loss([features], [moved]).item() == pytest.approx(0.0, abs=1e-10)
    assert feature_loss([features], [moved]).item() > 0.1


def test_values_over_two_layers():
    zeros, ones = (
        [torch.zeros(2, 2, 2, 2), torch.zeros(2, 4, 1, 1)],
        [torch.ones(2, 2, 2, 2), 2 * torch.ones(2, 4, 1, 1)],
    )
    assert feature_loss(ones, zeros).item() == pytest.approx((1 + 4) / 2)
    # Gram matrices: all entries 4 / 8 (2 x 2 of them) and 4 / 4 (4 x 4 of them).
    assert style_loss(ones, zeros).item() == pytest.approx((4 * 0.25 + 16 * 1.0) / 2)


class TestOnDescriptors:
    @pytest.fixture(scope="class")
    def images(self, one_thread):
        return torch.rand(2, 6, 64, 64, generator=torch.Generator().manual_seed(0))

    def test_it_is_zero_for_the_truth_and_grows_with_the_error(self, images):
        loss = DescriptorPerceptualLoss(feature_weight=1.0, style_weight=1.0)
        values = [loss((images + shift).clamp(0, 1), images).item() for shift in (0.0, 0.05, 0.3)]
        assert values[0] == 0
        assert values[0] < values[1] < values[2]

    def test_both_groups_get_a_gradient_and_the_networks_none(self, images):
        loss = DescriptorPerceptualLoss(style_weight=0.5).train()
        predicted = (0.9 * images).requires_grad_(True)
        loss(predicted, images).backward()
        assert predicted.grad[:, :3].abs().max() > 0
        assert predicted.grad[:, 3:].abs().max() > 0
        assert not any(p.requires_grad for p in loss.parameters())
        assert not any(module.training for module in loss.modules())

    def test_weights(self, images):
        predicted = 0.8 * images
        values = {
            w: DescriptorPerceptualLoss(*w)(predicted, images).item() for w in ((1.0, 0.0), (0.0, 1.0), (2.0, 3.0))
        }
        assert values[2.0, 3.0] == pytest.approx(2 * values[1.0, 0.0] + 3 * values[0.0, 1.0], rel=1e-5)
        with pytest.raises(UserError, match="negative"):
            DescriptorPerceptualLoss(feature_weight=-1.0)
