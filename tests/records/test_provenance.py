from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from prov.model import ProvActivity, ProvAgent, ProvDocument, ProvEntity, ProvGeneration, ProvMembership, ProvUsage

from kadi_battgen.files import sha256_file
from kadi_battgen.records import LocalStore, Record, Run, read_chain
from kadi_battgen.records.prov_json import write_prov_json
from kadi_battgen.records.provenance import Provenance, provenance_tree


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.chdir(tmp_path)
    return LocalStore(tmp_path / "records")


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def run(store: LocalStore, step: str, inputs: dict[str, str], outputs: list[str]) -> Record:
    with Run(store, step=step, title=f"The {step}", seed=4, command=["battgen", step]) as context:
        for role, path in inputs.items():
            context.add_input(role, path)
        for name in outputs:
            path = Path(name)
            context.add_file(path if path.is_dir() else write(path, f"made by {step}"), description="Something new")
        context.add_metric("error", 0.125, unit="V", part="test")
    return context.record


@pytest.fixture
def runs(store: LocalStore, tmp_path: Path) -> dict[str, Record]:
    """Return electrodes, images of them, two models of both, and a screening that uses these together."""
    write(tmp_path / "crystals.csv", "mine")
    made = {"fetch": run(store, "fetch", {"table": "crystals.csv"}, ["electrodes.json"])}
    made["image"] = run(store, "image", {"electrodes": "electrodes.json"}, ["afm.h5"])
    for kind in ("translation", "screening"):
        write(tmp_path / "model" / kind / "weights", kind)
        more = {} if kind == "translation" else {"translator": "model/translation"}
        inputs = {"electrodes": "electrodes.json", "afm": "afm.h5", **more}
        made[kind] = run(store, f"train-{kind}", inputs, [f"model/{kind}"])
    write(tmp_path / "model" / "notes.txt", "from nowhere")
    made["screen"] = run(store, "screen", {"model": "model"}, ["candidates.csv"])
    return made


#: The tree of the screening, without the lines that tell of each run.
TREE = """\
[1] The screen
├─ model (screening): [2] The train-screening
│  ├─ electrodes: [3] The fetch
│  │  └─ table: crystals.csv, made by no record and kept in this one (SHA-256
│  │       {sha256})
│  ├─ afm: [4] The image
│  │  └─ electrodes: see [3] The fetch
│  └─ translator: [5] The train-translation
│     ├─ electrodes: see [3] The fetch
│     └─ afm: see [4] The image
├─ model (translation): see [5] The train-translation
└─ model (notes.txt): in model, made by no record"""


def branches(lines: list[str]) -> str:
    """Return the lines of a tree that name a source."""
    told = re.compile(r"[ │]*(.*, record |ran: |succeeded |measured: |made |computed )")
    return "\n".join(line for line in lines if not told.match(line))


def test_every_source_is_described_once(store: LocalStore, runs: dict[str, Record]) -> None:
    lines = provenance_tree(store, runs["screen"].identifier)
    assert branches(lines) == TREE.format(sha256=sha256_file("crystals.csv"))
    text = "\n".join(lines)
    for record in runs.values():
        assert text.count(f"record {record.identifier}") == 1
        assert f"made {record.results[0].name} (SHA-256 {record.results[0].sha256[:16]}...), something new" in text
    assert text.count("measured: error (test) 0.125 V") == len(runs)
    assert text.count("computed with kadi-battgen") == 1, "one version for all is told once"


def test_a_missing_record_is_named_as_missing(store: LocalStore, runs: dict[str, Record]) -> None:
    lost = runs["image"].identifier
    shutil.rmtree(store.record_folder(lost))
    assert set(Provenance.read(store, runs["screen"].identifier).missing) == {lost}
    lines = provenance_tree(store, runs["screen"].identifier)
    assert len([line for line in lines if f"afm: missing: There is no record {lost}" in line]) == 2


def test_what_went_wrong_and_other_versions_are_told(store: LocalStore, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", "a")
    source = run(store, "fetch", {}, ["made.csv"])
    path = store.record_folder(source.identifier) / "record.json"
    document = json.loads(path.read_text())
    document["software"].update(version="0.0.1", git_commit=None, git_modified=None)
    path.write_text(json.dumps(document))
    context = Run(store, step="train")
    context.add_input("table", "made.csv")
    with pytest.raises(RuntimeError), context:
        raise RuntimeError("out of memory")
    lines = [line.strip(" │") for line in provenance_tree(store, context.identifier)]
    assert "error: RuntimeError: out of memory" in lines
    assert any(line.startswith("failed after ") for line in lines)
    assert "computed with kadi-battgen 0.0.1" in lines


@pytest.mark.parametrize("width", [80, 120])
def test_lines_are_no_longer_than_asked(store: LocalStore, runs: dict[str, Record], width: int) -> None:
    lines = provenance_tree(store, runs["screen"].identifier, width)
    # A checksum is never broken.
    assert max(len(line) for line in lines if not re.search(r"[0-9a-f]{40}", line)) <= width


class TestProvJson:
    @pytest.fixture
    def records(self, store: LocalStore, runs: dict[str, Record]) -> list[Record]:
        return read_chain(store, runs["screen"].identifier)

    def read(self, records: list[Record], tmp_path: Path) -> ProvDocument:
        write_prov_json(tmp_path / "provenance.json", records)
        return ProvDocument.deserialize(tmp_path / "provenance.json")

    def test_runs_are_activities_with_their_time_and_software(self, records: list[Record], tmp_path: Path) -> None:
        document = self.read(records, tmp_path)
        activities = {activity.identifier.localpart: activity for activity in document.get_records(ProvActivity)}
        assert set(activities) == {record.identifier for record in records}
        for record in records:
            activity = activities[record.identifier]
            assert activity.get_startTime() == record.started
            assert activity.get_endTime() == record.ended
            assert activity.label == record.title
        (agent,) = document.get_records(ProvAgent)
        assert f"kadi-battgen {records[0].software.version}" == agent.label

    def test_files_are_entities_by_checksum(self, records: list[Record], tmp_path: Path) -> None:
        document = self.read(records, tmp_path)
        contents = [
            content for record in records for made in (*record.inputs, *record.files) for content in (made, *made.files)
        ]
        entities = [entity.identifier.localpart for entity in document.get_records(ProvEntity)]
        assert sorted(entities) == sorted({content.sha256 for content in contents}), "each is written once"

    def test_relations_join_what_is_there(self, records: list[Record], tmp_path: Path) -> None:
        document = self.read(records, tmp_path)
        names = {
            record.identifier for kind in (ProvActivity, ProvAgent, ProvEntity) for record in document.get_records(kind)
        }
        relations = [record for record in document.get_records() if record.is_relation()]
        assert all(set(record.args[:2]) <= names for record in relations)
        kinds = Counter(type(record).__name__ for record in relations)
        assert kinds["ProvUsage"] == sum(len(record.inputs) for record in records)
        assert kinds["ProvAssociation"] == len(records)
        assert kinds["ProvCommunication"] == len(
            {(record.identifier, link.record) for record in records for link in record.links}
        )
        folder = next(used for record in records for used in record.inputs if used.role == "model")
        members = {
            record.args[1].localpart
            for record in document.get_records(ProvMembership)
            if record.args[0].localpart == folder.sha256
        }
        assert members == {entry.sha256 for entry in folder.files}
        roles = {value for usage in document.get_records(ProvUsage) for value in usage.get_attribute("prov:role")}
        assert roles == {used.role for record in records for used in record.inputs}

    def test_content_is_generated_once_by_the_first_that_made_it(
        self, store: LocalStore, records: list[Record], tmp_path: Path
    ) -> None:
        content = Path("afm.h5").read_text()
        with Run(store, step="image") as again:
            again.add_file(write(tmp_path / "again" / "afm.h5", content))
        document = self.read([again.record, *records], tmp_path)
        generations = list(document.get_records(ProvGeneration))
        assert Counter(generation.args[0] for generation in generations).most_common(1)[0][1] == 1
        first = next(record for record in records if record.step == "image")
        maker = {generation.args[0].localpart: generation.args[1].localpart for generation in generations}
        assert maker[first.files[0].sha256] == first.identifier

    def test_a_missing_record_stays_named(self, store: LocalStore, runs: dict[str, Record], tmp_path: Path) -> None:
        lost = runs["image"].identifier
        shutil.rmtree(store.record_folder(lost))
        document = self.read(read_chain(store, runs["screen"].identifier), tmp_path)
        labels = {activity.identifier.localpart: activity.label for activity in document.get_records(ProvActivity)}
        assert labels[lost] == f"{lost} (missing)"

    def test_the_same_records_give_the_same_bytes(self, records: list[Record], tmp_path: Path) -> None:
        for name in ("a.json", "b.json"):
            write_prov_json(tmp_path / name, records if name == "a.json" else records[::-1])
        assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
        assert json.loads((tmp_path / "a.json").read_text())["prefix"]["battgen"] == "urn:kadi-battgen:terms:"
