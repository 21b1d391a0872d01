from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rocrate.rocrate import ROCrate

from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.records import LocalStore, Run
from kadi_battgen.records.crate import METADATA_FILE, pack, unpack

if TYPE_CHECKING:
    from tests.records.conftest import Chain

HERE = Path(__file__).parent

#: What the validator would like besides: nobody knows a run's author, the program has no address yet, and importers
#: count on a list of parts even where there is one.
KNOWN_FINDINGS = {
    "The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate",
    "The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`",
    "The Action SHOULD have an agent that is a Person or Organization",
    "The Application SHOULD have a url",
    "The SoftwareApplication id SHOULD be an absolute URI",
    'Entity "./" property "hasPart" SHOULD be represented as a single value, not a singleton array, according to the '
    "RO-Crate 1.1 JSON-LD recommendation",
}

#: And of a run that came to no result or to no end.
UNFINISHED_FINDINGS = {
    "The Action SHOULD have a result",
    "The Action SHOULD have an endTime in ISO 8601 format",
}


def validate(validator: Path, profile: str, folders: list[Path]) -> dict[str, list[list[str]]]:
    """Return what the validator finds in crates, by their folder."""
    command = [validator, "-I", HERE / "validate_crate.py", profile, *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def document(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entities of a crate by their IRI."""
    graph = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def killed(store: LocalStore, **values: Any) -> str:
    """Record a run whose process is gone."""
    run = Run(store, step="train", **values)
    assert run.record.process.started is not None
    run.record.process = run.record.process.model_copy(update={"started": run.record.process.started - 1})
    store.save(run.record)
    return run.identifier


@pytest.fixture(scope="session")
def validator() -> Path:
    """Python of the validator's virtual environment, which is made once and kept from one test run to the next."""
    requirements = HERE / "crate-validator.txt"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kadi-battgen"
    folder = cache / f"crate-validator-{sha256_file(requirements)[:16]}"
    if not (folder / "complete").exists():
        venv.create(folder, clear=True, with_pip=True)
        # -I: what surrounds the tests is not there later.
        install = [
            "-I",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            requirements,
        ]
        subprocess.run([folder / "bin" / "python", *install], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


@pytest.mark.slow
def test_every_crate_passes_the_validator(validator: Path, chain: Chain, tmp_path: Path) -> None:
    fifth, fourth, _, _, first = chain.identifiers
    lost = chain.store.load(killed(chain.store)).identifier
    folders = {identifier: chain.store.record_folder(identifier) for identifier in (first, fourth, fifth, lost)}
    pack(chain.store, [lost, *chain.identifiers], tmp_path / "all.eln")
    unpack(tmp_path / "all.eln", tmp_path / "all")
    folders["all"] = tmp_path / "all"
    # The second profile contains the first one.
    for profile, names in (("ro-crate-1.1", [fourth, "all"]), ("process-run-crate-0.5", list(folders))):
        findings = validate(validator, profile, [folders[name] for name in names])
        for name in names:
            found = {(severity, message) for severity, _, message in findings[str(folders[name])]}
            allowed = KNOWN_FINDINGS | (UNFINISHED_FINDINGS if name in (fifth, lost, "all") else set())
            assert found <= {("RECOMMENDED", message) for message in allowed}


@pytest.mark.slow
def test_the_validator_finds_what_is_wrong(validator: Path, chain: Chain) -> None:
    folder = chain.store.record_folder(chain.identifiers[1])
    (chain.store.files_folder(chain.identifiers[1]) / "screening" / "weights.safetensors").unlink()
    findings = validate(validator, "ro-crate-1.1", [folder])[str(folder)]
    assert any(severity == "REQUIRED" and "weights.safetensors" in message for severity, _, message in findings)


def test_rocrate_reads_the_same_files(chain: Chain) -> None:
    for record in chain.records:
        folder = chain.store.record_folder(record.identifier)
        crate = ROCrate(folder)
        # rocrate itself names files without the leading "./".
        files = {entity.id: entity for entity in crate.get_by_type("File")}
        assert crate.root_dataset["hasPart"][0]["identifier"] == record.identifier
        for iri, entity in files.items():
            assert iri.startswith(f"{record.identifier}/")
            path = Path(entity.source)
            assert int(entity["contentSize"]) == path.stat().st_size
            if "/files/" in iri:
                assert entity["sha256"] == sha256_file(path)
        present = {path for path in (folder / record.identifier).rglob("*") if path.is_file()}
        assert {Path(entity.source) for entity in files.values()} == present


def test_the_run_is_an_action_from_inputs_to_results(chain: Chain) -> None:
    fifth, fourth, third, _, first = chain.identifiers
    entities = document(chain.store.record_folder(fourth))
    action = entities[f"#{fourth}"]
    assert (action["@type"], action["name"]) == ("CreateAction", "train-screening: Training")
    assert [entry["@id"] for entry in action["result"]] == [
        f"./{fourth}/files/screening/metrics.csv",
        f"./{fourth}/files/screening/weights.safetensors",
    ]
    used = [entities[entry["@id"]] for entry in action["object"]]
    assert used[0]["isPartOf"] == {"@id": f"#record-{third}"}
    assert entities[f"#record-{third}"]["identifier"] == third
    assert {entry["name"]: entry["value"] for entry in used[1:]} == {"seed": 1}
    instrument = entities[action["instrument"]["@id"]]
    assert (instrument["@type"], instrument["name"]) == ("SoftwareApplication", "kadi-battgen")
    measured = [entities[entry["@id"]] for entry in entities[f"./{fourth}/"]["variableMeasured"]]
    assert [(entry["propertyID"], entry.get("value")) for entry in measured] == [
        ("metrics.validation.validation_loss", 2.0),
        ("metrics.test.r2", None),
    ]
    assert measured[0]["identifier"] == "https://example.org/loss"
    assert "undefined" in measured[1]["description"]
    # What no record made is in the crate itself, under a name that is a valid address.
    own = document(chain.store.record_folder(first))
    assert own[f"#{first}"]["object"][0]["@id"] == (
        f"./{first}/files/inputs/own%20data%20%231%2C%2050%20%25%20gr%C3%B6%C3%9Fer.csv"
    )
    settings = [own[entry["@id"]] for entry in own[f"#{first}"]["object"][1:]]
    assert {entry["name"]: entry["value"] for entry in settings} == {
        "limit": 12,
        "source": "files",
        "ions": '["Li", "Na"]',
    }
    assert own[f"./{first}/"]["keywords"]
    assert document(chain.store.record_folder(fifth))["./"]["genre"] == "record"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (None, "Completed", None),
        (ValueError("it diverged"), "Failed", "ValueError: it diverged"),
        (KeyboardInterrupt(), "Failed", "The run was interrupted. KeyboardInterrupt: "),
    ],
)
def test_how_a_run_ended(tmp_path: Path, error: BaseException | None, status: str, reason: str | None) -> None:
    store = LocalStore(tmp_path)
    run = Run(store, step="train")
    try:
        with run:
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    action = document(store.record_folder(run.identifier))[f"#{run.identifier}"]
    assert action["actionStatus"] == f"http://schema.org/{status}ActionStatus"
    assert action.get("error") == reason
    assert {"startTime", "endTime"} <= action.keys()


def test_a_killed_run_becomes_a_crate_when_it_is_noticed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    identifier = killed(store)
    folder = store.record_folder(identifier)
    assert not (folder / METADATA_FILE).exists()
    before = (folder / "record.json").read_bytes()
    assert store.load(identifier).state == "killed"
    action = document(folder)[f"#{identifier}"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert "killed" in action["error"]
    assert "endTime" not in action
    assert "killed" in document(folder)["./"]["description"]
    assert (folder / "record.json").read_bytes() == before


def test_a_killed_run_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    identifier = killed(store)
    # A file where the crate's folder belongs stops everybody, root too.
    (store.record_folder(identifier) / identifier).write_text("")
    assert store.load(identifier).state == "killed"
    assert not (store.record_folder(identifier) / METADATA_FILE).exists()


@pytest.mark.parametrize(
    ("licence", "iri", "name"),
    [
        (None, "#no-licence", "No licence given"),
        ("CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0", "CC-BY-4.0"),
        ("MIT AND CC-BY-4.0", "#licence-MIT%20AND%20CC-BY-4.0", "MIT AND CC-BY-4.0"),
        ("LicenseRef-house", "#licence-LicenseRef-house", "LicenseRef-house"),
    ],
)
def test_licences(tmp_path: Path, licence: str | None, iri: str, name: str) -> None:
    store = LocalStore(tmp_path)
    with Run(store, step="train", license=licence) as run:
        pass
    entities = document(store.record_folder(run.identifier))
    assert entities["./"]["license"] == entities[f"./{run.identifier}/"]["license"] == {"@id": iri}
    assert entities[iri]["name"] == name


def test_neither_tokens_nor_names_of_people_are_in_a_crate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "ada.lovelace"
    (home / "data").mkdir(parents=True)
    (home / "data" / "a.txt").write_text("a")
    for name, value in {"HOME": str(home), "USER": "ada.lovelace", "KADI_PAT": "pat_0123456789abcdef"}.items():
        monkeypatch.setenv(name, value)
    store = LocalStore(home / "records")
    command = ["battgen", "train", "--token", "pat_fedcba9876543210"]
    settings = {"folder": str(home / "data"), "token": "pat_fedcba9876543210"}
    run = Run(store, step="train", configuration=settings, command=command)
    run.add_input("data", home / "data" / "a.txt")
    with pytest.raises(RuntimeError), run:
        raise RuntimeError(f"refused pat_0123456789abcdef and pat_fedcba9876543210 for {home}")
    pack(store, [run.identifier], tmp_path / "crate.eln")
    unpack(tmp_path / "crate.eln", tmp_path / "crate")
    written = [*store.folder.rglob("*"), *(tmp_path / "crate").rglob("*")]
    texts = [path.read_text() for path in written if path.is_file()]
    assert len(texts) > 6
    for secret in ("pat_", "ada.lovelace"):
        assert not [text for text in texts if secret in text]


def test_an_archive_holds_all_records_in_the_layout_of_kadi(chain: Chain, tmp_path: Path) -> None:
    assert pack(chain.store, chain.identifiers, tmp_path / "all.eln") == tmp_path / "all.eln"
    fifth, fourth, _, _, first = chain.identifiers
    with zipfile.ZipFile(tmp_path / "all.eln") as archive:
        names = archive.namelist()
    assert names[0] == f"{fifth}/{METADATA_FILE}"
    assert f"{fifth}/{first}/files/inputs/own data #1, 50 % größer.csv" in names
    assert f"{fifth}/{fourth}/files/screening/weights.safetensors" in names
    assert unpack(tmp_path / "all.eln", tmp_path / "all") == chain.identifiers
    entities = document(tmp_path / "all")
    assert (entities["./"]["genre"], entities["./"]["name"]) == ("collection", "kadi-battgen")
    assert {"@id": f"./{first}/"} in entities[f"./{fifth}/"]["isBasedOn"]
    # Inputs that another record in the archive made are those files.
    assert entities[f"#{fifth}"]["object"][0]["@id"] == f"./{fourth}/files/screening/metrics.csv"
    for record in chain.records:
        export = json.loads((tmp_path / "all" / record.identifier / f"{record.identifier}.json").read_text())
        assert (export["identifier"], export["type"]) == (record.identifier, record.record_type)
        assert [link["record_to"]["identifier"] for link in export["links"]] == [link.record for link in record.links]
        packed = {path.relative_to(tmp_path / "all") for path in (tmp_path / "all" / record.identifier).rglob("*")}
        folder = chain.store.record_folder(record.identifier)
        assert packed == {path.relative_to(folder) for path in (folder / record.identifier).rglob("*")}


def test_the_same_records_give_the_same_bytes(chain: Chain, tmp_path: Path) -> None:
    first, second = tmp_path / "first.eln", tmp_path / "elsewhere" / "second.eln"
    pack(chain.store, chain.identifiers, first)
    pack(LocalStore(chain.store.folder), [*chain.identifiers, *chain.identifiers], second)
    assert first.read_bytes() == second.read_bytes()
    # And a crate says the same whenever it is written.
    folder = chain.store.record_folder(chain.identifiers[1])
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}
    chain.store.save(chain.records[1])
    assert before == {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


def test_what_cannot_be_packed(chain: Chain, tmp_path: Path) -> None:
    archive = tmp_path / "archive.eln"
    running = Run(chain.store, step="train")
    chain.store.save(running.record)
    for identifiers, message in (
        ([], "nothing to pack"),
        (["train-1"], "no record"),
        ([running.identifier], "still running"),
    ):
        with pytest.raises(UserError, match=message):
            pack(chain.store, identifiers, archive)
    changed = chain.store.files_folder(chain.identifiers[2]) / "dataset.h5"
    changed.write_bytes(b"other")
    (tmp_path / "work" / "dataset.h5").write_bytes(b"other too")
    with pytest.raises(UserError, match="gone or changed"):
        pack(chain.store, chain.identifiers, archive)
    assert [path.name for path in tmp_path.iterdir() if "archive" in path.name] == []


def test_a_name_that_no_archive_carries_safely_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\\b.csv").write_text("a")
    store = LocalStore(tmp_path / "records")
    with Run(store, step="train") as run:
        run.add_file(tmp_path / "a\\b.csv")
    with pytest.raises(UserError, match="backslash"):
        pack(store, [run.identifier], tmp_path / "x.eln")


def test_rocrate_is_loaded_only_when_a_run_ends() -> None:
    program = (
        "import sys, tempfile\n"
        "from kadi_battgen.records import LocalStore, Run\n"
        "store = LocalStore(tempfile.mkdtemp())\n"
        "with Run(store, step='screen') as run:\n"
        "    before = 'rocrate' in sys.modules\n"
        "print(before, 'rocrate' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
