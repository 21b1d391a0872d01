from __future__ import annotations

import json
from pathlib import Path

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Record, Run, read_chain, record_facts
from kadi_battgen.records.checksums import folder_checksums, manifest
from kadi_battgen.records.environment import git_state
from kadi_battgen.records.paths import written_path


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "records")


def step(store: LocalStore, name: str, inputs: list[Path], output: Path, content: str) -> Record:
    with Run(store, step=name) as run:
        for path in inputs:
            run.add_input(path.name, path)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(content)
        run.add_file(output)
    return run.record


def test_a_record_survives_the_round_trip(store: LocalStore, tmp_path: Path) -> None:
    record = step(store, "fetch-electrodes", [], tmp_path / "electrodes.json", "[]")
    assert store.load(record.identifier) == record
    document = json.loads((store.folder / record.identifier / "record.json").read_text())
    assert (document["schema"], document["version"]) == ("kadi-battgen/record", 1)
    assert (store.files_folder(record.identifier) / "electrodes.json").read_text() == "[]"


def test_the_chain_leads_back_to_the_source(store: LocalStore, tmp_path: Path) -> None:
    electrodes, afm, dataset, model, table = (tmp_path / name for name in ("e", "a.h5", "d.h5", "model/w", "c.csv"))
    first = step(store, "fetch-electrodes", [], electrodes, "electrodes")
    second = step(store, "simulate-afm", [electrodes], afm, "stacks")
    third = step(store, "build-dataset", [afm], dataset, "samples")
    fourth = step(store, "train-screening", [dataset], model, "weights")
    # The data set by its own path again, the model by its folder.
    fifth = step(store, "screen", [model.parent, dataset], table, "candidates")

    assert [record.step for record in read_chain(store, fifth.identifier)] == [
        "screen",
        "train-screening",
        "build-dataset",
        "simulate-afm",
        "fetch-electrodes",
    ]
    assert [link.record for link in fifth.links] == [fourth.identifier, third.identifier]
    assert [link.record for link in second.links] == [first.identifier]
    # A store opened anew finds the same.
    assert read_chain(LocalStore(store.folder), fifth.identifier) == read_chain(store, fifth.identifier)


def test_the_facts_of_a_record_tell_what_it_made(store: LocalStore, tmp_path: Path) -> None:
    step(store, "fetch-electrodes", [], tmp_path / "e", "electrodes")
    record = step(store, "simulate-afm", [tmp_path / "e"], tmp_path / "a.h5", "stacks")
    facts = record_facts(record)
    assert facts["State"] == "succeeded"
    assert facts["Input e"] == f"../../e, SHA-256 {record.inputs[0].sha256}"
    assert facts["File a.h5"] == f"file, SHA-256 {record.files[0].sha256}"
    assert facts["Version"].startswith(f"kadi-battgen {record.software.version}")
    assert "Error" not in facts


def test_a_folder_links_to_every_run_that_wrote_into_it(store: LocalStore, tmp_path: Path) -> None:
    model = tmp_path / "model"
    translation = step(store, "train-translation", [], model / "translation.safetensors", "t")
    composition = step(store, "train-composition", [], model / "composition.safetensors", "c")
    (model / "notes.md").write_text("by hand")
    (model / ".notes.md.7.tmp").write_text("being written")
    with Run(store, step="screen") as run:
        used = run.add_input("model", model)
    assert {entry.path: entry.record for entry in used.files} == {
        "composition.safetensors": composition.identifier,
        "notes.md": None,
        "translation.safetensors": translation.identifier,
    }
    assert set(used.records) == {translation.identifier, composition.identifier}


def test_a_folder_as_output_claims_only_what_is_new(store: LocalStore, tmp_path: Path) -> None:
    model = tmp_path / "model"
    first = step(store, "train-translation", [], model / "translation.safetensors", "t")
    with Run(store, step="train-composition") as run:
        run.add_input("model", model)
        (model / "composition.safetensors").write_text("c")
        run.add_file(model)
    with Run(store, step="screen") as screening:
        used = screening.add_input("model", model)
    assert {entry.path: entry.record for entry in used.files} == {
        "composition.safetensors": run.identifier,
        "translation.safetensors": first.identifier,
    }


def test_the_newest_succeeded_run_counts_as_the_origin(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "dataset.h5"
    step(store, "build-dataset", [], path, "same bytes")
    second = step(store, "build-dataset", [], path, "same bytes")
    failed = Run(store, step="build-dataset")
    failed.add_file(path)
    with pytest.raises(UserError), failed:
        failed.add_file(tmp_path / "absent.csv")
    with Run(store, step="train") as run:
        assert run.add_input("dataset", path).records == (second.identifier,)
        # Content that no run made has no origin, and empty content never has one.
        path.write_text("edited by hand")
        assert run.add_input("dataset", path).records == ()
    assert len(run.record.inputs) == 1
    step(store, "train", [], tmp_path / "log.txt", "")
    with Run(store, step="screen") as run:
        assert run.add_input("log", tmp_path / "log.txt").records == ()


def test_removed_records_do_not_break_the_chain(store: LocalStore, tmp_path: Path) -> None:
    first = step(store, "fetch-electrodes", [], tmp_path / "e", "electrodes")
    second = step(store, "simulate-afm", [tmp_path / "e"], tmp_path / "a", "stacks")
    (store.folder / first.identifier / "record.json").unlink()
    assert read_chain(store, second.identifier) == [second]
    assert second.links[0].record == first.identifier


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a JSON document"),
        ("[]", "not a kadi-battgen/record document"),
        ('{"schema": "kadi-battgen/electrodes"}', "not a kadi-battgen/record document"),
        ('{"schema": "kadi-battgen/record", "version": 7}', "version 7"),
        ('{"schema": "kadi-battgen/record", "version": 1}', "identifier: Field required"),
    ],
)
def test_damaged_records_are_named(store: LocalStore, tmp_path: Path, text: str, message: str) -> None:
    good = step(store, "fetch-electrodes", [], tmp_path / "e", "electrodes")
    (store.folder / "damaged").mkdir()
    (store.folder / "damaged" / "record.json").write_text(text)
    with pytest.raises(UserError, match=message):
        store.load("damaged")
    # The others are still found.
    assert store.find_by_checksum(good.files[0].sha256) == good.identifier


@pytest.mark.parametrize("identifier", ["../outside", "/etc", "", "A", "a" * 51, "a/b", "absent-record", "a\n"])
def test_identifiers_never_leave_the_store(store: LocalStore, identifier: str) -> None:
    with pytest.raises(UserError):
        store.load(identifier)


@pytest.mark.parametrize(
    ("path", "folder", "written"),
    [
        ("/home/ada/run/x.h5", "/home/ada/run/records/r", "../../x.h5"),
        ("/home/ada/data/x.h5", "/scratch/records/r", "~/data/x.h5"),
        ("/home/ada/data/x.h5", "/home/shared/records/r", "~/data/x.h5"),
        ("/scratch/x.h5", "/scratch/records/r", "../../x.h5"),
        ("/data/x.h5", "/scratch/records/r", "/data/x.h5"),
        ("/data/x.h5", "/home/ada/records/r", "/data/x.h5"),
    ],
)
def test_written_paths(monkeypatch: pytest.MonkeyPatch, path: str, folder: str, written: str) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert written_path(Path(path), Path(folder)) == written


def test_a_manifest_is_what_sha256sum_writes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_text("abc")
    (tmp_path / "a.txt").write_text("")
    assert manifest(folder_checksums(tmp_path)).splitlines() == [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a.txt",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b/x.txt",
    ]


def test_the_commit_is_that_of_the_own_checkout_only() -> None:
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        commit, modified = git_state(root)
        assert commit is not None
        assert len(commit) == 40
        assert modified in (True, False)
    assert git_state(root / "kadi_battgen") == (None, None)
