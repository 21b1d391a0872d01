"""Class (a): complete charged/discharged pairs of the database, both with DFT energies.

Two crystals form a pair when they have the same host composition and, the working ion left out, the same framework
(pymatgen's StructureMatcher, volumes scaled). This is how insertion electrodes are found in the Materials Project (Zhou
et al., Phys. Rev. B 70, 235121 (2004) for the voltage).
"""

from __future__ import annotations

from collections import defaultdict
from math import gcd
from typing import Any

from kadi_battgen.electrodes.building.candidates import Candidate, crystal
from kadi_battgen.electrodes.building.oqmd import OqmdEntry, metal_energies
from kadi_battgen.electrodes.building.oxidation import ANIONS, ION_CHARGES, REDOX_RANGES, excluded_family


def host_formula(counts: dict[str, int], working_ion: str) -> tuple[tuple[str, int], ...] | None:
    """Reduced composition of the host without the working ion, or None where no redox metal or no anion is left."""
    host = {e: n for e, n in counts.items() if e != working_ion}
    if not set(host) & set(REDOX_RANGES) or not set(host) & set(ANIONS):
        return None
    divisor = gcd(*host.values())
    return tuple(sorted((e, n // divisor) for e, n in host.items()))


def host_units(counts: dict[str, int], working_ion: str) -> int:
    """Count the reduced host formula units of a cell."""
    return gcd(*(n for e, n in counts.items() if e != working_ion))


def _frameworks(entries: list[OqmdEntry], working_ion: str) -> list[list[OqmdEntry]]:
    """Group entries of one host composition by framework."""
    from pymatgen.analysis.structure_matcher import ElementComparator, StructureMatcher
    from pymatgen.io.ase import AseAtomsAdaptor

    matcher = StructureMatcher(
        primitive_cell=True, scale=True, comparator=ElementComparator(), ignored_species=[working_ion]
    )
    groups: list[tuple[Any, list[OqmdEntry]]] = []
    for entry in sorted(entries, key=lambda e: e.row):
        structure = AseAtomsAdaptor.get_structure(entry.atoms)
        for reference, members in groups:
            if matcher.fit(reference, structure):
                members.append(entry)
                break
        else:
            groups.append((structure, [entry]))
    return [members for _, members in groups]


def pair_candidates(entries: list[OqmdEntry], *, largest_cell: int = 60) -> list[Candidate]:
    """Find all pairs, one electrode for each framework and working ion.

    Of several crystals of one framework and composition the one lowest in energy is taken; the ends are the compositions
    with most and with least working ion.

    Parameters
    ----------
    entries
        Database entries, the elemental metals among them.
    largest_cell
        Most atoms in a cell.
    """
    metals = metal_energies(entries, list(ION_CHARGES))
    candidates = []
    for ion in metals:
        hosts: dict[tuple[tuple[str, int], ...], list[OqmdEntry]] = defaultdict(list)
        for entry in entries:
            formula = host_formula(entry.counts, ion)
            if formula is not None and len(entry.atoms) <= largest_cell and not excluded_family(entry.counts):
                hosts[formula].append(entry)
        for formula in sorted(hosts):
            if len({_ion_content(entry, ion) for entry in hosts[formula]}) < 2:
                continue
            for group in _frameworks(hosts[formula], ion):
                candidate = _electrode(group, ion, metals[ion])
                if candidate is not None:
                    candidates.append(candidate)
    return candidates


def _ion_content(entry: OqmdEntry, working_ion: str) -> float:
    """Working ions for each reduced host formula unit."""
    return round(entry.counts.get(working_ion, 0) / host_units(entry.counts, working_ion), 6)


def _electrode(group: list[OqmdEntry], working_ion: str, metal_energy: float) -> Candidate | None:
    """Take the ends of one framework and compute the average voltage, or None where all have one composition."""
    best: dict[float, OqmdEntry] = {}
    for entry in group:
        content = _ion_content(entry, working_ion)
        if content not in best or _host_energy(entry, working_ion) < _host_energy(best[content], working_ion):
            best[content] = entry
    low, high = min(best), max(best)
    if low == high:
        return None
    charge, discharge = best[low], best[high]
    transferred = (high - low) * ION_CHARGES[working_ion]
    energy = _host_energy(discharge, working_ion) - _host_energy(charge, working_ion) - (high - low) * metal_energy
    return Candidate(
        key=f"pair-{discharge.row}-{charge.row}_{working_ion}",
        kind="pair",
        working_ion=working_ion,
        framework=f"{discharge.prototype} (space group {discharge.spacegroup})",
        source_id=f"OQMD {discharge.name} and {charge.name}",
        discharge=crystal(discharge.atoms),
        charge=crystal(charge.atoms),
        dft_voltage=-energy / transferred,
        dft_energy=discharge.energy / len(discharge.atoms),
    )


def _host_energy(entry: OqmdEntry, working_ion: str) -> float:
    """DFT energy for each reduced host formula unit, eV."""
    return entry.energy / host_units(entry.counts, working_ion)
