"""Rows of an earlier set are taken over where nothing that they depend on has changed."""

from __future__ import annotations

import dataclasses

import pytest

from kadi_battgen.electrodes.building.assemble import assemble
from kadi_battgen.electrodes.building.candidates import Candidate
from kadi_battgen.electrodes.building.earlier import EARLIER, PACKAGES, keep_earlier, read_earlier
from kadi_battgen.electrodes.collection import write_electrodes
from kadi_battgen.errors import UserError

from .test_checks import METALS, make_record


def candidate_of(record):
    return Candidate(**{**record["candidate"], "removed": tuple(record["candidate"]["removed"])})


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Pretend that the potentials are installed."""
    versions = dict.fromkeys(PACKAGES, "1.0")
    for module in ("assemble", "earlier"):
        monkeypatch.setattr(f"kadi_battgen.electrodes.building.{module}.version", versions.__getitem__)


@pytest.fixture
def records():
    """Return a prototype that passes, and one for which the potentials disagree."""
    return [
        make_record("prototype-1_Li", kind="prototype", voltage=2.0),
        make_record("prototype-2_Li", kind="prototype", voltage=3.0),
    ]


@pytest.fixture
def earlier_set(records, tmp_path):
    """Write the set of these records."""
    path = tmp_path / "set.json.gz"
    electrodes, metadata = assemble(records, METALS)
    write_electrodes(path, electrodes, metadata)
    return path


def test_rows_and_rejections_are_taken_over(earlier_set, records):
    candidates = [candidate_of(record) for record in records]
    earlier = read_earlier(earlier_set, candidates, candidates)
    assert [electrode.id for electrode in earlier.electrodes] == ["prototype-1_Li"]
    assert earlier.keys == {"prototype-1_Li", "prototype-2_Li"}
    assert earlier.candidates == {"prototype": 2}
    assert earlier.removed == {"prototype": {"potentials disagree": 1}}


def test_a_set_that_goes_on_equals_one_made_at_once(earlier_set, records):
    candidates = [candidate_of(record) for record in records]
    new = [
        make_record("host-3_Li", kind="host", voltage=2.1, energy=-19.0),
        make_record("host-4_Li", kind="host", voltage=2.1, error="not converged"),
    ]
    at_once, expected = assemble([*records, *new], METALS)
    gone_on, metadata = assemble(new, METALS, earlier=read_earlier(earlier_set, candidates, candidates))
    assert gone_on == at_once
    assert metadata.pop("taken_over")["electrodes"] == 0
    assert metadata == expected


def test_a_record_computed_in_spite_of_it_counts_once(earlier_set, records):
    candidates = [candidate_of(record) for record in records]
    electrodes, metadata = assemble(records, METALS, earlier=read_earlier(earlier_set, candidates, candidates))
    assert len(electrodes) == 1
    assert metadata["candidates"] == {"prototype": 2}


@pytest.mark.parametrize(
    "change", [{"source_id": "another crystal"}, {"framework": "O3"}, {"kind": "host"}, {"working_ion": "Na"}]
)
def test_a_row_whose_candidate_changed_is_computed_again(earlier_set, records, change):
    candidates = [candidate_of(record) for record in records]
    changed = [dataclasses.replace(candidates[0], **change), candidates[1]]
    assert "prototype-1_Li" not in read_earlier(earlier_set, changed, changed).keys


def test_other_versions_are_refused(earlier_set, records, monkeypatch):
    monkeypatch.setattr("kadi_battgen.electrodes.building.earlier.version", lambda package: "9.9")
    with pytest.raises(UserError, match=r"made with ase 1.0 but 9.9 is installed"):
        read_earlier(earlier_set, [], [])


def test_rejections_follow_from_the_first_selection_where_their_names_are_not_recorded(records, tmp_path):
    candidates = [candidate_of(record) for record in records]
    electrodes, metadata = assemble(records, METALS)
    del metadata["removed_keys"]
    path = tmp_path / "old.json.gz"
    write_electrodes(path, electrodes, metadata)
    assert read_earlier(path, candidates, candidates).removed_keys == {"prototype-2_Li"}
    more = [*candidates, dataclasses.replace(candidates[0], key="prototype-3_Li")]
    # The numbers do not fit: what was rejected is computed again, and not counted twice.
    earlier = read_earlier(path, more, more)
    assert (earlier.removed_keys, earlier.removed, earlier.candidates) == (frozenset(), {}, {"prototype": 1})


def test_the_work_folder_keeps_the_set_it_goes_on_from(earlier_set, tmp_path):
    folder = tmp_path / "work"
    assert keep_earlier(None, folder) is None
    assert keep_earlier(earlier_set, folder) == folder / EARLIER
    content = earlier_set.read_bytes()
    earlier_set.write_bytes(b"replaced")
    assert keep_earlier(None, folder).read_bytes() == content
    with pytest.raises(UserError, match="goes on from another set"):
        keep_earlier(earlier_set, folder)
