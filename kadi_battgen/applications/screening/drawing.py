"""Which of several drawn formulas a candidate gets: the one that by itself meets best what was asked."""

from __future__ import annotations

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.training.screening.formulas import SHARES, extractable_share, formula_capacities

_CAPACITY = list(FUNCTIONAL_PROPERTIES).index("gravimetric_capacity")
_ION_COLUMNS = np.array([ELEMENT_INDEX[ion] for ion in WORKING_IONS])


def best_draw(compositions: np.ndarray, ions: np.ndarray, shares: np.ndarray, asked: np.ndarray, asked_ion: int) -> int:
    """Return the position of the drawn formula that meets best what a formula alone can tell.

    That is, in this order: it holds the working ion; its redox metals can pay for the ions that leave; and the capacity that
    follows is nearest to the asked one, if one was asked. Voltage, volumes and energies do not follow from a formula and play
    no part, so that what the property model says of them later is not what the formula was chosen by. Among equals the first
    is taken.

    Parameters
    ----------
    compositions
        Drawn atoms per formula, whole numbers, (draws, 112).
    ions, shares
        Positions of each draw's working ion in ``WORKING_IONS`` and of its extracted share in ``EXTRACTED_SHARES``, (draws,).
    asked
        Wanted functional properties in their units, (6,), NaN where left open.
    asked_ion
        Position of the wanted ion; -1 for any.
    """
    own = ions if asked_ion < 0 else np.full_like(ions, asked_ion)
    held = compositions[np.arange(len(own)), _ION_COLUMNS[own]] > 0
    paid = np.array(
        [
            there and extractable_share(row, int(ion)) >= share
            for row, ion, share, there in zip(compositions, own, shares, held, strict=True)
        ]
    )
    miss = np.zeros(len(own))
    if not np.isnan(asked[_CAPACITY]):
        miss = np.abs(formula_capacities(compositions, own, SHARES[shares]) - asked[_CAPACITY])
    return int(np.lexsort((miss.round(6), ~paid, ~held))[0])
