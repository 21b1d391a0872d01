"""Which of several drawn formulas is taken."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.applications.screening.drawing import best_draw
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.electrodes.properties import WORKING_IONS

ALL, HALF = 11, 5


@pytest.mark.parametrize(
    ("formulas", "capacity", "ion", "best"),
    [
        # Nearest to the capacity: 273.8, 169.9 and 86.9 mAh/g.
        (["LiCoO2", "LiFePO4", "Li2Fe3P4O15"], 165.0, "Li", 1),
        (["LiCoO2", "LiFePO4"], 260.0, "Li", 0),
        # The ion comes before the capacity, and what the metals can pay for too.
        (["NaFePO4", "LiCoO2"], 160.0, "Li", 1),
        (["LiAlO2", "LiCoO2"], 400.0, "Li", 1),
        # Without a capacity the first that holds the ion and can be charged.
        (["CoO2", "LiAlO2", "LiFePO4", "LiCoO2"], None, "Li", 2),
        # Nothing fits: the first.
        (["CoO2", "FeO2"], 100.0, "Li", 0),
    ],
)
def test_the_best_draw(formulas, capacity, ion, best):
    compositions = np.stack([composition_vector(formula) for formula in formulas])
    asked = np.full(6, np.nan)
    asked[1] = np.nan if capacity is None else capacity
    ions = np.full(len(formulas), WORKING_IONS.index("Li"))
    found = best_draw(compositions, ions, np.full(len(formulas), ALL), asked, WORKING_IONS.index(ion))
    assert found == best


def test_the_extracted_share_counts():
    """LiCoO2 gives 137 mAh/g with half of its lithium."""
    compositions = np.stack([composition_vector("LiCoO2")] * 2)
    asked = np.array([np.nan, 140.0, *[np.nan] * 4])
    assert best_draw(compositions, np.zeros(2, dtype=int), np.array([ALL, HALF]), asked, 0) == 1


def test_with_any_ion_the_draw_s_own_counts():
    compositions = np.stack([composition_vector(formula) for formula in ("LiFePO4", "NaFePO4")])
    asked = np.array([np.nan, 154.0, *[np.nan] * 4])
    assert best_draw(compositions, np.array([0, 1]), np.array([ALL, ALL]), asked, -1) == 1
