"""What a killed server leaves behind is not taken for a live one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kadi_battgen.sandbox.services import last_lines, postgres_is_ready, remove_stale_lock

PIDFILE = "{pid}\n/data\n1700000000\n{port}\n\n127.0.0.1\n  1 2\n{state}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PIDFILE.format(pid=1, port=5432, state="ready   "), True),
        (PIDFILE.format(pid=1, port=5432, state="starting"), False),
        (PIDFILE.format(pid=1, port=5433, state="ready   "), False),
        ("1\n/data\n", False),
        ("", False),
        (None, False),
    ],
)
def test_postgres_is_ready(tmp_path, text, expected):
    pidfile = tmp_path / "postmaster.pid"
    if text is not None:
        pidfile.write_text(text)
    assert postgres_is_ready(pidfile, 5432) is expected


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("pid", "kept"),
    [
        pytest.param(os.getpid, False, id="another program's number"),
        # PostgreSQL itself sees these, and looks further for processes of the server that was killed.
        pytest.param(ended_process, True, id="nobody's number"),
        pytest.param(lambda: "what", True, id="no number"),
    ],
)
def test_a_number_that_another_program_has_by_now(tmp_path, pid, kept):
    pidfile = tmp_path / "postmaster.pid"
    pidfile.write_text(PIDFILE.format(pid=pid(), port=5432, state="ready"))
    remove_stale_lock(pidfile)
    assert pidfile.exists() is kept


def test_the_lock_of_a_running_database_is_kept(kadi_sandbox):
    pidfile = kadi_sandbox.sandbox.folder.database / "postmaster.pid"
    remove_stale_lock(pidfile)
    assert pidfile.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n\nb  \nc\n\nd\n", "b / c / d"), ("only", "only"), ("", ""), (None, "")],
)
def test_the_last_lines_of_a_log(tmp_path, text, expected):
    log = tmp_path / "web.log"
    if text is not None:
        log.write_text(text)
    assert last_lines(log) == expected
