"""Sets of orientations that are drawn together."""

from __future__ import annotations

import numpy as np
import torch

from kadi_battgen.training.composition.orientation_sets import OrientationSets, electrode_positions

OWNERS = np.array([4, 4, 4, 1, 1, 7, 4])


def test_single_stacks_are_themselves():
    sets = OrientationSets(OWNERS, 1)
    assert len(sets) == len(OWNERS)
    np.testing.assert_array_equal(sets.first, np.arange(7))
    np.testing.assert_array_equal(sets.draw(np.array([5, 2]), torch.Generator()), [[5], [2]])


def test_a_set_shows_one_electrode_and_repeats_only_what_is_too_few():
    sets = OrientationSets(OWNERS, 3)
    np.testing.assert_array_equal(OWNERS[sets.first], [1, 4, 7])
    generator = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(20):
        drawn = sets.draw(np.arange(3), generator)
        np.testing.assert_array_equal(OWNERS[drawn], [[1] * 3, [4] * 3, [7] * 3])
        assert set(drawn[0]) == {3, 4}
        assert len(set(drawn[1])) == 3
        seen |= set(drawn[1].tolist())
    assert seen == {0, 1, 2, 6}


def test_positions_by_electrode():
    groups = electrode_positions(OWNERS)
    assert [group.tolist() for group in groups] == [[3, 4], [0, 1, 2, 6], [5]]
    assert [group.tolist() for group in electrode_positions(OWNERS, most=2)] == [[3, 4], [0, 1], [5]]
