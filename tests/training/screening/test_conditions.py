"""Hiding conditions in training, so that any subset may be asked for."""

from __future__ import annotations

import numpy as np
import torch

from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.training.screening.conditions import hidden_conditions

COUNT = 4000
PROPERTIES = np.tile(np.linspace(0.1, 0.9, 6), (COUNT, 1))
IONS = np.full(COUNT, 3)
FULL = torch.from_numpy(condition_vectors(PROPERTIES, IONS))


def hide(dropout, seed=0):
    return hidden_conditions(PROPERTIES, IONS, dropout, torch.Generator().manual_seed(seed))


def test_nothing_is_hidden_without_dropout():
    torch.testing.assert_close(hide(0.0), FULL, rtol=0, atol=0)


def test_what_is_hidden_is_zero_and_what_is_not_is_unchanged():
    hidden = hide(0.15)
    for column in range(6):
        given = hidden[:, 6 + column] == 1
        torch.testing.assert_close(hidden[given, column], FULL[given, column], rtol=0, atol=0)
        assert not hidden[~given, column].any()
    with_ion = hidden[:, -1] == 1
    torch.testing.assert_close(hidden[with_ion, 12:], FULL[with_ion, 12:], rtol=0, atol=0)
    assert not hidden[~with_ion, 12:].any()


def test_all_kinds_of_questions_occur():
    hidden = hide(0.15)
    asked, ion = hidden[:, 6:12].sum(dim=1), hidden[:, -1]
    assert {int(n) for n in asked.unique()} == set(range(7))
    assert (asked + ion == 0).float().mean() > 0.03
    assert ((asked == 0) & (ion == 1)).float().mean() > 0.1
    assert ((asked == 6) & (ion == 1)).float().mean() > 0.05
    assert len(torch.unique(hidden[:, 6:12], dim=0)) == 64


def test_the_generator_decides():
    torch.testing.assert_close(hide(0.3, seed=5), hide(0.3, seed=5), rtol=0, atol=0)
    assert (hide(0.3, seed=5) != hide(0.3, seed=6)).any()
