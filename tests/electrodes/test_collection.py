"""Collections on disk: round trip, bytes, refusals, selections."""

from __future__ import annotations

import gzip
import json

import pytest

from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes, write_electrodes
from kadi_battgen.errors import UserError


@pytest.fixture
def twins(electrode):
    return [electrode, electrode.model_copy(update={"id": "twin"})]


@pytest.mark.parametrize("name", ["electrodes.json", "electrodes.json.gz"])
def test_what_is_written_is_read(tmp_path, twins, name):
    metadata = {"licence": "CC-BY-4.0", "citations": ["Padhi 1997"]}
    write_electrodes(tmp_path / name, twins, metadata)
    collection = read_electrodes(tmp_path / name)
    assert list(collection.electrodes) == twins
    assert collection.metadata == metadata
    assert len(collection) == 2
    assert collection.counts() == {"Li": 2} | dict.fromkeys(("Na", "K", "Rb", "Cs", "Mg", "Ca", "Zn", "Al", "Y"), 0)


@pytest.mark.parametrize("name", ["electrodes.json", "electrodes.json.gz"])
def test_the_same_electrodes_give_the_same_bytes(tmp_path, twins, name):
    first, second = tmp_path / "first" / name, tmp_path / "second" / name
    for path in (first, second):
        write_electrodes(path, twins, {"source": "test"})
    assert first.read_bytes() == second.read_bytes()


def test_two_electrodes_of_one_id_are_refused_and_nothing_is_written(tmp_path, electrode):
    with pytest.raises(UserError, match=r"id 'olivine' occurs more than once: ids must be unique in .*out\.json"):
        write_electrodes(tmp_path / "out.json", [electrode, electrode])
    assert list(tmp_path.iterdir()) == []


def _document(twins, **changes):
    rows = [electrode.model_dump(mode="json") for electrode in twins]
    return {"schema": "kadi-battgen/electrodes", "schema_version": 1, "metadata": {}, "electrodes": rows} | changes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, truncated or not JSON"),
        (b"\x1f\x8b", "is empty, truncated or not JSON"),
        (b"not json", "is empty, truncated or not JSON"),
        (b"\xff\xfe\x00", "is empty, truncated or not JSON"),
        (b"[]", "is not an electrode collection"),
        (b'{"schema": "other"}', "is not an electrode collection"),
        (b'{"schema": "kadi-battgen/electrodes", "schema_version": 2}', "schema version 2 but 1 is read here"),
        (b'{"schema": "kadi-battgen/electrodes", "schema_version": 1}', "holds no list of electrodes"),
        (
            b'{"schema": "kadi-battgen/electrodes", "schema_version": 1, "electrodes": 3}',
            "holds no list of electrodes",
        ),
        (
            b'{"schema": "kadi-battgen/electrodes", "schema_version": 1, "electrodes": [3]}',
            r"electrode \?: Input should be a valid dictionary",
        ),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "electrodes.json.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"electrodes\.json\.gz.* {message}|electrodes\.json\.gz, {message}"):
        read_electrodes(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, twins, share):
    path = tmp_path / "electrodes.json.gz"
    write_electrodes(path, twins)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="is empty, truncated or not JSON"):
        read_electrodes(path)


def test_a_damaged_byte_is_refused(tmp_path, twins):
    path = tmp_path / "electrodes.json.gz"
    write_electrodes(path, twins)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UserError, match="electrodes.json.gz"):
        read_electrodes(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.json does not exist"):
        read_electrodes(tmp_path / "nowhere.json")


def test_a_wrong_electrode_is_named(tmp_path, twins):
    document = _document(twins)
    document["electrodes"][1]["properties"]["average_voltage"] = 5.0
    path = tmp_path / "electrodes.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UserError, match=r"electrodes\.json, electrode twin: .*gravimetric_energy is"):
        read_electrodes(path)


def test_repeated_ids_in_a_file_are_refused(tmp_path, electrode):
    path = tmp_path / "electrodes.json.gz"
    path.write_bytes(gzip.compress(json.dumps(_document([electrode, electrode])).encode()))
    with pytest.raises(UserError, match="'olivine' occurs more than once"):
        read_electrodes(path)


class TestSelect:
    @pytest.mark.parametrize(
        ("ions", "limit", "counts"),
        [
            (("Li",), 7, {"Li": 7}),
            (("Li", "Na"), 7, {"Li": 4, "Na": 3}),
            (("Na", "Li"), 7, {"Li": 3, "Na": 4}),
            (None, 10, dict.fromkeys(("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Zn", "Al", "Y"), 1)),
            (None, 3, {"Li": 1, "Na": 1, "K": 1}),
        ],
    )
    def test_a_limit_keeps_the_balance(self, bundled, ions, limit, counts):
        chosen = bundled.select(ions, limit)
        assert {ion: count for ion, count in chosen.counts().items() if count} == counts
        assert chosen.metadata == bundled.metadata

    def test_an_ion_that_runs_out_leaves_its_turns_to_the_others(self, bundled):
        lithium, sodium = bundled.select(["Li"], 2).electrodes, bundled.select(["Na"], 9).electrodes
        assert ElectrodeCollection((*lithium, *sodium)).select(limit=8).counts() | {} == {
            **dict.fromkeys(bundled.counts(), 0),
            "Li": 2,
            "Na": 6,
        }

    def test_everything_stays_without_ions_and_limit(self, bundled):
        assert sorted(e.id for e in bundled.select().electrodes) == sorted(e.id for e in bundled.electrodes)

    def test_the_collection_s_order_holds_within_an_ion(self, bundled):
        order = [e.id for e in bundled.electrodes if e.working_ion == "Mg"]
        assert [e.id for e in bundled.select(["Mg"], 5).electrodes] == order[:5]

    @pytest.mark.parametrize(
        ("ions", "limit", "message"),
        [
            (("Xe",), None, "'Xe' is not known"),
            (("Li",), 0, "No electrode is left for working ion Li: choose another ion or a larger limit"),
            (("Mg",), None, "No electrode is left for working ion Mg"),
        ],
    )
    def test_what_leaves_nothing_is_refused(self, electrode, ions, limit, message):
        with pytest.raises(UserError, match=message):
            ElectrodeCollection((electrode,)).select(ions, limit)
