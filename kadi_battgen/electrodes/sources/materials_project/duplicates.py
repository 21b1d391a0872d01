"""Duplicates among the electrodes of the Materials Project.

Many electrodes discharge to one composition in several crystals. The thesis (section 4.2.1) filters them "to remove
duplicate entries in the battery composition", which leaves 3,167 of 4,351: one for each discharged composition, as the
3,173 distinct formulas of a later version show. Which one it keeps it does not say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from kadi_battgen.electrodes.composition import parse_formula
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.electrodes.sources.materials_project.convert import Candidate, refused_row
from kadi_battgen.electrodes.sources.materials_project.settings import DuplicateRule, KeptDuplicate

#: The rules in words, for metadata and reports.
RULES: dict[DuplicateRule, str] = {
    "none": "every electrode is kept",
    "discharge-formula": "one electrode is kept for each working ion and reduced discharged composition",
    "both-formulas": "one electrode is kept for each working ion and pair of reduced charged and discharged composition",
}

#: Which duplicate stays, in words.
KEPT: dict[KeptDuplicate, str] = {
    "most-stable": "the one whose discharged phase has the lowest energy above the convex hull stays, then the one whose "
    "charged phase has, then the one with the first id",
    "highest-voltage": "the one with the highest average voltage stays, then the one with the first id",
}


def without_duplicates(
    candidates: Sequence[Candidate], rule: DuplicateRule, kept: KeptDuplicate
) -> tuple[list[Electrode], list[RefusedRow]]:
    """Return the electrodes that stay, and a row for each that goes, both in the order of the candidates.

    Parameters
    ----------
    candidates
        Electrodes with distinct ids.
    rule
        What makes an electrode a duplicate of another, a key of :data:`RULES`.
    kept
        Which of several stays, a key of :data:`KEPT`. The order of the candidates plays no part.
    """
    best: dict[Any, Candidate] = {}
    keys = [_key(candidate.electrode, rule) for candidate in candidates]
    for key, candidate in zip(keys, candidates, strict=True):
        if key not in best or _RANKS[kept](candidate) < _RANKS[kept](best[key]):
            best[key] = candidate
    stay, refused = [], []
    for key, candidate in zip(keys, candidates, strict=True):
        electrode, other = candidate.electrode, best[key].electrode
        if electrode is other:
            stay.append(electrode)
        else:
            reason = (
                f"duplicate of {other.id} by the rule {rule}, {kept} kept: both discharge to {other.formula_discharge}"
            )
            refused.append(refused_row(electrode.id, "formula_discharge", reason, "duplicate composition"))
    return stay, refused


def _key(electrode: Electrode, rule: DuplicateRule) -> tuple[Any, ...]:
    if rule == "none":
        return (electrode.id,)
    discharged = (electrode.working_ion, _reduced(electrode.formula_discharge))
    return discharged if rule == "discharge-formula" else (*discharged, _reduced(electrode.formula_charge))


def _reduced(formula: str) -> tuple[tuple[str, float], ...]:
    """Return a composition scaled to a sum of one and sorted, the same however the formula is written."""
    amounts = parse_formula(formula)
    total = sum(amounts.values())
    return tuple(sorted((element, round(amount / total, 6)) for element, amount in amounts.items()))


def _stability_rank(candidate: Candidate) -> tuple[Any, ...]:
    energies = (candidate.stability_discharge, candidate.stability_charge)
    return (*(math.inf if energy is None else energy for energy in energies), *_id_rank(candidate))


def _voltage_rank(candidate: Candidate) -> tuple[Any, ...]:
    return (-candidate.electrode.properties.average_voltage, *_id_rank(candidate))


def _id_rank(candidate: Candidate) -> tuple[int, str]:
    # Shorter first: mp-999 was there before mp-1000.
    return len(candidate.electrode.id), candidate.electrode.id


_RANKS: dict[KeptDuplicate, Callable[[Candidate], tuple[Any, ...]]] = {
    "most-stable": _stability_rank,
    "highest-voltage": _voltage_rank,
}
