"""A process is known by more than its number, and only the one meant is ended."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from kadi_battgen.processes import ProcessIdentity, boot_digest, process_start

#: Says "ready" once the signal handlers of the case are in place.
SLEEP = "import signal, sys, time; {handlers}; print('ready', flush=True); time.sleep(60)"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def sleeper(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    script = SLEEP.format(handlers=getattr(request, "param", "pass"))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_this_process_is_running():
    identity = ProcessIdentity.of(os.getpid())
    assert identity is not None
    assert identity.is_running()
    assert identity.boot == boot_digest()


@pytest.mark.parametrize(
    ("sleeper", "ending", "expected"),
    [
        ("pass", signal.SIGTERM, -signal.SIGTERM),
        ("pass", signal.SIGINT, -signal.SIGINT),
        (STUBBORN, signal.SIGTERM, -signal.SIGKILL),
    ],
    indirect=["sleeper"],
)
def test_a_process_is_ended(sleeper, ending, expected):
    identity = ProcessIdentity.of(sleeper.pid)
    assert identity is not None
    started = time.monotonic()
    identity.end(ending, patience=0.5)
    assert time.monotonic() - started < 5
    # Not yet waited for: a zombie counts as gone.
    assert process_start(sleeper.pid) is None
    assert not identity.is_running()
    assert sleeper.wait() == expected
    identity.end(ending)


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "0" * 32}, {"boot": None}])
def test_another_process_with_the_same_number_is_left_alone(sleeper, change):
    identity = ProcessIdentity.of(sleeper.pid)
    assert identity is not None
    other = dataclasses.replace(identity, **change)
    assert not other.is_running()
    other.end()
    assert identity.is_running()


def test_no_process_has_no_identity(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert ProcessIdentity.of(sleeper.pid) is None
