"""Crystals for candidates: a known framework with the candidate's elements on its sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np

from kadi_battgen.applications.screening.candidates import Candidate
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.composition import amounts_from_vector, parse_formula
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.metrics.candidates import composition_distance

#: Frameworks of larger cells are not relaxed, atoms.
LARGEST_CELL = 60

#: Elements that a permutation of the sites is tried for; more would be too many orders.
_LARGEST_HOST = 6


@dataclass(frozen=True)
class Decoration:
    """A decorated framework.

    Attributes
    ----------
    crystal
        Discharged cell as the relaxations take it: lattice in Angstrom, species, fractional coordinates.
    working_ion
        Symbol of the ion.
    removed
        Sites that are empty when charged.
    template
        Known electrode whose framework it is.
    """

    crystal: dict[str, Any]
    working_ion: str
    removed: tuple[int, ...]
    template: Electrode


def decorate(candidate: Candidate, known: ElectrodeCollection) -> Decoration | None:
    """Return the candidate on the framework of the known electrode that differs least from it, None where none fits.

    A framework fits if its elements can be exchanged one to one for the candidate's at the same counts, the working ion taking
    the ion's place. Of several the one with the smallest distance in composition is taken, and of the ways to exchange the
    elements of equal counts the one with the nearest ionic radii. The cell is scaled with the covalent radii; the relaxation
    does the rest.

    Parameters
    ----------
    candidate
        A candidate that holds its working ion.
    known
        Electrodes with structures.
    """
    ion = candidate.working_ion
    assert ion is not None
    wanted = amounts_from_vector(candidate.composition)
    fitting = [
        electrode
        for electrode in known.electrodes
        if len(electrode.structure.species) <= LARGEST_CELL and _fits(electrode, wanted, ion)
    ]
    if not fitting:
        return None
    compositions = np.stack([electrode.composition for electrode in fitting])
    distances = composition_distance(compositions, candidate.composition)
    template = fitting[int(np.argmin(distances))]
    names = _exchange(template, wanted, ion)
    if names is None:
        return None
    crystal = _decorated(template, names)
    ions = crystal["species"].count(ion)
    leaving = round(ions * candidate.generated.extracted)
    if leaving < 1:
        return None
    from kadi_battgen.electrodes.building.candidates import sites_to_empty

    return Decoration(crystal, ion, sites_to_empty(crystal, ion, leaving), template)


def _shape(amounts: Mapping[str, float], ion: str) -> tuple[Fraction, tuple[Fraction, ...]]:
    """Return the share of the working ion and the sorted shares of all other elements."""
    total = Fraction(sum(amounts.values())).limit_denominator(1000)
    shares = {symbol: Fraction(n).limit_denominator(1000) / total for symbol, n in amounts.items()}
    return shares[ion], tuple(sorted(share for symbol, share in shares.items() if symbol != ion))


def _fits(electrode: Electrode, wanted: Mapping[str, float], ion: str) -> bool:
    amounts = parse_formula(electrode.formula_discharge)
    return len(amounts) == len(wanted) <= _LARGEST_HOST and _shape(amounts, electrode.working_ion) == _shape(
        wanted, ion
    )


def _exchange(template: Electrode, wanted: Mapping[str, float], ion: str) -> dict[str, str] | None:
    """Return the wanted element by each element of the framework, radii and electronegativities as near as can be."""
    from pymatgen.core import Element

    amounts = parse_formula(template.formula_discharge)
    scale = sum(wanted.values()) / sum(amounts.values())
    old = [symbol for symbol in amounts if symbol != template.working_ion]
    best: tuple[float, dict[str, str]] | None = None
    for new in permutations([symbol for symbol in wanted if symbol != ion]):
        pairs = list(zip(old, new, strict=True))
        if any(abs(amounts[a] * scale - wanted[b]) > 1e-6 for a, b in pairs):
            continue
        cost = sum(abs(Element(a).X - Element(b).X) + abs(_radius(a) - _radius(b)) for a, b in pairs)
        if best is None or cost < best[0]:
            best = cost, {template.working_ion: ion, **dict(pairs)}
    return None if best is None else best[1]


def _radius(symbol: str) -> float:
    """Return the covalent radius of an element in Angstrom (Cordero et al., Dalton Trans. 2008, 2832)."""
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    return float(CovalentRadius.radius.get(symbol, 1.5))


def _decorated(template: Electrode, names: Mapping[str, str]) -> dict[str, Any]:
    structure = template.structure
    species = [names[symbol] for symbol in structure.species]
    # Volumes go with the cube of the radii, summed over the atoms.
    before, after = (sum(_radius(symbol) ** 3 for symbol in kinds) for kinds in (structure.species, species))
    scale = (after / before) ** (1 / 3)
    return {
        "lattice": (scale * np.array(structure.lattice)).tolist(),
        "species": species,
        "fractional_coordinates": [list(row) for row in structure.fractional_coordinates],
    }
