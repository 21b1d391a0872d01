"""Inputs from records of a real Kadi4Mat: downloaded once, verified, and never written elsewhere."""

from __future__ import annotations

import json
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Record, Run, resolve
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.content import Content
from kadi_battgen.records.kadi.files import remote_files, upload
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.push import push
from kadi_battgen.records.kadi.store import KadiStore

from .proxy import Proxy

Step = Callable[..., Record]
MakeStore = Callable[..., KadiStore]

DOWNLOADS = r"/files/[^/]+/download$"


def replace(client: KadiClient, identifier: str, name: str, content: bytes) -> None:
    """Put other content into a file of a record in Kadi4Mat, or a file that it does not have."""
    number = client.find("records", identifier)["id"]
    there = remote_files(client, number, identifier).get(name)
    upload(client, number, identifier, name, Content.of(content), there)


@pytest.fixture
def pushed(store: LocalStore, client: KadiClient, step: Step) -> Record:
    record = step(store, "fetch-electrodes")
    assert not push(store, client, progress=False).failures
    return record


@pytest.fixture(scope="module")
def victim(kadi_sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Push a record whose record.json is then forged again and again."""
    folder = tmp_path_factory.mktemp("victim")
    connection = kadi_sandbox.connection
    with Run(LocalStore(folder / "records"), step="fetch-electrodes") as run:
        (folder / "a.txt").write_text("electrodes")
        run.add_file(folder / "a.txt")
    client = KadiClient(Instance("sandbox", connection.host, connection.token))
    assert not push(LocalStore(folder / "records"), client, progress=False).failures
    return run.record


def test_files_are_downloaded_once(
    pushed: Record, proxied: KadiClient, proxy: Proxy, make_store: MakeStore, store: LocalStore
) -> None:
    there = make_store(proxied, "there")
    for _ in range(2):
        with Run(there, step="simulate-afm") as run:
            path = run.input("electrodes", f"kadi:{pushed.identifier}")
        assert path.read_text().startswith("fetch-electrodes")
        assert path.is_relative_to(there.cache.folder)
    assert proxy.count("GET", DOWNLOADS) == 2  # record.json and the file
    assert stat.S_IMODE(there.cache.folder.stat().st_mode) == 0o700
    # And with Kadi4Mat away they are still there.
    proxy.stop()
    assert there.fetch(pushed.identifier) == pushed
    assert there.obtain(pushed.identifier, pushed.files[0]) == path


def test_a_damaged_copy_is_downloaded_again(pushed: Record, client: KadiClient, make_store: MakeStore) -> None:
    there = make_store(client, "there")
    record = there.fetch(pushed.identifier)
    path = there.obtain(record.identifier, record.files[0])
    original = path.read_bytes()
    path.write_bytes(b"damaged")
    (there.cache.record_folder(pushed.identifier) / "record.json").write_text('{"schema": ')
    record = there.fetch(pushed.identifier)
    assert there.obtain(record.identifier, record.files[0]).read_bytes() == original


@pytest.mark.parametrize("cut_after", [0, 5])
def test_a_broken_download_is_repeated_and_leaves_nothing_half(
    pushed: Record, proxied: KadiClient, proxy: Proxy, make_store: MakeStore, cut_after: int
) -> None:
    there = make_store(proxied, "there")
    record = there.fetch(pushed.identifier)
    with proxy.failing(path=DOWNLOADS, cut_after=cut_after, times=1):
        path = there.obtain(record.identifier, record.files[0])
    assert path.read_text().startswith("fetch-electrodes")
    path.unlink()
    with proxy.failing(path=DOWNLOADS, cut_after=cut_after), pytest.raises(UserError, match="the connection"):
        there.obtain(record.identifier, record.files[0])
    assert list(path.parent.iterdir()) == []


def test_a_file_with_another_content_is_refused(pushed: Record, client: KadiClient, make_store: MakeStore) -> None:
    there = make_store(client, "there")
    name = pushed.files[0].stored
    for content, words in (
        (b"x" * pushed.files[0].size, "is not the one that the record names"),
        (b"x", "has 1 bytes"),
    ):
        replace(client, pushed.identifier, name, content)
        record = there.fetch(pushed.identifier)
        with pytest.raises(UserError, match=words):
            there.obtain(record.identifier, record.files[0])
    number = client.find("records", pushed.identifier)["id"]
    file = remote_files(client, number, pushed.identifier)[name]
    client.request("delete", f"/records/{number}/files/{file.id}", "deleting")
    with pytest.raises(UserError, match=f"has no file {name}"):
        there.obtain(record.identifier, record.files[0])


@pytest.mark.parametrize(
    "name", ["../escaped", "../../escaped", "/tmp/escaped", "a/../../escaped", "..", "", "a\0b", "inputs/../../escaped"]
)
@pytest.mark.parametrize("place", ["file", "in folder"])
def test_a_hostile_record_writes_nowhere_else(
    victim: Record, client: KadiClient, make_store: MakeStore, tmp_path: Path, name: str, place: str
) -> None:
    document = victim.model_dump(mode="json", by_alias=True)
    (output,) = document["files"]
    if place == "file":
        output["stored"] = name
    else:
        entry = {"path": name, "sha256": output["sha256"], "size": output["size"], "record": None}
        document["files"] = [{**output, "kind": "folder", "stored": "folder", "files": [entry]}]
    replace(client, victim.identifier, "record.json", json.dumps(document).encode())
    # A file of that name, as far as Kadi4Mat takes it, with the content that the record states.
    there = make_store(client, "there")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="is no kadi-battgen/record document"):
        there.fetch(victim.identifier)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"identifier": "screen-1"}, "is that of the record screen-1"),
        ({"version": 99}, "document of version 1"),
        ({"schema": "other"}, "is no kadi-battgen/record document"),
        ({"state": "won"}, "is no kadi-battgen/record document"),
        (None, "is no kadi-battgen/record document"),
        (b"[" * 100_000, "is no kadi-battgen/record document"),
        (b"\xff\xfe", "is no kadi-battgen/record document"),
    ],
)
def test_a_record_that_is_not_what_it_should_be_is_refused(
    victim: Record, client: KadiClient, make_store: MakeStore, change: Any, words: str
) -> None:
    document = {**victim.model_dump(mode="json", by_alias=True), **(change if isinstance(change, dict) else {})}
    content = change if isinstance(change, bytes) else json.dumps(document if change is not None else None).encode()
    replace(client, victim.identifier, "record.json", content)
    with pytest.raises(UserError, match=words):
        make_store(client, "there").fetch(victim.identifier)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("kadi:absent-1", "has no record absent-1"),
        ("kadi:..", "is no record identifier"),
        ("kadi:UPPER", "is no record identifier"),
    ],
)
def test_a_record_that_is_not_there_is_said(
    client: KadiClient, make_store: MakeStore, reference: str, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        resolve(make_store(client), reference)


def test_a_run_that_has_not_ended_is_no_input(
    client: KadiClient, make_store: MakeStore, store: LocalStore, step: Step
) -> None:
    here, there = make_store(client, "here"), make_store(client, "there")
    with Run(here, step="train") as run, pytest.raises(UserError, match="has not ended"):
        there.fetch(run.identifier)


class TestRecordsThatBattgenDidNotMake:
    """Measured data, structures that someone has uploaded: their files are inputs too."""

    @pytest.fixture
    def measured(self, client: KadiClient, request: pytest.FixtureRequest) -> str:
        identifier = f"measured-{zlib.crc32(request.node.nodeid.encode())}"
        found = client.create("records", identifier, {"title": "Measured AFM stacks", "type": "measurement"})
        for name, content in (("raw/stack.h5", b"heights"), ("notes.txt", b"by hand"), ("../escaped", b"hostile")):
            upload(client, found["id"], identifier, name, Content.of(content), None)
        return identifier

    def test_their_files_are_inputs(
        self, client: KadiClient, make_store: MakeStore, measured: str, tmp_path: Path
    ) -> None:
        there = make_store(client, "there")
        with Run(there, step="predict-composition") as run:
            path = run.input("afm", f"kadi:{measured}/raw/stack.h5")
            assert path.read_bytes() == b"heights"
        assert run.record.inputs[0].records == (measured,)
        number = client.find("records", run.identifier)["id"]
        assert client.links(number, run.identifier) == {("afm", measured)}
        assert not list(tmp_path.rglob("escaped"))
        with pytest.raises(UserError, match="has 2 results that are a file: name one as"):
            resolve(there, f"kadi:{measured}")

    def test_what_changed_there_is_fetched_again(
        self, proxied: KadiClient, proxy: Proxy, client: KadiClient, make_store: MakeStore, measured: str
    ) -> None:
        there = make_store(proxied, "there")
        there.fetch(measured)
        there.fetch(measured)
        assert proxy.count("GET", DOWNLOADS) == 2
        replace(client, measured, "notes.txt", b"by hand, corrected")
        record = there.fetch(measured)
        assert proxy.count("GET", DOWNLOADS) == 3
        (notes,) = (entry for entry in record.files if entry.name == "notes.txt")
        assert there.obtain(measured, notes).read_bytes() == b"by hand, corrected"

    def test_one_without_files_is_refused(self, client: KadiClient, make_store: MakeStore) -> None:
        client.create("records", "measured-nothing", {"title": "Nothing yet"})
        with pytest.raises(UserError, match="has no files"):
            make_store(client).fetch("measured-nothing")
