"""Going on with a run: after failures and kills, in loops, and never with something else than was begun."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.run import FlowResult
from kadi_battgen.processes import process_start

Run = Callable[..., FlowResult]


def test_a_failed_run_goes_on_after_the_last_finished_step(small_tools, run: Run, calls, tmp_path):
    flow = FlowBuilder("trial", small_tools)
    loop = flow.loop(end=3, index="i")
    said = flow.tool("battgen say", text="line ${i}", after=[loop.body])
    written = flow.write_file("lines.txt", said, append=True, after=[said])
    read = flow.read_file("go-${i}", after=[written])
    flow.tool("battgen fail", status=read, after=[read])
    flow.tool("battgen say", text=said, loud=True, after=[loop])
    (tmp_path / "go-0").write_text("0\n")
    with pytest.raises(UserError, match="reads 'go-1', which does not exist"):
        run(flow)
    (tmp_path / "go-1").write_text("0\n")
    (tmp_path / "go-2").write_text("4\n")
    with pytest.raises(UserError, match="failed with exit status 4"):
        run(flow, resume=True)
    # What was read stays as it was read: a run that goes on must not mix two states of a file.
    (tmp_path / "go-2").write_text("0\n")
    with pytest.raises(UserError, match="failed with exit status 4"):
        run(flow, resume=True)
    assert (tmp_path / "lines.txt").read_text() == "line 0\nline 1\nline 2\n"
    assert [call.split()[0] for call in calls()] == ["say", "fail", "say", "fail", "say", "fail", "fail"]


def test_a_finished_run_is_not_done_again(flow: FlowBuilder, run: Run, calls):
    flow.tool("battgen say", text="b", arg0=flow.tool("battgen say", text="a"))
    first = run(flow)
    second = run(flow, resume=True)
    assert second.outputs == first.outputs
    assert second.restored == 2
    assert len(calls()) == 2


def test_without_resume_everything_is_done_again(flow: FlowBuilder, run: Run, calls, tmp_path):
    flow.tool("battgen say", text="a")
    run(flow)
    (tmp_path / "trial-log/my-notes.txt").write_text("keep")
    (tmp_path / "trial-log/099-left.out").write_text("left by a longer run")
    run(flow)
    assert len(calls()) == 2
    assert sorted(path.name for path in (tmp_path / "trial-log").iterdir()) == [
        "001-battgen-say.log",
        "001-battgen-say.out",
        "journal.jsonl",
        "lock",
        "my-notes.txt",
    ]


@pytest.mark.parametrize("what", ["workflow", "inputs", "journal", "output", "nothing"])
def test_what_is_not_gone_on_with(small_tools, run: Run, tmp_path, what):
    def builder(text: str) -> FlowBuilder:
        flow = FlowBuilder("trial", small_tools)
        flow.tool("battgen say", text=text, arg0=flow.ask_text("q", ""))
        return flow

    if what != "nothing":
        run(builder("a"), inputs={"q": "x"})
    if what == "journal":
        (tmp_path / "trial-log/journal.jsonl").write_text('{"journal": 99}\n')
    if what == "output":
        (tmp_path / "trial-log/001-battgen-say.out").write_text("changed")
    sentence = {
        "workflow": "holds a run with another workflow",
        "inputs": "holds a run with another inputs",
        "journal": "is no journal of this version",
        "output": "was changed or removed since the run",
        "nothing": "holds no run to go on with",
    }[what]
    with pytest.raises(UserError, match=sentence):
        run(builder("b" if what == "workflow" else "a"), inputs={"q": "y" if what == "inputs" else "x"}, resume=True)


@pytest.mark.parametrize("torn", [b'{"done": "{x}', b"garbage", b'{"done": "'])
def test_a_line_that_was_not_finished_never_happened(flow: FlowBuilder, run: Run, calls, tmp_path, torn):
    flow.tool("battgen say", text="b", arg0=flow.tool("battgen say", text="a"))
    run(flow)
    journal = tmp_path / "trial-log/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + torn)
    assert run(flow, resume=True).restored == 1
    assert len(calls()) == 3
    assert run(flow, resume=True).restored == 2


def test_a_line_is_added_once_even_if_the_run_was_killed_in_between(small_tools, run: Run, tmp_path):
    flow = FlowBuilder("trial", small_tools)
    said = flow.tool("battgen say", text="new")
    flow.write_file("lines.txt", said, append=True, after=[said])
    (tmp_path / "lines.txt").write_text("old\n")
    run(flow)
    journal = tmp_path / "trial-log/journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert b'"done"' in lines[-1]
    journal.write_bytes(b"".join(lines[:-1]))
    run(flow, resume=True)
    assert (tmp_path / "lines.txt").read_text() == "old\nnew\n"


RUNNER = """
import sys
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.reading import read_flow
from kadi_battgen.flows.run import run_flow
run_flow(read_flow(sys.argv[1]), sys.argv[2], programs=Programs(battgen=sys.argv[4:]), resume=sys.argv[3] == "resume")
"""


@contextmanager
def start(flow: Flow, folder: Path, battgen: list[str], resume: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Run a workflow in another process."""
    path = folder / "trial.flow"
    path.write_text(flow.text())
    words = [str(path), str(folder), "resume" if resume else "anew", *battgen]
    with subprocess.Popen([sys.executable, "-c", RUNNER, *words], stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


def results(folder: Path) -> dict[str, bytes]:
    """Return all that a run left, except for what is different each time."""
    journals = ("journal.jsonl", "lock", "calls.txt")
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in journals
    }


def test_a_run_that_was_killed_again_and_again_ends_as_if_nothing_had_happened(small_tools, stub, tmp_path):
    def builder() -> Flow:
        flow = FlowBuilder("trial", small_tools)
        loop = flow.loop(end=5, index="i")
        said = flow.tool("battgen say", text="line ${i}", after=[loop.body])
        written = flow.write_file("lines.txt", said, append=True, after=[said])
        read = flow.read_file("lines.txt", after=[written])
        flow.tool("battgen read", stdin=read, after=[read])
        flow.tool("battgen say", text=read, loud=True, after=[loop])
        return flow.build()

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    with start(builder(), whole, stub._battgen) as process:
        assert process.wait(60) == 0
    chance = random.Random(5)
    kills = 0
    for attempt in range(40):
        with start(builder(), broken, stub._battgen, resume=attempt > 0) as process:
            journal = broken / "trial-log/journal.jsonl"
            size = journal.stat().st_size if journal.exists() else 0
            more = chance.randrange(200, 900)
            while process.poll() is None and not (journal.exists() and journal.stat().st_size > size + more):
                time.sleep(0.001)
            ended = process.poll() is not None
            if not ended:
                process.kill()
                kills += 1
            process.communicate(timeout=60)
        if ended:
            assert process.returncode == 0
            break
    assert kills >= 3
    assert results(broken) == results(whole)
    assert len((broken / "lines.txt").read_text().splitlines()) == 5


def test_the_command_of_a_killed_run_is_ended_before_it_is_run_again(small_tools, stub, tmp_path):
    flow = FlowBuilder("trial", small_tools)
    waiting = flow.tool("battgen wait", file="go")
    flow.tool("battgen say", text="done", after=[waiting])
    with start(flow.build(), tmp_path, stub._battgen) as process:
        wait_for((tmp_path / "go.started").exists)
        process.kill()
        process.communicate()
    lines = (tmp_path / "trial-log/journal.jsonl").read_text().splitlines()
    (orphan,) = [json.loads(line)["command"]["pid"] for line in lines if "command" in line]
    assert process_start(orphan) is not None
    (tmp_path / "go.started").unlink()
    with start(flow.build(), tmp_path, stub._battgen, resume=True) as process:
        wait_for((tmp_path / "go.started").exists)
        assert process_start(orphan) is None
        (tmp_path / "go").touch()
        assert process.wait(60) == 0


def test_two_runs_do_not_share_a_folder(small_tools, stub, run: Run, tmp_path):
    flow = FlowBuilder("trial", small_tools)
    flow.tool("battgen wait", file="go")
    with start(flow.build(), tmp_path, stub._battgen) as process:
        wait_for((tmp_path / "go.started").exists)
        for resume in (True, False):
            with pytest.raises(UserError, match=f"is in use by process {process.pid}"):
                run(flow, resume=resume)
        (tmp_path / "go").touch()
        assert process.wait(60) == 0


def test_a_run_ends_when_its_command_is_killed(small_tools, stub, run: Run, tmp_path):
    flow = FlowBuilder("trial", small_tools)
    flow.tool("battgen wait", file="go")
    with start(flow.build(), tmp_path, stub._battgen) as process:
        wait_for((tmp_path / "go.started").exists)
        lines = (tmp_path / "trial-log/journal.jsonl").read_text().splitlines()
        os.kill(json.loads(lines[-1])["command"]["pid"], signal.SIGKILL)
        assert "battgen wait was ended by signal 9: waiting Its log is" in process.communicate(timeout=60)[1]
