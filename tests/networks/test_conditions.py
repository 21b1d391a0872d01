"""How conditions are read: each by itself, in fine steps, and absence as a token."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.networks.conditions import ConditionEmbedding

WIDTH = 8


@pytest.fixture
def embed():
    """Return what embeds scaled properties (None where not given) and an ion (-1 for none), as (7, width)."""
    torch.manual_seed(0)
    network = ConditionEmbedding(WIDTH)

    def run(properties, ion):
        row = np.array([[np.nan if value is None else value for value in properties]])
        return network(torch.from_numpy(condition_vectors(row, np.array([ion])))).detach().reshape(7, WIDTH), network

    return run


@pytest.mark.parametrize("column", range(6))
def test_each_property_has_its_own_part(embed, column):
    base, changed = [0.4] * 6, [0.4] * 6
    changed[column] = 0.5
    first, second = embed(base, 2)[0], embed(changed, 2)[0]
    assert ((first - second).abs().max(dim=1).values > 1e-3).tolist() == [n == column for n in range(7)]


@pytest.mark.parametrize("column", range(6))
def test_what_is_not_given_is_a_learned_token_and_no_value(embed, column):
    values = [0.4] * 6
    values[column] = None
    absent, network = embed(values, 2)
    torch.testing.assert_close(absent[column], torch.nn.functional.silu(network.absent[column]).detach())
    assert network.absent.requires_grad
    for value in (0.0, 0.5, 1.0):
        values[column] = value
        assert (embed(values, 2)[0][column] - absent[column]).abs().max() > 1e-2


def test_no_ion_is_a_token_besides_the_ten(embed):
    rows = [embed([0.4] * 6, ion)[0][6] for ion in range(-1, 10)]
    assert len({tuple(row.tolist()) for row in rows}) == 11


def test_small_capacities_are_told_apart(embed):
    """50 and 58 mAh/g on a scale of 19 to 548: without fine features they are almost the same number."""
    low, high = (embed([None, (capacity - 19) / 529, *[None] * 4], -1)[0][1] for capacity in (50, 58))
    far = embed([None, 1.0, *[None] * 4], -1)[0][1]
    assert (low - high).norm() > 0.1 * (low - far).norm()


def test_values_outside_the_training_range_stay_finite(embed):
    for value in (-0.5, 0.0, 1.5, 3.0):
        assert torch.isfinite(embed([value] * 6, 0)[0]).all()


def test_other_vectors_are_refused():
    with pytest.raises(ValueError, match="conditions of length 22 are not the 23"):
        ConditionEmbedding(WIDTH)(torch.zeros(1, 22))
