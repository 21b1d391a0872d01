"""Samples as tensors, their symmetries and the scale of their latents."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from kadi_battgen.datasets import PARTS, TrainingDataset
from kadi_battgen.training import samples as samples_module
from kadi_battgen.training.latents import LatentScale
from kadi_battgen.training.samples import ImageSamples, square_symmetry
from kadi_battgen.training.translation.task import augmented
from kadi_battgen.training.translation.translator import typical_stretch


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("part", PARTS)
def test_samples_are_those_of_the_part(tiny_dataset, monkeypatch, part, in_memory):
    if not in_memory:
        monkeypatch.setattr(samples_module, "MEMORY_LIMIT", 0)
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples = ImageSamples(dataset, part)
        assert len(samples) == len(dataset.indices(part)) > 0
        positions = np.array([len(samples) - 1, 0])
        stacks, descriptors = samples.stacks(positions), samples.descriptors(positions)
        assert stacks.dtype == descriptors.dtype == torch.float32
        for row, position in enumerate(positions):
            index = dataset.indices(part)[position]
            np.testing.assert_array_equal(stacks[row], dataset.stack(index))
            np.testing.assert_array_equal(descriptors[row], dataset.descriptors(index))
        np.testing.assert_array_equal(samples.column("weight"), dataset.column("weight")[dataset.indices(part)])


def test_the_eight_symmetries_are_distinct_and_keep_the_pixels():
    image = torch.arange(2 * 9).reshape(2, 3, 3)
    images = [square_symmetry(image, operation) for operation in range(8)]
    assert len({tuple(turned.flatten().tolist()) for turned in images}) == 8
    torch.testing.assert_close(images[0], image)
    for turned in images:
        assert (turned[0].flatten().sort().values == image[0].flatten()).all()
        assert turned[0, 1, 1] == image[0, 1, 1]


def test_stack_and_descriptors_are_turned_together(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples, indices = ImageSamples(dataset, "training"), np.arange(3)
        stacks, truths = samples.stacks(indices), samples.descriptors(indices)
        seen = set()
        for seed in range(60):
            stack, truth = augmented(samples, indices, torch.Generator().manual_seed(seed), torch.device("cpu"))
            matching = [n for n in range(8) if torch.equal(stack, square_symmetry(stacks, n))]
            assert any(torch.equal(truth, square_symmetry(truths, n)) for n in matching)
            seen.update(matching[:1])
    assert seen == set(range(8))


def test_the_stretch_puts_the_typical_signal_where_the_curve_bends(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        samples = ImageSamples(dataset, "training")
        gain = typical_stretch(samples)
        values = samples.stacks(np.arange(len(samples))).abs()
        assert 1.0 < gain <= 1e4
        assert gain == pytest.approx(1 / values[values > 1e-5].median().item(), rel=1e-3)


class TestLatentScale:
    latents = torch.randn(20, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [1.0, 5.0, 0.1]
    ).reshape(3, 1, 1) + torch.tensor([0.0, -3.0, 2.0]).reshape(3, 1, 1)

    def test_normalised_latents_have_zero_mean_and_unit_variance(self):
        normal = LatentScale.fit(self.latents).normalise(self.latents)
        torch.testing.assert_close(normal.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(normal.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-5, rtol=0)

    def test_restore_undoes_normalise_even_after_json(self):
        scale = LatentScale.fit(self.latents)
        again = LatentScale.from_json(json.loads(json.dumps(scale.to_json())))
        torch.testing.assert_close(again.restore(scale.normalise(self.latents)), self.latents)

    def test_constant_latents_do_not_divide_by_zero(self):
        constant = torch.ones(4, 2, 3, 3)
        assert not LatentScale.fit(constant).normalise(constant).any()
