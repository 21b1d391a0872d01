"""The commands ``battgen kadi``: what they print, and what they refuse; their life is told in tests/sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner, Result


def run(*arguments: object) -> Result:
    return CliRunner().invoke(battgen, ["kadi", *map(str, arguments)])


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATTGEN_SANDBOX", str(tmp_path / "default"))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("years of work")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "sandbox.json").write_text('{"schema": "another program"}')
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "sandbox.json").write_text('{"schema": "kadi-battgen/sandbox", "version": 99}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sandbox.json").write_text('{"schema": ')
    (tmp_path / "file").write_text("")
    return tmp_path


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("status", "default holds no sandbox: name its folder, or make one with 'battgen kadi up'."),
        ("down", "default holds no sandbox"),
        ("down --delete", "default holds no sandbox"),
        ("status --folder foreign", "foreign holds no sandbox"),
        ("down --folder foreign --delete", "foreign holds no sandbox"),
        ("down --folder other --delete", "other holds no sandbox"),
        ("down --folder newer --delete", "is of another version of kadi-battgen"),
        ("down --folder broken --delete", "broken/sandbox.json is not a JSON document"),
        ("up --folder foreign", "foreign holds other files: name a new or an empty folder for the sandbox."),
        ("up --folder other", "other holds other files"),
        ("up --folder file", "Directory 'file' is a file"),
        ("up --folder file/sandbox", "file/sandbox cannot be used (Not a directory)"),
        ("up --folder new --environment foreign", "holds other files: name a new or an empty folder for Kadi4Mat's"),
        ("up --folder new --port 0", "0 is not in the range"),
        ("up --folder new --port 65536", "65536 is not in the range"),
    ],
)
def test_what_is_refused(own_folder: Path, command: str, sentence: str) -> None:
    before = content(own_folder)
    outcome = run(*command.split())
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert sentence in " ".join(outcome.stderr.split())
    assert "Traceback" not in outcome.output
    after = content(own_folder)
    assert {path: after[path] for path in after if path.parent.name != "new"} == before


def test_up_prints_the_address_and_says_where_the_rest_is(kadi_sandbox) -> None:
    sandbox, connection = kadi_sandbox.sandbox, kadi_sandbox.connection
    outcome = run("up", "--folder", sandbox.folder.path)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == f"{connection.host}\n"
    assert f"already up: {connection.host}" in outcome.stderr
    assert f"log in as {connection.username}" in outcome.stderr
    assert str(sandbox.folder.kadiconfig) in outcome.stderr
    assert "--instance sandbox" in outcome.stderr
    assert connection.token not in outcome.output
    assert connection.password not in outcome.output


def test_status_prints_what_there_is(kadi_sandbox) -> None:
    sandbox, connection = kadi_sandbox.sandbox, kadi_sandbox.connection
    outcome = run("status", "--folder", sandbox.folder.path)
    assert outcome.exit_code == 0, outcome.output
    lines = dict(line.split(maxsplit=1) for line in outcome.stdout.splitlines())
    status = sandbox.status()
    assert lines == {
        "state": "up",
        "address": connection.host,
        "folder": str(sandbox.folder.path),
        "environment": str(status.environment),
        **{name: f"process {pid}" for name, pid in status.processes.items()},
        **status.versions,
    }


def test_a_port_in_use_is_refused(kadi_sandbox, kadi_environment: Path, tmp_path: Path) -> None:
    port = kadi_sandbox.connection.host.rpartition(":")[2]
    outcome = run("up", "--folder", tmp_path / "new", "--environment", kadi_environment, "--port", port)
    assert outcome.exit_code == 2
    assert f"The port {port} cannot be used (Address already in use)" in " ".join(outcome.stderr.split())
    status = run("status", "--folder", tmp_path / "new")
    assert status.exit_code == 1
    assert "none yet" in status.stdout
