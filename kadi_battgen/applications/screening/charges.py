"""What the charges of a formula allow: whether they balance, whether the ions may leave, and what is left when they have."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kadi_battgen.electrodes.building.oxidation import extractable_electrons
from kadi_battgen.electrodes.composition import amounts_from_vector, parse_formula, unknown_electronegativities
from kadi_battgen.electrodes.properties import WORKING_ION_CHARGES


def charged_formula(composition: np.ndarray, working_ion: str, extracted: float) -> str:
    """Return the formula over the same host with a share of the working ion gone; empty if nothing is left.

    Parameters
    ----------
    composition
        Atoms per formula unit of the discharged phase, (112,).
    working_ion
        Symbol of the ion.
    extracted
        Share that leaves, a fraction.
    """
    from pymatgen.core import Composition

    amounts = amounts_from_vector(composition)
    amounts[working_ion] = round(amounts[working_ion] * (1 - extracted), 4)
    left = {symbol: amount for symbol, amount in amounts.items() if amount > 0}
    with unknown_electronegativities():
        return str(Composition(left).formula.replace(" ", "")) if left else ""


def may_extract(formula: str, working_ion: str, ions: float) -> bool:
    """Return whether the redox metals of a formula can give the electrons for `ions` of the working ion to leave.

    Parameters
    ----------
    formula
        Formula of the discharged phase.
    working_ion
        Symbol of the ion.
    ions
        How many leave per formula.
    """
    electrons = extractable_electrons(parse_formula(formula), working_ion)
    return electrons is not None and electrons[1] >= ions * WORKING_ION_CHARGES[working_ion] - 1e-6


@lru_cache(maxsize=4096)
def is_charge_balanced(formula: str) -> bool:
    """Return whether the elements' common oxidation states can add up to zero (pymatgen's guess).

    Formulas of more than 60 atoms, for which the number of combinations explodes, and elements alone count as not
    balanced.
    """
    if not formula:
        return False
    amounts = parse_formula(formula)
    if len(amounts) < 2 or sum(amounts.values()) > 60:
        return False
    from pymatgen.core import Composition

    return bool(Composition(amounts).oxi_state_guesses())
