"""Class (b): ion-bearing transition-metal crystals of the database whose ion-removed host is still to be relaxed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType

from kadi_battgen.electrodes.building.candidates import Candidate, crystal, sites_to_empty
from kadi_battgen.electrodes.building.oqmd import OqmdEntry
from kadi_battgen.electrodes.building.oxidation import (
    ANIONS,
    ION_CHARGES,
    excluded_family,
    extractable_ions,
)

#: Anions a host must carry at least one of.
HOST_ANIONS = frozenset({"O", "F", "S", "Cl", "Se"})
#: Rare or noble metals come after the common ones when cells are of equal size.
RARE = {"Pd", "Pt", "Au", "Ag", "Rh", "Ir", "Os", "Re", "Ru"}

LARGEST_CELL = 20  # atoms
#: Larger cells are admitted for the ions with few crystals.
LARGEST_CELL_OF_ION = {"Mg": 28, "Zn": 28}
HIGHEST_ENERGY = 0.15  # eV/atom above the hull of the database


def formula_key(counts: dict[str, int]) -> str:
    """Reduced formula with the elements in alphabetical order, e.g. ``Co1-Li1-O2``."""
    from math import gcd

    divisor = 0
    for count in counts.values():
        divisor = gcd(divisor, count)
    return "-".join(f"{e}{n // divisor}" for e, n in sorted(counts.items()))


def host_candidates(
    entries: Iterable[OqmdEntry],
    *,
    largest_cell: int = LARGEST_CELL,
    largest_cell_of_ion: Mapping[str, int] = MappingProxyType(LARGEST_CELL_OF_ION),
    highest_energy: float = HIGHEST_ENERGY,
    anions: Set[str] = HOST_ANIONS,
    quota: dict[str, int] | None = None,
) -> list[Candidate]:
    """Select the crystals to be emptied, smallest cells and common metals first.

    Of several polymorphs of one formula only the lowest in energy is taken. Where emptying the crystal altogether would
    over-oxidise its metals, as many ions leave as the highest accepted oxidation states allow.

    Parameters
    ----------
    entries
        Database entries.
    largest_cell
        Most atoms in a cell.
    largest_cell_of_ion
        Most atoms in a cell for some of the ions, where more are admitted.
    highest_energy
        Largest energy above the hull of the database, eV/atom.
    anions
        A crystal must have at least one of these.
    quota
        Most candidates for each working ion; all where it is None.
    """
    limits = {ion: max(largest_cell, largest_cell_of_ion.get(ion, 0)) for ion in ION_CHARGES}
    best: dict[str, OqmdEntry] = {}
    for entry in entries:
        if len(entry.atoms) > max(limits.values()) or entry.stability > highest_energy:
            continue
        elements = set(entry.counts)
        if not elements & anions or not elements & set(ION_CHARGES) or excluded_family(entry.counts):
            continue
        formula = formula_key(entry.counts)
        if formula not in best or entry.energy / len(entry.atoms) < best[formula].energy / len(best[formula].atoms):
            best[formula] = entry

    def rank(entry: OqmdEntry) -> tuple[float, int]:
        rare = sum(e in RARE for e in entry.counts)
        many_anions = sum(e in ANIONS for e in entry.counts) - 1
        return len(entry.atoms) + 10.0 * rare + 4.0 * many_anions, entry.row

    taken = dict.fromkeys(ION_CHARGES, 0)
    candidates = []
    for entry in sorted(best.values(), key=rank):
        for ion in ION_CHARGES:
            if ion not in entry.counts or len(entry.atoms) > limits[ion]:
                continue
            if quota is not None and taken[ion] >= quota[ion]:
                continue
            number = extractable_ions(entry.counts, ion)
            if number < 1:
                continue
            taken[ion] += 1
            cell = crystal(entry.atoms)
            candidates.append(
                Candidate(
                    key=f"host-{entry.row}_{ion}",
                    kind="host",
                    working_ion=ion,
                    framework=f"{entry.prototype} (space group {entry.spacegroup})",
                    source_id=f"OQMD {entry.name}",
                    discharge=cell,
                    removed=sites_to_empty(cell, ion, number),
                )
            )
    return candidates
