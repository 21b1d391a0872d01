import numpy as np

from kadi_battgen.electrodes.building.candidates import ase_atoms, element_counts, sites_to_empty, without
from kadi_battgen.electrodes.building.hosts import host_candidates
from kadi_battgen.electrodes.building.oqmd import read_entries
from kadi_battgen.electrodes.building.prototypes import layered_o1
from kadi_battgen.electrodes.properties import WORKING_IONS


def test_lowest_polymorph_is_taken_and_high_energy_crystals_are_left_out(small_database):
    candidates = host_candidates(read_entries(small_database), largest_cell=30)
    assert [(c.source_id, c.working_ion) for c in candidates] == [
        ("OQMD 4-4-LiCoO2", "Li"),
        ("OQMD 6-6-AlFe2O4", "Al"),
        ("OQMD 2-2-LiFePO4", "Li"),
    ]
    assert element_counts(without(candidates[0].discharge, candidates[0].removed)) == {"Co": 1, "O": 2}


def test_quota_limits_each_ion(small_database):
    candidates = host_candidates(read_entries(small_database), quota=dict.fromkeys(WORKING_IONS, 1))
    assert [c.working_ion for c in candidates] == ["Li", "Al"]


def test_partial_removal_keeps_the_remaining_ions_apart():
    from ase.build import make_supercell

    from kadi_battgen.electrodes.building.candidates import crystal

    cell = crystal(make_supercell(layered_o1("Li", "Ti", "S"), [[2, 0, 0], [0, 2, 0], [0, 0, 2]]))
    removed = sites_to_empty(cell, "Li", 6)
    left = ase_atoms(without(cell, removed))
    ions = [i for i, s in enumerate(left.symbols) if s == "Li"]
    assert len(ions) == 2
    every = [i for i, s in enumerate(cell["species"]) if s == "Li"]
    full = ase_atoms(cell)
    farthest = max(full.get_distance(i, j, mic=True) for i in every for j in every if i != j)
    assert np.isclose(left.get_distance(*ions, mic=True), farthest)


def test_larger_cells_are_admitted_for_single_ions(small_database):
    entries = read_entries(small_database)
    few = host_candidates(entries, largest_cell=4, largest_cell_of_ion={"Al": 14})
    assert [c.source_id for c in few] == ["OQMD 4-4-LiCoO2", "OQMD 6-6-AlFe2O4"]
