"""Progress bars: on standard error only, silent when asked, and saying what is done and for how long."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from kadi_battgen import progress
from kadi_battgen.progress import progress_bar, progress_text
from kadi_battgen.terminal import Verbosity, at_verbosity


@pytest.mark.parametrize(
    ("variable", "enabled", "level", "shown"),
    [
        ("1", True, Verbosity.NORMAL, True),
        ("1", True, Verbosity.VERBOSE, True),
        ("0", True, Verbosity.NORMAL, False),
        ("1", False, Verbosity.NORMAL, False),
        ("1", True, Verbosity.QUIET, False),
    ],
)
def test_bars_leave_standard_output_free(capsys, monkeypatch, variable, enabled, level, shown):
    monkeypatch.setenv("BATTGEN_PROGRESS", variable)
    with at_verbosity(level):
        items = list(progress_bar(range(3), description="Counting", unit="number", enabled=enabled))
    assert items == [0, 1, 2]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ("Counting: 3 of 3 numbers in 0 s\n" if shown else "")


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "unit", "initial", "ended", "text"),
    [
        (0, 10, 0.0, "run", 0, False, "0 of 10 runs (0%), 0 s so far"),
        (240, 2000, 20.0, "stack", 0, False, "240 of 2000 stacks (12%), 20 s so far, about 2 min 27 s left"),
        (240, 2000, 20.0, "stack", 200, False, "240 of 2000 stacks (12%), 20 s so far, about 14 min 40 s left"),
        (2000, 2000, 167.0, "stack", 0, False, "2000 of 2000 stacks in 2 min 47 s"),
        (12, 50, 60.0, "epoch", 0, True, "12 of 50 epochs in 1 min"),
        (1, 1, 3.0, "batch", 0, True, "1 of 1 batch in 3.0 s"),
        (1, 2, 3.0, "batch", 0, False, "1 of 2 batches (50%), 3.0 s so far, about 3.0 s left"),
        (7, None, 3.0, "ion", 0, False, "7 ions, 3.0 s so far"),
        (7, None, 3.0, "ion", 0, True, "7 ions in 3.0 s"),
        (0, 0, 0.0, "run", 0, False, "0 of 0 runs in 0 s"),
        (3_000_000, 12_000_000, 2.0, "B", 0, False, "3.00 MB of 12.0 MB (25%), 2.0 s so far, about 6.0 s left"),
    ],
)
def test_how_far_a_job_is(done, total, elapsed, unit, initial, ended, text):
    assert progress_text(done, total, elapsed, unit=unit, initial=initial, ended=ended) == text


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end(capsys, monkeypatch):
    monkeypatch.setenv("BATTGEN_PROGRESS", "1")
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with progress_bar(total=100, description="Simulating", unit="stack") as bar:
        for _ in range(50):
            clock[0] += 0.5
            bar.update()
        bar.note("loss 0.1")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "Simulating: 20 of 100 stacks (20%), 10 s so far, about 40 s left",
        "Simulating: 40 of 100 stacks (40%), 20 s so far, about 30 s left",
        "Simulating: 50 of 100 stacks in 25 s, loss 0.1",
    ]


ON_A_TERMINAL = """
import time
from battgen_nodes.frame import say
from kadi_battgen.progress import progress_bar
bar = progress_bar(total=4, description="Simulating", unit="stack")
for _ in range(2):
    time.sleep(0.11)
    bar.update()
say("something happened")
bar.close()
"""


def test_a_terminal_sees_one_line_that_is_redrawn():
    """A real terminal, on whose far side this test reads."""
    near, far = pty.openpty()
    environment = {**os.environ, "BATTGEN_PROGRESS": "1", "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", ON_A_TERMINAL], stderr=far, env=environment) as process:
        os.close(far)
        seen = b""
        try:
            while part := os.read(near, 4096):
                seen += part
        except OSError:  # Linux says so when the other side has closed
            pass
        assert process.wait() == 0
    os.close(near)
    lines = seen.decode().split("\r\n")
    states = lines[0].split("\r")[1:]
    assert len(states) == 3
    assert "2 of 4 stacks (50%)" in states[-1]
    assert states[-1].count("#") == states[-1].count(".") - states[-1].split("] ")[1].count(".") > 0
    assert lines[1] == "something happened"
    assert "2 of 4 stacks in 0." in lines[2]
