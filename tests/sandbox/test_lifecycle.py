"""What stays and what goes when a sandbox, or a part of it, ends; beside another one that is not touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.processes import process_start
from kadi_battgen.sandbox import FOLDER_VARIABLE


@pytest.mark.slow
def test_the_life_of_a_sandbox(
    kadi_sandbox, kadi_environment, new_sandbox, kadi_manager, processes_of, command_lines, tmp_path, monkeypatch
):
    """One test, since each start takes seconds."""
    # A path that settings files must quote, and that is too long for a socket's.
    folder = tmp_path / ("long " * 20) / '{braces} "quotes" 100%'
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    sandbox = new_sandbox(None)
    assert sandbox.folder.path == folder
    neighbour = kadi_sandbox.sandbox.status()

    connection = sandbox.up()
    seen = command_lines.stop()
    assert any(b"initdb" in line for line in seen)
    assert not any(secret.encode() in line for secret in (connection.token, connection.password) for line in seen)
    assert connection.host != kadi_sandbox.connection.host
    assert sandbox.status().is_up
    record = kadi_manager(connection).record(identifier="kept", title="Kept", create=True)
    record.upload_string_to_file("content", "file.txt")
    someone = sandbox.create_user("someone")

    # Killed in part: what is left is told, ended and started again.
    kill(sandbox.status().processes["database"])
    kill(sandbox.status().processes["worker"])
    status = sandbox.status()
    assert (status.processes["database"], status.processes["worker"], status.is_up) == (None, None, False)
    assert status.processes["web"] is not None
    with pytest.raises(UserError, match="is not up"):
        sandbox.create_user("someone-else")
    assert sandbox.up() == connection
    assert sandbox.status().is_up
    assert kadi_manager(connection).record(identifier="kept").id == record.id

    # Down, and up by another process: the data, the address and the users are the same.
    sandbox.down()
    assert not any(sandbox.status().processes.values())
    assert not processes_of(folder)
    assert battgen("status") == (1, "down")
    sandbox.down()
    assert battgen("up") == (0, connection.host)
    assert sandbox.status().is_up
    assert battgen("status") == (0, "up")
    assert sandbox.connection() == connection
    assert sandbox.connection("someone") == someone
    files = kadi_manager(connection).record(identifier="kept").get_filelist().json()["items"]
    assert [entry["name"] for entry in files] == ["file.txt"]
    assert kadi_manager(someone).pat_user.meta["identity"]["username"] == "someone"

    assert battgen("down", "--delete") == (0, "")
    assert not folder.exists()
    assert not processes_of(folder)
    assert kadi_environment.is_dir()
    assert kadi_sandbox.sandbox.status() == neighbour


def kill(pid: int) -> None:
    """Kill a process as a lack of memory would, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    while process_start(pid) is not None:
        time.sleep(0.01)


def battgen(*arguments: str) -> tuple[int, str]:
    """Run a command of ``battgen kadi`` as a user does; return its exit status and the last word of its first line."""
    script = "from battgen_nodes.main import battgen; battgen()"
    command = [sys.executable, "-c", script, "kadi", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = done.stdout.partition("\n")[0].split()
    return done.returncode, words[-1] if words else ""


@pytest.mark.parametrize(
    ("moment", "spoil", "error", "sentence"),
    [
        (
            "database and queue",
            "postgresql.conf",
            UserError,
            r"sandbox's database ended at its start .*postgresql\.conf",
        ),
        ("web and worker", None, KeyboardInterrupt, None),
    ],
)
def test_a_start_that_fails_leaves_nothing_running(new_sandbox, processes_of, tmp_path, moment, spoil, error, sentence):
    folder = tmp_path / "sandbox"

    def report(line):
        if line == f"starting {moment}":
            if spoil is None:
                raise KeyboardInterrupt
            (folder / "database" / spoil).unlink()

    sandbox = new_sandbox(folder)
    with pytest.raises(error, match=sentence) as caught:
        sandbox.up(report=report)
    assert "\n" not in str(caught.value)
    assert not processes_of(folder)
    assert not any(sandbox.status().processes.values())
    sandbox.down(delete=True)
    assert not folder.exists()
