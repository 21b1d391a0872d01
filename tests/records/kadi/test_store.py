"""Runs that are recorded in a real Kadi4Mat, and what they do when it is away."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Record, Run, open_store, read_chain
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.files import remote_files
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.push import push
from kadi_battgen.records.kadi.session import Patience
from kadi_battgen.records.kadi.store import KadiStore
from kadi_battgen.records.kadi.sync import read_copy

from .proxy import Fault, Proxy

Step = Callable[..., Record]
MakeStore = Callable[..., KadiStore]


def state_in_kadi(client: KadiClient, identifier: str) -> str | None:
    found = client.find("records", identifier)
    if found is None:
        return None
    run = next(extra["value"] for extra in found["extras"] if extra["key"] == "run")
    return next(extra["value"] for extra in run if extra["key"] == "state")


def test_a_run_is_there_from_its_start(client: KadiClient, make_store: MakeStore, tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("result")
    with Run(make_store(client), step="train", title="A training") as run:
        assert state_in_kadi(client, run.identifier) == "running"
        run.add_file(path)
    assert state_in_kadi(client, run.identifier) == "succeeded"
    number = client.find("records", run.identifier)["id"]
    assert set(remote_files(client, number, run.identifier)) == {"result.txt", "record.json"}


def test_results_of_one_machine_are_inputs_of_another(client: KadiClient, make_store: MakeStore, step: Step) -> None:
    here, there = make_store(client, "here"), make_store(client, "there")
    first = step(here, "fetch-electrodes")
    second = step(here, "simulate-afm", {"electrodes": f"run:{first.identifier}"})
    third = step(there, "build-dataset", {"afm": f"kadi:{second.identifier}"})
    assert third.inputs[0].records == (second.identifier,)
    # The whole chain is known there, and linked in Kadi4Mat.
    chain = [record.identifier for record in read_chain(there, third.identifier)]
    assert chain == [third.identifier, second.identifier, first.identifier]
    number = client.find("records", third.identifier)["id"]
    assert client.links(number, third.identifier) == {("afm", second.identifier)}
    # The same content, given by its path, is known by its checksum.
    with Run(there, step="build-dataset") as again:
        again.add_input("afm", there.obtain(second.identifier, second.files[0]))
    assert again.record.inputs[0].records == (second.identifier,)


def test_what_earlier_runs_could_not_push_comes_with_the_next(
    proxied: KadiClient, proxy: Proxy, make_store: MakeStore, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    store = make_store(proxied)
    proxy.stop()
    first = step(store, "fetch-electrodes")
    second = step(store, "simulate-afm", {"electrodes": f"run:{first.identifier}"})
    proxy.start()
    third = step(store, "build-dataset", {"afm": f"run:{second.identifier}"})
    for record in (first, second, third):
        assert state_in_kadi(proxied, record.identifier) == "succeeded"
        copy = read_copy(store.local.record_folder(record.identifier), proxied.address)
        assert copy is not None
        assert copy.complete
    assert capsys.readouterr().err.count("push it later with") == 2


FAILURES = {
    "stopped": None,
    "401": {"status": 401, "body": b'{"code": 401, "description": "No valid access token was supplied."}'},
    "403": {"status": 403, "body": b'{"code": 403, "description": "You may not."}'},
    "413": {"status": 413},
    "429": {"status": 429, "headers": {"Retry-After": "3600"}},
    "500": {"status": 500},
    "503": {"status": 503},
    "reset": {"resets": True},
    "answer lost": {"resets": True, "forwards": True},
    "slow": {"delay": 1.5},
    "not JSON": {"status": 200},
}
WORDS = {
    "stopped": "cannot be reached (connection refused)",
    "401": "No valid access token was supplied",
    "403": "403 Forbidden",
    "413": "413",
    "429": "asks to wait for 3600 s",
    "500": "500 Internal Server Error",
    "503": "503 Service Unavailable",
    "reset": "cannot be reached (",
    "answer lost": "cannot be reached (",
    "slow": "gave no answer in time",
    "not JSON": "is no answer of Kadi4Mat",
}


@pytest.mark.parametrize(
    ("when", "failure"),
    [("in the middle", failure) for failure in FAILURES]
    + [("from the start", failure) for failure in ("stopped", "401", "503", "slow")],
)
def test_no_failure_of_kadi_stops_a_run(
    proxied: KadiClient,
    client: KadiClient,
    proxy: Proxy,
    make_store: MakeStore,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    failure: str,
    when: str,
) -> None:
    if failure == "slow":
        proxied = KadiClient(replace(proxied.instance, timeout=1.0), Patience(seconds=0.5))
    store, options = make_store(proxied), FAILURES[failure]
    path = tmp_path / "result.txt"
    path.write_text("result")

    def fail() -> None:
        if options is None:
            proxy.stop()
        else:
            proxy.faults.append(Fault(**options))

    started = time.monotonic()
    if when == "from the start":
        fail()
    with Run(store, step="train") as run:
        if when == "in the middle":
            fail()
        run.add_file(path)
    assert time.monotonic() - started < 15
    assert store.load(run.identifier).state == "succeeded"
    error = capsys.readouterr().err
    (sentence,) = error.strip().splitlines()
    assert WORDS[failure] in sentence
    command = f"battgen push {run.identifier} --records {store.local.folder} --instance proxied"
    assert sentence.endswith(f"push it later with: {command}")
    assert client.instance.token not in error

    # And later it can be pushed.
    report = push(store.local, client, progress=False)
    assert not report.failures
    assert state_in_kadi(client, run.identifier) == "succeeded"
    number = client.find("records", run.identifier)["id"]
    assert set(remote_files(client, number, run.identifier)) == {"result.txt", "record.json"}


@pytest.mark.parametrize(
    ("fault", "method", "path"),
    [
        ({"status": 503, "times": 2}, "POST", r"/records$"),
        ({"status": 429, "headers": {"Retry-After": "0"}, "times": 3}, "GET", r"/records/identifier/"),
        (
            {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "times": 1},
            "POST",
            r"/records$",
        ),
        ({"resets": True, "forwards": True, "times": 1}, "POST", r"/records$"),
        ({"resets": True, "forwards": True, "times": 1}, "PUT", r"/uploads/"),
        ({"resets": True, "times": 1}, "PUT", r"/uploads/"),
        ({"resets": True, "forwards": True, "times": 1}, "POST", r"/records/\d+/records$"),
        ({"resets": True, "forwards": True, "times": 1}, "POST", r"/collections$"),
        ({"resets": True, "forwards": True, "times": 1}, "PATCH", r"/records/\d+$"),
    ],
)
def test_what_passes_is_tried_again_and_nothing_is_done_twice(
    instance: Instance,
    proxy: Proxy,
    make_store: MakeStore,
    step: Step,
    capsys: pytest.CaptureFixture[str],
    fault: dict[str, Any],
    method: str,
    path: str,
) -> None:
    # Patient, since the server may take its time on a busy machine before its answer gets lost.
    client = KadiClient(replace(instance, host=proxy.host, timeout=10.0), Patience(seconds=30.0, first_delay=0.05))
    store = make_store(client)
    with proxy.failing(method=method, path=path, **fault) as injected:
        first = step(store, "fetch-electrodes", project=f"Project {proxy.port} {method} {path} {fault}")
        second = step(store, "simulate-afm", {"electrodes": f"run:{first.identifier}"})
        assert injected.times == 0, "the fault has hit nothing"
    assert capsys.readouterr().err == ""
    number = client.find("records", second.identifier)["id"]
    assert client.links(number, second.identifier) == {("electrodes", first.identifier)}
    files = list(client.items(f"/records/{number}/files", "reading"))
    assert sorted(file["name"] for file in files) == sorted([second.files[0].stored, "record.json"])


def test_a_killed_run_is_told_of_by_the_next(
    client: KadiClient, make_store: MakeStore, step: Step, tmp_path: Path
) -> None:
    store = make_store(client)
    program = (
        "import sys, time\n"
        "from kadi_battgen.records import Run, open_store\n"
        f"with Run(open_store({str(store.local.folder)!r}), step='train') as run:\n"
        "    print(run.identifier, flush=True)\n"
        "    time.sleep(60)\n"
    )
    variables = {"KADI_HOST": client.instance.host, "KADI_PAT": client.instance.token, "HOME": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=variables)
    assert process.stdout is not None
    killed = process.stdout.readline().strip()
    assert state_in_kadi(client, killed) == "running"
    process.kill()
    process.wait()
    process.stdout.close()
    assert state_in_kadi(client, killed) == "running"
    step(store, "train")
    assert state_in_kadi(client, killed) == "killed"


def test_no_connection_stays_open_while_a_run_computes(client: KadiClient, make_store: MakeStore) -> None:
    before = set(threading.enumerate())
    with Run(make_store(client), step="train"):
        # A closed connection's watcher is told to end and does so a moment later.
        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=5.0)
        assert set(threading.enumerate()) <= before


def test_a_failed_run_keeps_its_own_error(client: KadiClient, make_store: MakeStore) -> None:
    run = Run(make_store(client), step="train")
    with pytest.raises(ValueError, match="diverged") as caught, run:
        raise ValueError("the loss diverged")
    assert not getattr(caught.value, "__notes__", [])
    assert state_in_kadi(client, run.identifier) == "failed"


def test_the_token_is_nowhere(
    proxied: KadiClient,
    proxy: Proxy,
    make_store: MakeStore,
    step: Step,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    store, token = make_store(proxied), proxied.instance.token
    record = step(store, "screen")
    with proxy.failing(path="records", status=401, body=f'{{"description": "{token} is unknown"}}'.encode()):
        step(store, "screen")
        with pytest.raises(UserError) as caught:
            make_store(proxied, "there").fetch(record.identifier)
    assert token not in str(caught.value)
    assert token not in repr((store, store.client, proxied.instance, caught.value))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 4
    assert not [path for path in written if token.encode() in path.read_bytes()]
    output = capfd.readouterr()
    assert token not in output.out + output.err + caplog.text
    number = proxied.find("records", record.identifier)["id"]
    for name, file in remote_files(proxied, number, record.identifier).items():
        answer = proxied.request("get", f"/records/{number}/files/{file.id}/download", "reading")
        assert token.encode() not in answer.content, name


@pytest.mark.parametrize("token", ["pat_line\nbreak", "pat_ümlaut", "pat with spaces", ""])
def test_a_token_that_no_header_can_hold_is_not_shown(token: str, kadi_sandbox: Any) -> None:
    with pytest.raises(UserError) as caught:
        Instance("mine", kadi_sandbox.connection.host, token)
    assert not token or token not in str(caught.value)


def test_open_store_without_an_instance_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_store(tmp_path), LocalStore)
    monkeypatch.setenv("KADI_HOST", "http://localhost:1")
    monkeypatch.setenv("KADI_PAT", "pat_x")
    assert isinstance(open_store(tmp_path), KadiStore)
    assert isinstance(open_store(tmp_path, "local"), LocalStore)
    with pytest.raises(UserError, match="no Kadi4Mat instance 'absent'"):
        open_store(tmp_path, "absent")
