"""The order in which candidates are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kadi_battgen.applications.screening.candidates import Candidate


def rank_candidates(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates best first, with their ranks.

    The order is one a user can explain: candidates that hold the working ion come first; among them those whose charges
    balance at both ends; then the smaller expected miss of the target; then the smaller distance to a known electrode, which
    is the better supported one. Repetitions of a formula come after all others of their group.
    """
    ordered = sorted(
        candidates,
        key=lambda c: (not c.working_ion_present, not c.charge_balanced, c.target_miss, c.distance, c.position),
    )
    seen: set[str] = set()
    repeated = []
    for candidate in ordered:
        repeated.append(candidate.formula in seen)
        seen.add(candidate.formula)
    pairs = sorted(
        zip(ordered, repeated, strict=True),
        key=lambda p: (not p[0].working_ion_present, not p[0].charge_balanced, p[1]),
    )
    rank_of: dict[str, int] = {}
    ranked = []
    for rank, (candidate, repeats) in enumerate(pairs, start=1):
        ranked.append(replace(candidate, rank=rank, repeats_rank=rank_of.get(candidate.formula) if repeats else None))
        rank_of.setdefault(candidate.formula, rank)
    return ranked
