import numpy as np
import pytest

from kadi_battgen.electrodes.building.candidates import ase_atoms, crystal, element_counts, without
from kadi_battgen.electrodes.building.checks import shortest_distance
from kadi_battgen.electrodes.building.hosts import formula_key
from kadi_battgen.electrodes.building.oqmd import read_entries
from kadi_battgen.electrodes.building.oxidation import FIXED_CATIONS, ION_CHARGES
from kadi_battgen.electrodes.building.prototypes import layered_o3
from kadi_battgen.electrodes.building.substitutions import LARGEST_MISMATCH, substitution_candidates
from kadi_battgen.electrodes.properties import WORKING_IONS

from .conftest import add

ALL = dict.fromkeys(WORKING_IONS, 100)


@pytest.fixture(scope="module")
def entries(small_database):
    return read_entries(small_database)


@pytest.fixture(scope="module")
def candidates(entries):
    return substitution_candidates(entries, ALL)


def test_ion_and_metal_of_a_crystal_are_exchanged(candidates):
    found = {candidate.source_id: candidate for candidate in candidates}
    changed = found["OQMD 4-4-LiCoO2 with Na for Li and Fe for Co"]
    assert changed.working_ion == "Na"
    assert changed.key == "substitution-4-LiNa-CoFe_Na"
    assert element_counts(changed.discharge) == {"Na": 1, "Fe": 1, "O": 2}
    assert element_counts(without(changed.discharge, changed.removed)) == {"Fe": 1, "O": 2}


def test_the_cell_grows_with_the_ions(entries, candidates):
    template = next(entry for entry in entries if entry.name == "4-4-LiCoO2")
    changed = next(c for c in candidates if c.source_id == "OQMD 4-4-LiCoO2 with Na for Li")
    scale = (ase_atoms(changed.discharge).get_volume() / template.atoms.get_volume()) ** (1 / 3)
    # Mean of the Na-O over the Li-O distance and of one, for cobalt stays.
    assert scale == pytest.approx(((1.02 + 1.38) / (0.76 + 1.38) + 1.0) / 2.0, abs=1e-6)
    assert np.allclose(changed.discharge["fractional_coordinates"], crystal(template.atoms)["fractional_coordinates"])


def test_what_the_database_has_is_not_made_again(entries, candidates):
    known = {formula_key(entry.counts) for entry in entries}
    assert not known & {formula_key(element_counts(candidate.discharge)) for candidate in candidates}


def test_crystals_above_the_hull_and_large_cells_are_no_templates(candidates):
    templates = {candidate.source_id.split(" ")[1] for candidate in candidates}
    # LiNiO2 of the small database is 0.4 eV/atom above the hull, LiFePO4 has 28 atoms.
    assert templates == {"4-4-LiCoO2", "6-6-AlFe2O4"}


def test_exchanged_ions_have_one_charge_and_like_radii(candidates):
    for candidate in candidates:
        exchanges = dict(pair.split(" for ") for pair in candidate.source_id.split(" with ")[1].split(" and "))
        replaced = exchanges.get(candidate.working_ion, candidate.working_ion)
        assert FIXED_CATIONS[replaced] == ION_CHARGES[candidate.working_ion]
        assert shortest_distance(candidate.discharge) > 1.5
    # Potassium (1.38) is too large for the place of lithium (0.76).
    assert LARGEST_MISMATCH < 1.38 - 0.76
    assert {candidate.working_ion for candidate in candidates} == {"Li", "Na", "Al"}


def test_copper_stays(tmp_path):
    import ase.db

    database = ase.db.connect(str(tmp_path / "copper.db"))
    add(database, layered_o3("Na", "Cu", "F"), -20.0, "1-1-NaCuF2")
    found = substitution_candidates(read_entries(tmp_path / "copper.db"), ALL)
    assert [candidate.source_id for candidate in found] == ["OQMD 1-1-NaCuF2 with Li for Na"]


def test_quota_is_kept_and_metals_take_turns(entries):
    few = substitution_candidates(entries, {"Li": 3})
    metals = ["".join(set(c.discharge["species"]) - {"Li", "O"}) for c in few]
    assert len(few) == len(set(metals)) == 3
