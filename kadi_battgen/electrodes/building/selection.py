"""Which candidates are computed, and in which order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from kadi_battgen.electrodes.building.candidates import Candidate, element_counts
from kadi_battgen.electrodes.building.hosts import HOST_ANIONS, RARE, formula_key, host_candidates
from kadi_battgen.electrodes.building.matching import pair_candidates
from kadi_battgen.electrodes.building.oqmd import OqmdEntry
from kadi_battgen.electrodes.building.prototypes import FURTHER_FAMILIES, prototype_candidates
from kadi_battgen.electrodes.building.substitutions import substitution_candidates

#: Candidates of the first selection for each working ion. The crystals come first; prototypes fill up where they are few.
HOST_QUOTA = {
    "Li": 150, "Na": 140, "K": 100, "Rb": 65, "Cs": 65, "Mg": 60, "Ca": 90, "Zn": 60, "Al": 60, "Y": 60,
}  # fmt: skip
PROTOTYPE_QUOTA = {
    "Li": 60, "Na": 50, "K": 25, "Rb": 15, "Cs": 15, "Mg": 48, "Ca": 30, "Zn": 48, "Al": 44, "Y": 44,
}  # fmt: skip
#: Changed crystals of the second selection for each working ion: most where the first gave fewest electrodes.
SUBSTITUTION_QUOTA = {
    "Li": 50, "Na": 50, "K": 45, "Rb": 50, "Cs": 45, "Mg": 60, "Ca": 60, "Zn": 60, "Al": 60, "Y": 60,
}  # fmt: skip
#: Prototypes of the further families in the second selection; the families take turns.
FURTHER_QUOTA = {
    "Li": 45, "Na": 45, "K": 50, "Rb": 60, "Cs": 55, "Mg": 70, "Ca": 70, "Zn": 70, "Al": 75, "Y": 75,
}  # fmt: skip
#: Largest share of the sites that the second selection empties: beyond it most hosts of the first one collapsed.
LARGEST_EMPTIED_SHARE = 0.3
#: In the second selection these anions alone make a host too.
HEAVY_ANIONS = frozenset({"Br", "I", "Te"})

_Identity = tuple[str, str]


def first_selection(entries: list[OqmdEntry]) -> list[Candidate]:
    """Pairs, then crystals and prototypes.

    Smallest cells come first and the working ions take turns, so that a build that is stopped early is balanced. A
    prototype whose composition an earlier candidate of the same ion has is left out.
    """
    others = [*host_candidates(entries, quota=HOST_QUOTA), *prototype_candidates(PROTOTYPE_QUOTA)]
    return _unique([*pair_candidates(entries), *_take_turns(_queues(others))])


def second_selection(entries: list[OqmdEntry], first: list[Candidate]) -> list[Candidate]:
    """Crystals of common metals beyond the quota of the first selection, more prototypes, and changed crystals.

    The order is that of the first selection. A crystal takes the place of a prototype of the same composition; a
    prototype or a changed crystal is left out where any earlier candidate of the same ion has its composition.

    Parameters
    ----------
    entries
        Database entries.
    first
        What `first_selection` chose.
    """
    crystals = {_identity(candidate) for candidate in first if candidate.kind != "prototype"}
    more_crystals = [
        candidate
        for candidate in host_candidates(entries, anions=HOST_ANIONS | HEAVY_ANIONS)
        if _identity(candidate) not in crystals and not RARE & set(candidate.discharge["species"])
    ]
    others = [
        *more_crystals,
        *prototype_candidates(),
        *_families_in_turn(prototype_candidates(families=FURTHER_FAMILIES), FURTHER_QUOTA),
        *substitution_candidates(entries, SUBSTITUTION_QUOTA),
    ]
    keys = {candidate.key for candidate in first}
    queues = _queues(
        candidate
        for candidate in others
        if candidate.key not in keys
        and len(candidate.removed) <= LARGEST_EMPTIED_SHARE * len(candidate.discharge["species"])
    )
    return _unique(_take_turns(queues), {_identity(candidate) for candidate in first})


def _families_in_turn(candidates: Iterable[Candidate], quota: dict[str, int]) -> Iterator[Candidate]:
    """Up to `quota` candidates of each ion, one of each framework after the other."""
    ranked: list[tuple[int, int, Candidate]] = []
    members: Counter[tuple[str, str]] = Counter()
    for position, candidate in enumerate(candidates):
        family = candidate.working_ion, candidate.framework
        ranked.append((members[family], position, candidate))
        members[family] += 1
    taken: Counter[str] = Counter()
    for _, _, candidate in sorted(ranked, key=lambda item: item[:2]):
        if taken[candidate.working_ion] < quota[candidate.working_ion]:
            taken[candidate.working_ion] += 1
            yield candidate


def _queues(candidates: Iterable[Candidate]) -> dict[str, list[Candidate]]:
    """One queue for each working ion, smallest cells first."""
    queues: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        queues[candidate.working_ion].append(candidate)
    for queue in queues.values():
        queue.sort(key=lambda candidate: len(candidate.discharge["species"]))
    return queues


def _take_turns(queues: dict[str, list[Candidate]]) -> Iterator[Candidate]:
    """Merge the queues so that each is spent evenly from first to last."""
    placed = []
    for ion, queue in queues.items():
        placed += [((i + 0.5) / len(queue), ion, candidate) for i, candidate in enumerate(queue)]
    for _, _, candidate in sorted(placed, key=lambda item: item[:2]):
        yield candidate


def _identity(candidate: Candidate) -> _Identity:
    return candidate.working_ion, formula_key(element_counts(candidate.discharge))


def _unique(candidates: Iterable[Candidate], seen: Iterable[_Identity] = ()) -> list[Candidate]:
    """Keep crystals and pairs, and of the others the first of each discharged composition and ion.

    Parameters
    ----------
    candidates
        Candidates in their order.
    seen
        Ions and compositions that earlier candidates have.
    """
    known = set(seen)
    kept = []
    for candidate in candidates:
        identity = _identity(candidate)
        if candidate.kind in ("prototype", "substitution") and identity in known:
            continue
        known.add(identity)
        kept.append(candidate)
    return kept
