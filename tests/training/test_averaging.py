"""The moving average of weights against its closed form, and through the training loop's checkpoint."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kadi_battgen.errors import UserError
from kadi_battgen.training.averaging import WeightAverage
from kadi_battgen.training.checkpoints import load_training_state, save_training_state


def network(value=0.0):
    module = nn.Sequential(nn.Linear(2, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(module[0].weight, value)
    return module


def weight(average):
    return average.state_dict()["average/0.weight"][0, 0].item()


def test_a_constant_decay_is_the_geometric_sum():
    average = WeightAverage(network(1.0), 0.1)  # below the first steps' 2/11, so that it holds from the start
    for step in range(1, 6):
        average.update(network(float(step)))
    expected = 0.1**5 * 1.0 + sum(0.9 * 0.1 ** (5 - step) * step for step in range(1, 6))
    assert weight(average) == pytest.approx(expected, rel=1e-6)


def test_the_memory_is_short_at_first():
    average = WeightAverage(network(1.0), 0.999)
    average.update(network(0.0))
    assert weight(average) == pytest.approx(2 / 11)
    average.update(network(0.0))
    assert weight(average) == pytest.approx(2 / 11 * 3 / 12)


def test_unchanged_weights_stay_and_batch_counters_are_copied():
    module = network(0.7)
    average = WeightAverage(module, 0.9)
    module[1].num_batches_tracked += 5
    average.update(module)
    assert weight(average) == pytest.approx(0.7)
    assert average.state_dict()["average/1.num_batches_tracked"] == 5


def test_a_module_has_the_average_within_the_block_only():
    module, other = network(2.0), WeightAverage(network(1.0), 0.5)
    with other.applied_to(module):
        assert module[0].weight[0, 0] == 1.0
    assert module[0].weight[0, 0] == 2.0


def test_it_resumes_from_the_loop_s_checkpoint(tmp_path):
    values = [float(n) for n in torch.randn(20, generator=torch.Generator().manual_seed(0))]
    whole, first = WeightAverage(network(), 0.9), WeightAverage(network(), 0.9)
    for value in values:
        whole.update(network(value))
    for value in values[:8]:
        first.update(network(value))
    path = tmp_path / "checkpoint.safetensors"
    save_training_state(path, first.state_dict(), {})
    resumed = WeightAverage(network(5.0), 0.9)
    resumed.load_state_dict(load_training_state(path)[0])
    for value in values[8:]:
        resumed.update(network(value))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(UserError, match="out of range"):
        WeightAverage(network(), decay)
