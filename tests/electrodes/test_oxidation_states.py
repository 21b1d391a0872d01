"""Oxidation states from compositions, and formal charges of atoms."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.electrodes.oxidation_states import formal_charges, oxidation_states


@pytest.mark.parametrize(
    ("amounts", "states"),
    [
        ({"Li": 1, "Fe": 1, "P": 1, "O": 4}, {"Li": 1, "Fe": 2, "P": 5, "O": -2}),
        ({"Li": 4, "Co": 4, "O": 8}, {"Li": 1, "Co": 3, "O": -2}),
        ({"Fe": 3, "O": 4}, {"Fe": 8 / 3, "O": -2}),
        ({"Na": 3, "V": 2, "P": 2, "O": 8, "F": 3}, {"Na": 1, "V": 3, "P": 5, "O": -2, "F": -1}),
        ({"Mg": 1, "Ti": 2, "S": 4}, {"Mg": 2, "Ti": 3, "S": -2}),
        ({"Li": 1, "Fe": 2, "O": 4}, {"Li": 1, "Fe": 3.5, "O": -2}),
    ],
)
def test_states_of_examples(amounts, states):
    assert oxidation_states(amounts) == pytest.approx(states)


@pytest.mark.parametrize("amounts", [{"Li": 1}, {}, {"Na": 1, "K": 1}, {"Li": 200, "O": 101}])
def test_what_does_not_balance_has_no_states(amounts):
    assert oxidation_states(amounts) is None


def test_every_bundled_electrode_has_neutral_cells_and_nearly_all_have_charges(bundled):
    cells = [formal_charges(electrode.structure.species) for electrode in bundled.electrodes[::10]]
    np.testing.assert_allclose([charges.sum() for charges in cells], 0.0, atol=1e-9)
    assert np.mean([np.abs(charges).max() > 0 for charges in cells]) > 0.98
