"""Pushing to a real server: what arrives, what a second time changes, and what happens when it is cut off."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Record, Run
from kadi_battgen.records.artifacts import PROV_USED
from kadi_battgen.records.companions import COMPANIONS
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.extras import same
from kadi_battgen.records.kadi.files import remote_files
from kadi_battgen.records.kadi.metadata import kadi_fields
from kadi_battgen.records.kadi.push import PushReport, push

Step = Callable[..., Record]


def revisions(client: KadiClient, identifier: str) -> tuple[int, int]:
    """Return the number of revisions of a record and of its files."""
    number = client.find("records", identifier)["id"]
    return tuple(
        len(list(client.items(f"/records/{number}/{what}", "counting"))) for what in ("revisions", "files/revisions")
    )


def content(client: KadiClient, identifier: str, name: str) -> bytes:
    found = client.find("records", identifier)
    file = remote_files(client, found["id"], identifier)[name]
    return client.request("get", f"/records/{found['id']}/files/{file.id}/download", "reading").content


def outcomes(report: PushReport) -> dict[str, tuple[str, int]]:
    assert not report.failures, report.failures
    return {pushed.identifier: (pushed.outcome, pushed.files) for pushed in report.pushed}


def test_a_record_arrives_with_all_it_has(store: LocalStore, client: KadiClient, tmp_path: Path) -> None:
    folder, dataset = tmp_path / "model", tmp_path / "dataset.csv"
    (folder / "screening").mkdir(parents=True)
    (folder / "screening" / "model.safetensors").write_bytes(bytes(range(256)) * 10)
    (folder / "card.json").write_text("{}")
    (folder / "empty.txt").write_text("")
    dataset.write_text("a,b\n1,2\n")
    with Run(
        store,
        step="screen",
        record_type="screening",
        title="Screening for Li",
        description="A *test*.",
        configuration={
            "working_ion": "Li",
            "average_voltage": "3.5:4.0",
            "year": "2024",
            "note": " spaced ",
            "none": None,
        },
        settings={"timesteps": 1000, "loop": {"epochs": 3, "precision": "32-true"}},
        seed=7,
        tags=["Li", "Kadi-BattGen"],
        license="CC-BY-4.0",
        command=["battgen", "screen", "--seed", "7"],
        project="Cathodes & Co.",
    ) as run:
        run.add_input("dataset", dataset)
        run.add_file(folder, description="Trained models")
        run.add_metric("mean_absolute_error", 0.25, unit="V", part="test")
        run.add_metric("r2", float("nan"), part="test")
    report = push(store, client, progress=False)
    files = {
        "inputs/dataset.csv": b"a,b\n1,2\n",
        "model/card.json": b"{}",
        "model/empty.txt": b"",
        "model/screening/model.safetensors": bytes(range(256)) * 10,
    }
    assert outcomes(report) == {run.identifier: ("created", len(files) + 2)}

    found = client.find("records", run.identifier)
    fields = kadi_fields(run.record, client.licenses)
    assert found["license"] == "CC-BY-4.0"
    assert found["tags"] == ["kadi-battgen", "li", "screen"]
    assert {name: found[name] for name in fields if name != "extras"} == {
        name: value for name, value in fields.items() if name != "extras"
    }
    assert same(fields["extras"], found["extras"])
    there = remote_files(client, found["id"], run.identifier)
    assert set(there) >= {*files, "record.json", "metrics.csv"}
    for name, expected in files.items():
        assert content(client, run.identifier, name) == expected
    described = client.items(f"/records/{found['id']}/files", "reading")
    assert {entry["name"]: entry["description"] for entry in described} == {
        **dict.fromkeys(files, "Trained models"),
        "inputs/dataset.csv": "Input dataset",
        **COMPANIONS,
    }
    assert Record.model_validate_json(content(client, run.identifier, "record.json")) == run.record
    collection = client.find("collections", "cathodes-co")
    assert collection["title"] == "Cathodes & Co."
    records = client.items(f"/collections/{collection['id']}/records", "reading")
    assert run.identifier in {record["identifier"] for record in records}


def test_records_are_found_by_what_they_say(store: LocalStore, client: KadiClient, step: Step) -> None:
    wanted = step(store, "train", record_type="model-training", configuration={"epochs": 77_777})
    other = step(store, "train", record_type="model-training", configuration={"epochs": 3})
    push(store, client, progress=False)
    query = [{"key": "configuration.epochs", "type": "numeric", "value": {"min": 77_777, "max": 77_777}}]
    found = client.manager.search.search_resources("record", extras=query, type="model-training", per_page=100).json()
    identifiers = {record["identifier"] for record in found["items"]}
    assert wanted.identifier in identifiers
    # Without Elasticsearch a server ignores what extras are asked for, and finds by type alone.
    assert identifiers - {other.identifier} >= {wanted.identifier}
    by_name = client.manager.search.search_resources("record", query=wanted.identifier).json()["items"]
    assert wanted.identifier in {record["identifier"] for record in by_name}


def test_a_second_push_changes_nothing(store: LocalStore, client: KadiClient, step: Step) -> None:
    first = step(store, "fetch-electrodes")
    second = step(store, "simulate-afm", {"electrodes": f"run:{first.identifier}"})
    assert outcomes(push(store, client, progress=False)) == {
        first.identifier: ("created", 2),
        second.identifier: ("created", 2),
    }
    before = [revisions(client, record.identifier) for record in (first, second)]
    assert outcomes(push(store, client, progress=False)) == {
        first.identifier: ("unchanged", 0),
        second.identifier: ("unchanged", 0),
    }
    # Neither does one that knows nothing of the first, as from another clone of the folder.
    for record in (first, second):
        (store.record_folder(record.identifier) / "kadi.json").unlink()
    assert set(outcomes(push(store, client, progress=False)).values()) == {("unchanged", 0)}
    assert [revisions(client, record.identifier) for record in (first, second)] == before
    # What is known to be there is not even looked at, unless one asks for it.
    assert push(store, client, compare=False, progress=False) == PushReport()


def test_provenance_leads_back_across_five_records(store: LocalStore, client: KadiClient, step: Step) -> None:
    names = ["fetch-electrodes", "simulate-afm", "build-dataset", "train-screening", "screen"]
    records: list[Record] = []
    for name in names:
        records.append(step(store, name, {"source": f"run:{records[-1].identifier}"} if records else None))
    # The last alone brings all that it came from, sources first.
    report = push(store, client, [records[-1].identifier], progress=False)
    assert list(outcomes(report)) == [record.identifier for record in records]
    walked = [records[-1].identifier]
    while True:
        number = client.find("records", walked[-1])["id"]
        links = list(client.items(f"/records/{number}/records", "reading", direction="out"))
        if not links:
            break
        (link,) = links
        assert (link["name"], link["term"]) == ("source", PROV_USED)
        walked.append(link["record_to"]["identifier"])
    assert walked == [record.identifier for record in reversed(records)]


def test_a_changed_record_is_updated(store: LocalStore, client: KadiClient, step: Step) -> None:
    record = step(store)
    push(store, client, progress=False)
    record.title, record.tags = "A better title", ("curated",)
    store.save(record)
    assert outcomes(push(store, client, progress=False)) == {record.identifier: ("updated", 1)}  # and its record.json
    found = client.find("records", record.identifier)
    assert (found["title"], found["tags"]) == ("A better title", ["curated", "screen"])


def test_what_people_changed_in_kadi_stays(store: LocalStore, client: KadiClient, step: Step) -> None:
    record = step(store)
    push(store, client, progress=False)
    number = client.find("records", record.identifier)["id"]
    client.edit("records", number, record.identifier, {"title": "Our best run", "tags": ["paper"]})
    assert outcomes(push(store, client, progress=False)) == {record.identifier: ("unchanged", 0)}
    found = client.find("records", record.identifier)
    assert (found["title"], found["tags"]) == ("Our best run", ["paper"])


def test_a_server_that_was_set_up_anew_gets_all_again(store: LocalStore, client: KadiClient, step: Step) -> None:
    first = step(store, "fetch-electrodes")
    second = step(store, "simulate-afm", {"electrodes": f"run:{first.identifier}"})
    push(store, client, progress=False)
    for record in (first, second):
        number = client.find("records", record.identifier)["id"]
        client.request("delete", f"/records/{number}", "deleting")
        client.request("post", f"/records/{number}/purge", "purging")
    # The worker takes a moment, and until then the identifiers are in use.
    deadline = time.monotonic() + 30
    while (report := push(store, client, compare=False, progress=False)).failures and time.monotonic() < deadline:
        time.sleep(0.2)
    assert {pushed.identifier for pushed in report.pushed} == {first.identifier, second.identifier}
    number = client.find("records", second.identifier)["id"]
    assert client.links(number, second.identifier) == {("electrodes", first.identifier)}


def test_what_is_missing_in_kadi_comes_back(store: LocalStore, client: KadiClient, step: Step) -> None:
    source = step(store, "fetch-electrodes")
    record = step(store, "simulate-afm", {"electrodes": f"run:{source.identifier}"})
    push(store, client, progress=False)
    number = client.find("records", record.identifier)["id"]
    name = record.files[0].stored
    file = remote_files(client, number, record.identifier)[name]
    client.request("delete", f"/records/{number}/files/{file.id}", "deleting")
    (link,) = client.items(f"/records/{number}/records", "reading", direction="out")
    client.request("delete", f"/records/{number}/records/{link['id']}", "deleting")
    assert outcomes(push(store, client, progress=False))[record.identifier] == ("updated", 1)
    assert client.links(number, record.identifier) == {("electrodes", source.identifier)}
    assert content(client, record.identifier, name).decode().startswith("simulate-afm")


@pytest.mark.slow
def test_a_file_above_fifty_megabytes_goes_in_chunks(store: LocalStore, client: KadiClient, tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    path.write_bytes(b"0123456789abcdef" * 3_200_001)  # 51.2 MB and a bit
    with Run(store, step="train") as run:
        run.add_file(path)
    assert outcomes(push(store, client, progress=False)) == {run.identifier: ("created", 2)}
    number = client.find("records", run.identifier)["id"]
    file = remote_files(client, number, run.identifier)["large.h5"]
    assert file.checksum.endswith("-6")
    assert content(client, run.identifier, "large.h5") == path.read_bytes()
    before = revisions(client, run.identifier)
    assert outcomes(push(store, client, progress=False)) == {run.identifier: ("unchanged", 0)}
    assert revisions(client, run.identifier) == before


@pytest.mark.slow
def test_a_server_without_a_worker_is_not_waited_for_without_end(
    store: LocalStore, proxied: KadiClient, proxy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kadi_battgen.records.kadi.files.LONGEST_MERGE", 0.5)
    path = tmp_path / "large.h5"
    path.write_bytes(bytes(50_000_001))
    with Run(store, step="train") as run:
        run.add_file(path)
    with proxy.failing(method="GET", path="/uploads/", status=200, body=b'{"_meta": {"chunk_size": 10000000}}'):
        report = push(store, proxied, progress=False)
    assert "has not put its parts together in" in report.failures[run.identifier]


_PUSH = """
import sys
from kadi_battgen.records import LocalStore
from kadi_battgen.records.kadi import files
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.push import push

send = files._send
def told(client, number, what, *rest):
    send(client, number, what, *rest)
    print("sent", flush=True)
    sys.stdin.readline()
files._send = told
push(LocalStore(sys.argv[1]), KadiClient(Instance("t", sys.argv[2], sys.stdin.readline().strip())), progress=False)
"""


def test_a_push_that_was_killed_is_completed(store: LocalStore, client: KadiClient, step: Step) -> None:
    first = step(store, "fetch-electrodes")
    second = step(store, "simulate-afm", {"electrodes": f"run:{first.identifier}"})
    arguments = [sys.executable, "-c", _PUSH, str(store.folder), client.instance.host]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{client.instance.token}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "sent\n"  # the first file of the first record is there
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    number = client.find("records", first.identifier)["id"]
    assert set(remote_files(client, number, first.identifier)) == {first.files[0].stored}
    assert client.find("records", second.identifier) is None
    assert outcomes(push(store, client, progress=False)) == {
        first.identifier: ("updated", 1),
        second.identifier: ("created", 2),
    }
    assert set(outcomes(push(store, client, progress=False)).values()) == {("unchanged", 0)}


def test_failed_and_killed_runs_say_so(store: LocalStore, client: KadiClient) -> None:
    failed = Run(store, step="train", configuration={"working_ion": "Xx", "epochs": -3}, record_type="screening")
    with pytest.raises(ValueError, match="diverged"), failed:
        raise ValueError("the loss diverged")
    killed = Run(store, step="train")
    store.save(killed.record)
    path = store.record_folder(killed.identifier) / "record.json"
    document = json.loads(path.read_text())
    document["process"]["started"] -= 1  # another process has this number now
    path.write_text(json.dumps(document))
    assert set(outcomes(push(store, client, progress=False))) == {failed.identifier, killed.identifier}
    for run, state, words in ((failed, "failed", "ValueError: the loss diverged"), (killed, "killed", "was killed")):
        found = client.find("records", run.identifier)
        assert state in found["tags"]
        assert words in found["description"]
        assert json.loads(content(client, run.identifier, "record.json"))["state"] == state


def test_a_running_one_is_there_without_files(store: LocalStore, client: KadiClient, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    with Run(store, step="train") as run:
        run.add_file(path)
        report = push(store, client, progress=False)
        assert [(pushed.state, pushed.files) for pushed in report.pushed] == [("running", 0)]
        assert "running" in client.find("records", run.identifier)["tags"]
    assert outcomes(push(store, client, progress=False)) == {run.identifier: ("updated", 2)}
    assert "running" not in client.find("records", run.identifier)["tags"]


def test_one_record_that_cannot_be_pushed_keeps_no_other_back(
    store: LocalStore, client: KadiClient, other_client: KadiClient, step: Step
) -> None:
    changed, gone, trashed, foreign, taken, fine = (step(store, f"step-{number}") for number in range(6))
    (store.files_folder(changed.identifier) / changed.files[0].stored).write_text("something else")
    (store.files_folder(gone.identifier) / gone.files[0].stored).unlink()
    there = client.create("records", trashed.identifier, {"title": "t"})
    client.request("delete", f"/records/{there['id']}", "deleting")
    client.create("records", foreign.identifier, {"title": "not ours"})
    other_client.create("records", taken.identifier, {"title": "not ours either"})
    report = push(store, client, progress=False)
    assert [pushed.identifier for pushed in report.pushed] == [fine.identifier]
    assert not report.stopped
    for record, words in (
        (changed, "has changed since the run"),
        (gone, "is gone: restore it"),
        (trashed, "is in the trash of"),
        (foreign, "has another record with the identifier"),
        (taken, "has another record with the identifier"),
    ):
        assert words in report.failures[record.identifier]
    assert client.find("records", foreign.identifier)["title"] == "not ours"


def test_sources_that_cannot_be_linked_are_warned_of(
    store: LocalStore, client: KadiClient, other_client: KadiClient, step: Step, tmp_path: Path
) -> None:
    removed = step(store, "fetch-electrodes")
    record = step(store, "simulate-afm", {"electrodes": f"run:{removed.identifier}"})
    shutil.rmtree(store.record_folder(removed.identifier))
    (pushed,) = push(store, client, progress=False).pushed
    assert f"cannot be linked to {removed.identifier}, the electrodes that it used" in pushed.warnings[0]
    # Someone else's record may be read by all, but linked only with the right to.
    theirs = LocalStore(tmp_path / "theirs")
    shared = step(theirs, "fetch-electrodes")
    push(theirs, other_client, progress=False)
    number = other_client.find("records", shared.identifier)["id"]
    other_client.edit("records", number, shared.identifier, {"visibility": "public"})
    shutil.copytree(theirs.record_folder(shared.identifier), store.record_folder(shared.identifier))
    second = step(store, "simulate-afm", {"electrodes": f"run:{shared.identifier}"})
    shutil.rmtree(store.record_folder(shared.identifier))
    (pushed,) = push(store, client, [second.identifier], progress=False).pushed
    assert pushed.outcome == "created"
    assert "403 Forbidden" in pushed.warnings[0]
    assert record.identifier != second.identifier


def test_a_collection_of_others_is_named(
    store: LocalStore, client: KadiClient, other_client: KadiClient, step: Step
) -> None:
    other_client.create("collections", "their-project", {"title": "Their project"})
    record = step(store, project="Their project")
    report = push(store, client, progress=False)
    assert "The collection their-project" in report.failures[record.identifier]
    assert "choose another project with --project" in report.failures[record.identifier]


def test_a_name_that_is_no_record_is_refused(store: LocalStore, client: KadiClient) -> None:
    with pytest.raises(UserError, match="There is no record screen-1"):
        push(store, client, ["screen-1"], progress=False)


def test_any_file_name_arrives_and_comes_back(
    store: LocalStore, client: KadiClient, make_store: Any, tmp_path: Path
) -> None:
    long = "x" * 200 + "/" + "y" * 200 + ".h5"
    names = ["two  spaces.txt", " leading.txt", "tab\tin it.csv", long, "ü/ß#?%2F&=+.txt", "‐ .md", "two spaces.txt"]
    for name in names:
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    with Run(store, step="screen") as run:
        run.add_file(tmp_path / "work")
    push(store, client, progress=False)
    assert set(outcomes(push(store, client, progress=False)).values()) == {("unchanged", 0)}
    with Run(make_store(client, "there"), step="report") as second:
        folder = second.input("folder", f"kadi:{run.identifier}", "folder")
    assert [(folder / name).read_text() for name in names] == names


def test_a_push_says_when_it_waits_for_nothing(store: LocalStore, proxied: KadiClient, proxy: Any, step: Step) -> None:
    for number in range(3):
        step(store, f"step-{number}")
    proxy.stop()
    started = time.monotonic()
    report = push(store, proxied, progress=False)
    assert report.stopped
    assert len(report.failures) == 1
    assert "cannot be reached (connection refused)" in next(iter(report.failures.values()))
    assert time.monotonic() - started < 5
