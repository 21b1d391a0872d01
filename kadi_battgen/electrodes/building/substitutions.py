"""Class (d): crystals of the database in which another ion or metal of like size takes its place.

Compounds are often isostructural where their ions have the same charge and nearly the same radius; Hautier et al., Inorg.
Chem. 50, 656 (2011), use this to find new ones. Here at most one working ion and one redox metal of a real crystal are
exchanged, the cell is scaled with the radii, and both ends are relaxed as those of every other candidate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kadi_battgen.electrodes.building.candidates import Candidate, crystal, element_counts, sites_to_empty
from kadi_battgen.electrodes.building.hosts import HOST_ANIONS, RARE, formula_key
from kadi_battgen.electrodes.building.oqmd import OqmdEntry
from kadi_battgen.electrodes.building.oxidation import (
    ANIONS,
    FIXED_CATIONS,
    ION_CHARGES,
    excluded_family,
    extractable_ions,
)
from kadi_battgen.electrodes.building.prototypes import ANION_RADII, ION_RADII, METAL_RADII

LARGEST_CELL = 10  # atoms
#: Larger cells are admitted for the ions with few crystals.
LARGEST_CELL_OF_ION = {"Al": 14, "Li": 12, "Na": 12}
HIGHEST_ENERGY = 0.05  # eV/atom above the hull of the database, for the crystal that is changed
LARGEST_MISMATCH = 0.30  # Angstrom, between the radii of the ion that goes and the one that comes
#: A metal is exchanged for another of its group. Copper stays: its square and linear coordinations suit no other.
METAL_GROUPS = (("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"), ("Zr", "Hf"), ("Nb", "Mo", "Ta", "W"))
#: Shannon radii of further cations whose place a working ion of the same charge can take, Angstrom.
_FURTHER_RADII = {
    "Tl": 1.50, "Sr": 1.18, "Cd": 0.95, "Ga": 0.62, "In": 0.80, "Sc": 0.745, "La": 1.03, "Pr": 0.99, "Nd": 0.983, "Sm": 0.958,
    "Gd": 0.938, "Tb": 0.923, "Dy": 0.912, "Ho": 0.901, "Er": 0.89, "Tm": 0.88, "Lu": 0.861,
}  # fmt: skip
_ANION_RADII = {**ANION_RADII, "Br": 1.96, "I": 2.20, "Te": 2.21}
_CATION_RADII = {**ION_RADII, **METAL_RADII, **_FURTHER_RADII}


@dataclass(frozen=True)
class _Exchange:
    """One way to change a crystal, with the mismatch of the radii (Angstrom) that it brings."""

    entry: OqmdEntry
    working_ion: str
    replaced: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, int], ...]
    metal: str
    mismatch: float


def substitution_candidates(entries: Iterable[OqmdEntry], quota: dict[str, int]) -> list[Candidate]:
    """Select changed crystals that are not in the database themselves, up to `quota` for each working ion.

    Frameworks and metals take turns: the next candidate of an ion is the one whose framework and metal have been taken
    least often so far, then the one with the smallest cell, then with the smallest mismatch of radii.

    Parameters
    ----------
    entries
        Database entries.
    quota
        Most candidates for each working ion.
    """
    entries = list(entries)
    known = {formula_key(entry.counts) for entry in entries}
    pools: dict[str, dict[str, _Exchange]] = defaultdict(dict)
    for entry in sorted(entries, key=lambda e: (len(e.atoms), e.row)):
        if not _is_template(entry):
            continue
        for exchange in _exchanges(entry):
            formula = formula_key(dict(exchange.counts))
            pool = pools[exchange.working_ion]
            if formula not in known and (formula not in pool or exchange.mismatch < pool[formula].mismatch):
                pool[formula] = exchange
    return [
        _candidate(exchange)
        for ion in ION_CHARGES
        for exchange in _take_turns(list(pools[ion].values()), quota.get(ion, 0))
    ]


def _is_template(entry: OqmdEntry) -> bool:
    """Tell whether a crystal is small, stable, and an oxide, fluoride, sulfide, chloride or selenide of common metals."""
    return (
        len(entry.atoms) <= max(LARGEST_CELL, *LARGEST_CELL_OF_ION.values())
        and entry.stability <= HIGHEST_ENERGY
        and bool(HOST_ANIONS & set(entry.counts))
        and bool(set(METAL_RADII) & set(entry.counts))
        and not RARE & set(entry.counts)
        and excluded_family(entry.counts) is None
    )


def _exchanges(entry: OqmdEntry) -> Iterator[_Exchange]:
    """All exchanges of at most one ion and one metal that leave something to extract."""
    for ion, charge in ION_CHARGES.items():
        if len(entry.atoms) > LARGEST_CELL_OF_ION.get(ion, LARGEST_CELL):
            continue
        for old_ion in sorted(set(entry.counts) & set(_CATION_RADII) - set(METAL_RADII)):
            gap = abs(ION_RADII[ion] - _CATION_RADII[old_ion])
            if FIXED_CATIONS[old_ion] != charge or gap > LARGEST_MISMATCH or (ion != old_ion and ion in entry.counts):
                continue
            for old_metal, metal in _metal_exchanges(entry):
                replaced = tuple((a, b) for a, b in ((old_ion, ion), (old_metal, metal)) if a != b)
                names = dict(replaced)
                counts = {names.get(e, e): n for e, n in entry.counts.items()}
                if replaced and extractable_ions(counts, ion) >= 1:
                    mismatch = gap + 2.0 * abs(METAL_RADII[metal] - METAL_RADII[old_metal])
                    yield _Exchange(entry, ion, replaced, tuple(sorted(counts.items())), metal, round(mismatch, 3))


def _metal_exchanges(entry: OqmdEntry) -> Iterator[tuple[str, str]]:
    """Metals that go and come; a pair of the same metal leaves it in place."""
    for old in sorted(set(entry.counts) & set(METAL_RADII)):
        yield old, old
        for group in METAL_GROUPS:
            if old in group:
                yield from ((old, new) for new in group if new not in entry.counts)


def _take_turns(pool: list[_Exchange], number: int) -> list[_Exchange]:
    taken: list[_Exchange] = []
    frameworks: dict[str, int] = defaultdict(int)
    metals: dict[str, int] = defaultdict(int)
    left = sorted(pool, key=lambda x: (len(x.entry.atoms), x.mismatch, x.entry.row, x.replaced))
    while left and len(taken) < number:
        best = min(
            range(len(left)),
            key=lambda i: (
                frameworks[left[i].entry.prototype] + 0.25 * metals[left[i].metal],
                len(left[i].entry.atoms),
                left[i].mismatch,
                i,
            ),
        )
        exchange = left.pop(best)
        frameworks[exchange.entry.prototype] += 1
        metals[exchange.metal] += 1
        taken.append(exchange)
    return taken


def _candidate(exchange: _Exchange) -> Candidate:
    entry, names = exchange.entry, dict(exchange.replaced)
    cell = _changed(crystal(entry.atoms), names)
    what = " and ".join(f"{new} for {old}" for old, new in exchange.replaced)
    number = extractable_ions(element_counts(cell), exchange.working_ion)
    label = "-".join(old + new for old, new in exchange.replaced)
    return Candidate(
        key=f"substitution-{entry.row}-{label}_{exchange.working_ion}",
        kind="substitution",
        working_ion=exchange.working_ion,
        framework=f"{entry.prototype} (space group {entry.spacegroup})",
        source_id=f"OQMD {entry.name} with {what}",
        discharge=cell,
        removed=sites_to_empty(cell, exchange.working_ion, number),
    )


def _changed(description: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Exchange elements, and scale the cell by the mean change of the cation-anion distances."""
    anions = [_ANION_RADII[s] for s in description["species"] if s in ANIONS]
    anion = sum(anions) / len(anions)
    cations = [s for s in description["species"] if s not in ANIONS]
    ratios = [(_CATION_RADII[names[s]] + anion) / (_CATION_RADII[s] + anion) if s in names else 1.0 for s in cations]
    scale = sum(ratios) / len(ratios)
    return {
        "lattice": [[scale * x for x in row] for row in description["lattice"]],
        "species": [names.get(s, s) for s in description["species"]],
        "fractional_coordinates": description["fractional_coordinates"],
    }
