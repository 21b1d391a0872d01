from collections import Counter

import numpy as np
import pytest

from kadi_battgen.electrodes.building import prototypes
from kadi_battgen.electrodes.building.candidates import ase_atoms, element_counts, without
from kadi_battgen.electrodes.building.checks import shortest_distance
from kadi_battgen.electrodes.properties import WORKING_IONS


@pytest.mark.parametrize(
    ("builder", "arguments", "counts"),
    [
        (prototypes.layered_o3, ("Li", "Co", "O"), {"Li": 1, "Co": 1, "O": 2}),
        (prototypes.layered_o1, ("Li", "Ti", "S"), {"Li": 1, "Ti": 1, "S": 2}),
        (prototypes.layered_p2, ("Na", "Co", "O"), {"Na": 2, "Co": 2, "O": 4}),
        (prototypes.half_filled_o1, ("Mg", "Ti", "S"), {"Mg": 1, "Ti": 2, "S": 4}),
        (prototypes.half_filled_o3, ("Ca", "Co", "O"), {"Ca": 1, "Co": 2, "O": 4}),
        (prototypes.third_filled_o1, ("Al", "Ti", "S"), {"Al": 1, "Ti": 3, "S": 6}),
        (prototypes.spinel, ("Mg", "Mn", "O"), {"Mg": 2, "Mn": 4, "O": 8}),
        (prototypes.perovskite, ("K", "Fe", "F"), {"K": 1, "Fe": 1, "F": 3}),
        (prototypes.alpha_v2o5, ("Ca", "V", "O"), {"Ca": 2, "V": 4, "O": 10}),
        (prototypes.olivine, ("Na", "Fe", "P"), {"Na": 4, "Fe": 4, "P": 4, "O": 16}),
        (prototypes.mixed_o3, ("Li", ("Ni", "Mn"), "O"), {"Li": 2, "Ni": 1, "Mn": 1, "O": 4}),
        (prototypes.two_thirds_filled_o1, ("Y", "Ti", "S"), {"Y": 2, "Ti": 3, "S": 6}),
        (prototypes.mixed_spinel, ("Mg", ("Ni", "Mn"), "O"), {"Mg": 2, "Ni": 2, "Mn": 2, "O": 8}),
        (prototypes.mixed_half_filled_o1, ("Ca", ("Ti", "V"), "S"), {"Ca": 1, "Ti": 1, "V": 1, "S": 4}),
        (prototypes.mixed_half_filled_o3, ("K", ("Co", "Mn"), "O"), {"K": 1, "Co": 1, "Mn": 1, "O": 4}),
        (prototypes.mixed_third_filled_o1, ("Al", ("Ti", "V"), "Se"), {"Al": 1, "Ti": 2, "V": 1, "Se": 6}),
    ],
)
def test_stoichiometry(builder, arguments, counts):
    assert Counter(builder(*arguments).symbols) == counts


def test_layered_oxide_has_octahedral_metal_at_the_sum_of_the_radii():
    atoms = prototypes.layered_o3("Li", "Co", "O") * (2, 2, 2)
    cobalt = next(i for i, s in enumerate(atoms.symbols) if s == "Co")
    oxygen = [i for i, s in enumerate(atoms.symbols) if s == "O"]
    distances = np.sort(atoms.get_distances(cobalt, oxygen, mic=True))
    assert distances[:6] == pytest.approx(np.full(6, 0.58 + 1.38), abs=1e-6)
    assert distances[6] > 3.0


@pytest.mark.parametrize("families", [prototypes.FAMILIES, prototypes.FURTHER_FAMILIES])
def test_every_candidate_is_sound(families):
    candidates = list(prototypes.prototype_candidates(families=families))
    assert len({candidate.key for candidate in candidates}) == len(candidates)
    for candidate in candidates:
        assert shortest_distance(candidate.discharge) > 1.5, candidate.key
        assert candidate.removed
        left = element_counts(without(candidate.discharge, candidate.removed))
        host = {e: n for e, n in element_counts(candidate.discharge).items() if e != candidate.working_ion}
        assert {e: n for e, n in left.items() if e != candidate.working_ion} == host, candidate.key
    ions = Counter(candidate.working_ion for candidate in candidates)
    assert set(ions) == set(WORKING_IONS)
    assert min(ions.values()) >= 20


def test_quota_is_kept():
    quota = dict.fromkeys(WORKING_IONS, 3)
    ions = Counter(candidate.working_ion for candidate in prototypes.prototype_candidates(quota))
    assert ions == quota


def test_crystal_survives_the_round_trip():
    atoms = prototypes.olivine("Li", "Fe", "P")
    again = ase_atoms(prototypes.crystal(atoms))
    assert again.get_volume() == pytest.approx(atoms.get_volume())
    assert list(again.symbols) == list(atoms.symbols)
