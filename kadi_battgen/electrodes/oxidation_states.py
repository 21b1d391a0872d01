"""Oxidation states of the elements in a composition, as far as the composition tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from kadi_battgen.electrodes.composition import unknown_electronegativities

#: Larger formulas have too many combinations of states to go through.
LARGEST_FORMULA = 60


def oxidation_states(amounts: Mapping[str, float]) -> dict[str, float] | None:
    """Return the most likely oxidation state of each element such that the charges balance.

    Parameters
    ----------
    amounts
        Whole numbers of atoms by element symbol.

    Returns
    -------
    dict or None
        State by element in e, averaged over the element's atoms (8/3 for the iron of Fe3O4); None where no combination of
        known states balances, or the formula holds a single element.

    Notes
    -----
    States and their frequencies in inorganic crystals are those of pymatgen, ``Composition.oxi_state_guesses``; rare
    states are tried where the common ones do not balance.
    """
    counts = {symbol: round(amount) for symbol, amount in amounts.items() if round(amount) > 0}
    return _states(tuple(sorted(counts.items())))


@lru_cache(maxsize=4096)
def _states(counts: tuple[tuple[str, int], ...]) -> dict[str, float] | None:
    from pymatgen.core import Composition, Element

    if len(counts) < 2:
        return None
    with unknown_electronegativities():
        composition, _ = Composition(dict(counts)).get_reduced_composition_and_factor()
    if composition.num_atoms > LARGEST_FORMULA:
        return None
    for rare in (False, True):
        for guess in composition.oxi_state_guesses(all_oxi_states=rare):
            # A balance in which a metal is an anion, nothing is charged or an element is missing is no assignment.
            if len(guess) < len(counts) or not any(guess.values()):
                continue
            if all(state >= 0 or not Element(symbol).is_metal for symbol, state in guess.items()):
                return {str(symbol): float(state) for symbol, state in guess.items()}
    return None


def formal_charges(species: Sequence[str]) -> np.ndarray:
    """Return the charge of each atom of a crystal by its oxidation state, in e, float64, shape (atoms,).

    All atoms are neutral where no oxidation states balance.
    """
    states = oxidation_states(Counter(species)) or {}
    return np.array([states.get(symbol, 0.0) for symbol in species])
