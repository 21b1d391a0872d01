"""From predicted atom counts to a charge-balanced formula."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS, formula_from_vector
from kadi_battgen.electrodes.oxidation_states import oxidation_states

#: Formulas looked at, most probable first.
CANDIDATES = 80

#: Charge-balanced formulas among which the confidence is shared out.
BALANCED = 12

#: Elements that the formulas are made of: the most probable ones, and how probable they must be.
_ELEMENTS_CONSIDERED = 14
_LEAST_PRESENCE = 0.005

#: Smallest standard deviation of a count in atoms: two whole numbers are never equally far from a prediction.
_LEAST_SPREAD = 0.12


@dataclass(frozen=True)
class DecodedFormula:
    """A formula read from predicted counts.

    Attributes
    ----------
    formula
        Reduced formula; empty if no element is predicted.
    confidence
        Probability of this formula among the charge-balanced ones, by presence probabilities and counts, as a fraction. What
        was not looked at counts as balanced, so that a prediction that leaves much open has little confidence; 0 where
        none balances.
    oxidation_states
        State of each element in e; None where no charges balance.
    """

    formula: str
    confidence: float
    oxidation_states: dict[str, float] | None


def decode_formula(
    counts: np.ndarray, presence: np.ndarray, spread: np.ndarray | None = None, working_ion: str | None = None
) -> DecodedFormula:
    """Return the most probable charge-balanced formula of predicted counts.

    Each element is there with its presence probability, independently of the others, and then has a whole number of atoms
    that is normally distributed about the predicted count. Formulas are visited in falling probability, and those whose
    oxidation states balance are kept. Where none of the first :data:`CANDIDATES` balances, the nearest whole numbers are
    given, with no confidence.

    Parameters
    ----------
    counts
        Atoms per reduced formula of each element if it is there, (112,).
    presence
        Probability that each element is there, (112,).
    spread
        Standard deviation of the counts in atoms, (112,); by default a quarter of an atom and a tenth of the count.
    working_ion
        Element that is known to be there.
    """
    counts, presence = np.asarray(counts, dtype=np.float64), np.array(presence, dtype=np.float64)
    spread = 0.25 + 0.1 * counts if spread is None else np.asarray(spread, dtype=np.float64)
    if working_ion is not None:
        presence[ELEMENTS.index(working_ion)] = 1.0
    considered = np.argsort(-presence, kind="stable")[:_ELEMENTS_CONSIDERED]
    considered = considered[presence[considered] > _LEAST_PRESENCE]
    if len(considered) == 0:
        return DecodedFormula("", 0.0, None)
    options = [_options(counts[n], presence[n], max(spread[n], _LEAST_SPREAD)) for n in considered]
    balanced: dict[str, tuple[float, dict[str, float]]] = {}
    unseen = 1.0
    for _, (probability, chosen) in zip(range(CANDIDATES), _falling(options), strict=False):
        unseen -= probability
        amounts = {ELEMENTS[n]: float(atoms) for n, atoms in zip(considered, chosen, strict=True) if atoms}
        states = oxidation_states(amounts) if len(amounts) > 1 else None
        if states is None:
            continue
        vector = np.zeros(len(ELEMENTS))
        vector[considered] = chosen
        formula = formula_from_vector(vector)
        # Multiples of one formula are the same formula.
        balanced[formula] = (balanced.get(formula, (0.0, states))[0] + probability, states)
        if len(balanced) >= BALANCED:
            break
    if not balanced:
        return DecodedFormula(formula_from_vector(np.where(presence >= 0.5, np.maximum(counts, 0.5), 0.0)), 0.0, None)
    best = max(balanced, key=lambda formula: balanced[formula][0])
    total = sum(probability for probability, _ in balanced.values()) + max(unseen, 0.0)
    return DecodedFormula(best, float(balanced[best][0] / total), balanced[best][1])


def _options(count: float, presence: float, spread: float) -> list[tuple[float, int]]:
    """Return the logarithm of the probability of numbers of atoms of one element, most probable first."""
    atoms = np.arange(max(1, round(count) - 2), max(1, round(count)) + 3)
    likelihood = np.exp(-0.5 * ((atoms - count) / spread) ** 2) + 1e-12
    likelihood /= likelihood.sum()
    options = [(math.log(presence * share), int(n)) for n, share in zip(atoms, likelihood, strict=True)]
    if presence < 1.0:
        options.append((math.log1p(-presence), 0))
    return sorted(options, reverse=True)


def _falling(options: list[list[tuple[float, int]]]) -> Iterator[tuple[float, list[int]]]:
    """Yield all combinations of one option each with their probability, which falls."""
    first = (0,) * len(options)
    best = sum(option[0][0] for option in options)
    queue, seen = [(-best, first)], {first}
    while queue:
        negative, choice = heapq.heappop(queue)
        yield math.exp(-negative), [option[n][1] for option, n in zip(options, choice, strict=True)]
        for position, option in enumerate(options):
            following = choice[position] + 1
            if following < len(option):
                neighbour = (*choice[:position], following, *choice[position + 1 :])
                if neighbour not in seen:
                    seen.add(neighbour)
                    change = option[following][0] - option[choice[position]][0]
                    heapq.heappush(queue, (negative - change, neighbour))
