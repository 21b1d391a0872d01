"""Perceptual distance against hand-computed values and torchmetrics' formula."""

from __future__ import annotations

import pytest
import torch

from kadi_battgen.metrics.perceptual import perceptual_distance


def test_an_example():
    first = [torch.tensor([[3.0, 4.0]]).reshape(1, 2, 1, 1), torch.tensor([[1.0, 0.0]]).reshape(1, 2, 1, 1)]
    second = [torch.tensor([[0.0, 2.0]]).reshape(1, 2, 1, 1), torch.tensor([[0.0, 9.0]]).reshape(1, 2, 1, 1)]
    # Unit vectors (.6, .8) and (0, 1); (1, 0) and (0, 1).
    assert perceptual_distance(first, second).item() == pytest.approx(0.36 + 0.04 + 2.0)
    weights = [torch.tensor([1.0, 10.0]), torch.tensor([0.5, 0.0])]
    assert perceptual_distance(first, second, weights).item() == pytest.approx(0.36 + 0.4 + 0.5)


def test_it_is_a_mean_over_positions_for_each_pair_and_blind_to_contrast():
    maps = [torch.rand(3, 5, 8, 8, generator=torch.Generator().manual_seed(0)) + 0.1]
    assert perceptual_distance(maps, [2 * maps[0]]).tolist() == pytest.approx([0.0] * 3, abs=1e-6)
    other = [maps[0].clone()]
    other[0][1, :, 0, 0] = torch.tensor([1.0, 0, 0, 0, 0])
    distances = perceptual_distance(maps, other)
    unit = maps[0][1, :, 0, 0] / maps[0][1, :, 0, 0].norm()
    assert distances.tolist() == pytest.approx([0.0, (2 - 2 * unit[0].item()) / 64, 0.0], abs=1e-6)


def test_empty_activations_have_no_distance():
    zeros = [torch.zeros(1, 3, 2, 2)]
    assert perceptual_distance(zeros, zeros).item() == 0
