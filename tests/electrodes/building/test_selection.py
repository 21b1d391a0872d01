import pytest

from kadi_battgen.electrodes.building import selection
from kadi_battgen.electrodes.building.candidates import Candidate
from kadi_battgen.electrodes.building.hosts import RARE
from kadi_battgen.electrodes.building.oqmd import read_entries
from kadi_battgen.electrodes.properties import WORKING_IONS


@pytest.fixture(scope="module")
def entries(small_database):
    return read_entries(small_database)


@pytest.fixture(scope="module")
def first(entries):
    return selection.first_selection(entries)


@pytest.fixture(scope="module")
def second(entries, first):
    return selection.second_selection(entries, first)


def dummies(**numbers):
    """Candidates of one atom, `numbers` of each ion."""
    return {
        ion: [Candidate(f"{ion}{i}", "host", ion, "", "", {"species": [ion]}) for i in range(count)]
        for ion, count in numbers.items()
    }


def test_ions_take_turns():
    queues = dummies(Li=4, Na=2)
    assert [c.key for c in selection._take_turns(queues)] == ["Li0", "Na0", "Li1", "Li2", "Na1", "Li3"]


def test_crystals_come_before_prototypes_of_the_same_composition(first):
    keys = [candidate.key for candidate in first]
    assert len(set(keys)) == len(keys)
    assert first[0].kind == "pair"
    assert "host-4_Li" in keys
    assert "prototype-layered_o3-Li-Co-O_Li" not in keys
    assert "prototype-layered_o3-Na-Co-O_Na" in keys


def test_the_second_selection_repeats_nothing(first, second):
    assert not {candidate.key for candidate in first} & {candidate.key for candidate in second}
    earlier = {selection._identity(candidate) for candidate in first}
    identities = [selection._identity(candidate) for candidate in second if candidate.kind != "host"]
    assert len(set(identities)) == len(identities)
    assert not set(identities) & earlier


def test_the_second_selection_holds_what_the_first_left_out(second):
    assert {candidate.kind for candidate in second} <= {"prototype", "substitution"}
    assert {candidate.working_ion for candidate in second} == set(WORKING_IONS)
    assert all(candidate.removed for candidate in second)
    for candidate in second:
        species = candidate.discharge["species"]
        assert len(candidate.removed) <= selection.LARGEST_EMPTIED_SHARE * len(species), candidate.key
        assert not RARE & set(species)


def test_a_crystal_is_tried_although_a_prototype_of_its_composition_was(entries):
    earlier = [
        candidate
        for candidate in selection.prototype_candidates()
        if candidate.key == "prototype-layered_o3-Li-Co-O_Li"
    ]
    keys = {candidate.key for candidate in selection.second_selection(entries, earlier)}
    assert "host-4_Li" in keys


def test_frameworks_take_turns_up_to_the_quota():
    candidates = [
        Candidate(f"{framework}{i}", "prototype", "Mg", framework, "", {"species": ["Mg"]})
        for framework in ("layers", "spinel")
        for i in range(3)
    ]
    taken = list(selection._families_in_turn(candidates, {"Mg": 3}))
    assert [candidate.key for candidate in taken] == ["layers0", "spinel0", "layers1"]
