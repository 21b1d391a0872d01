"""Running workflows for real: small commands, their logs, files, failures, and a few commands of ours."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.flows.builder import FlowBuilder
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.run import run_flow
from kadi_battgen.flows.tools import Parameter, Tool
from kadi_battgen.processes import process_start


def test_values_pass_from_one_command_to_the_next(flow: FlowBuilder, run, calls):
    first = flow.tool("battgen say", text="one\ntwo\n\n")
    loud = flow.tool("battgen say", text=first, loud=True)
    back = flow.tool("battgen read", stdin=loud)
    flow.variable("back", back, after=[back])
    flow.tool("battgen say", text="<${back}>", after=[back])
    result = run(flow)
    assert [output.path.read_text() for output in result.outputs] == [
        "one\ntwo\n\n\n",
        "ONE\nTWO\n",
        "OWT\nENO\n",
        "<OWT\nENO>\n",
    ]
    assert [output.name for output in result.outputs][:3] == ["battgen say", "battgen say #2", "battgen read"]
    assert result.restored == 0
    assert len(calls()) == 4


def test_hostile_values_arrive_as_they_are(flow: FlowBuilder, run, tmp_path):
    hostile = "$(touch broken) `touch broken`; touch broken\n--help 'a' \"b\" * ~ ü"
    asked = flow.ask_text("What", "")
    echoed = flow.tool("battgen say", text=asked)
    again = flow.tool("battgen say", text=echoed)
    flow.tool("battgen say", text="-${x}", arg0=again, after=[flow.variable("x", again)])
    result = run(flow, inputs={"What": hostile})
    assert [output.path.read_text().rstrip("\n") for output in result.outputs] == [hostile, hostile, f"-{hostile}"]
    assert not (tmp_path / "broken").exists()


def test_an_environment_runs_the_tool(flow: FlowBuilder, run, calls):
    flow.tool("battgen say", text="a b", environment=flow.environment("battgen inside", place="here"))
    assert run(flow).outputs[0].path.read_text() == "battgen say -t 'a b'\n"
    assert calls() == ["inside [('--env-exec', \"battgen say -t 'a b'\"), ('--place', 'here')]"]


def test_files_are_read_and_written(flow: FlowBuilder, run, tmp_path):
    (tmp_path / "in.txt").write_text("first\n")
    read = flow.read_file("in.txt")
    first = flow.write_file("sub/out.txt", read, after=[read])
    said = flow.tool("battgen say", text="second", after=[first])
    second = flow.write_file("sub/out.txt", said, append=True, after=[said])
    copy = flow.read_file("sub/out.txt", after=[second])
    flow.write_file("copy.txt", copy, append=False, after=[copy])
    flow.show_file("copy.txt", after=[copy])
    lines: list[str] = []
    (tmp_path / "copy.txt").write_text("old")
    run(flow, report=lines.append)
    assert (tmp_path / "sub/out.txt").read_text() == "first\nsecond\n"
    assert (tmp_path / "copy.txt").read_text() in ("first\nsecond\n", "old")
    assert any(line.endswith("see " + str(tmp_path / "copy.txt")) for line in lines)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("../outside.txt", "outside of"),
        ("/etc/passwd", "outside of"),
        ("link/passwd", "outside of"),
        ("", "empty path"),
        (" ", "empty path"),
        ("sub/../../x", "outside of"),
        ("trial-log/journal.jsonl", "belongs to the run itself"),
        ("trial-log/../trial-log/001-x.out", "belongs to the run itself"),
        ("folder", "is a folder"),
        ("x" * 5000, "(is no path|cannot use|does not exist)"),
    ],
)
@pytest.mark.parametrize("way", ["read", "write", "show"])
def test_files_out_of_reach(flow: FlowBuilder, run, tmp_path, path, sentence, way):
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "folder").mkdir()
    said = flow.tool("battgen say", text="x")
    if way == "write":
        flow.write_file(path, said, after=[said])
    else:
        (flow.read_file if way == "read" else flow.show_file)(path, after=[said])
    before = Path("/etc/passwd").stat().st_mtime_ns
    with pytest.raises(UserError, match=sentence):
        run(flow)
    assert Path("/etc/passwd").stat().st_mtime_ns == before
    assert not (tmp_path.parent / "outside.txt").exists()


def test_further_folders_may_be_allowed(flow: FlowBuilder, run, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    said = flow.tool("battgen say", text="x")
    flow.write_file(str(other / "a.txt"), said, after=[said])
    run(flow, folders=[other])
    assert (other / "a.txt").read_text() == "x\n"


def test_a_missing_file_is_named(flow: FlowBuilder, run):
    flow.read_file("absent.txt")
    with pytest.raises(UserError, match="File Input 'absent.txt' reads 'absent.txt', which does not exist"):
        run(flow)


def test_a_failure_stops_the_run_with_the_last_message(flow: FlowBuilder, run, calls, tmp_path):
    first = flow.tool("battgen say", text="a")
    failed = flow.tool("battgen fail", status=3, after=[first])
    flow.tool("battgen say", text="b", after=[failed])
    with pytest.raises(UserError) as caught:
        run(flow)
    log = tmp_path / "trial-log" / "002-battgen-fail.log"
    assert str(caught.value) == (
        f"battgen fail failed with exit status 3: last words Its log is {log}; correct the cause and run the workflow "
        "again with --resume."
    )
    assert log.read_text() == "$ battgen fail -s 3\nfirst line\nlast words\n"
    assert len(calls()) == 2


def test_output_that_is_no_text_or_too_long(flow: FlowBuilder, run, tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    flow.tool("battgen say", text=flow.read_file("bytes"))
    with pytest.raises(UserError, match="content of 'bytes' is no text in UTF-8"):
        run(flow)
    (tmp_path / "bytes").write_bytes(b"x" * 200_000)
    with pytest.raises(UserError, match="longer than 131071 bytes"):
        run(flow)


def test_what_no_program_can_be_given(small_tools, run, tmp_path):
    flow = FlowBuilder("trial", small_tools)
    (tmp_path / "nul").write_bytes(b"a\0b")
    flow.tool("battgen say", text=flow.read_file("nul"))
    with pytest.raises(UserError, match="holds a NUL character"):
        run(flow)


def test_a_command_line_that_is_too_long(run, tmp_path):
    many = Tool("battgen many", parameters=tuple(Parameter(f"option-{number}") for number in range(40)))
    flow = FlowBuilder("trial", {many.name: many})
    (tmp_path / "long").write_text("x" * 130_000)
    long = flow.variable("long", flow.read_file("long"))
    flow.tool("battgen many", after=[long], **{f"option_{number}": "${long}" for number in range(40)})
    with pytest.raises(UserError, match="cannot be started \\(Argument list too long\\)"):
        run(flow)


def test_secrets_do_not_reach_the_logs(flow: FlowBuilder, run, tmp_path):
    flow.tool("battgen say", text="x", api_token=flow.ask_text("Token"))
    run(flow, inputs={"Token": "pat-0123456789"})
    for path in (tmp_path / "trial-log").iterdir():
        assert b"pat-0123456789" not in path.read_bytes(), path
    assert "--api-token '***'" in (tmp_path / "trial-log/001-battgen-say.log").read_text()


def test_what_is_detached_is_not_waited_for(flow: FlowBuilder, run, tmp_path):
    waiting = flow.tool("battgen wait", file="go", profile="Detached")
    flow.tool("battgen say", text="on", after=[waiting])
    began = time.monotonic()
    result = run(flow)
    assert time.monotonic() - began < 20
    assert result.outputs[1].path.read_text() == "on\n"
    (tmp_path / "go").touch()
    for _ in range(500):
        if result.outputs[0].path.read_text() == "waited\n":
            break
        time.sleep(0.02)
    assert result.outputs[0].path.read_text() == "waited\n"


def test_other_programs_are_only_run_when_allowed(small_tools, tmp_path):
    flow = FlowBuilder("trial", {**small_tools, "sh": small_tools["battgen read"].__class__("sh")})
    flow.tool("sh")
    with pytest.raises(UserError, match="'sh', which is no battgen command"):
        run_flow(flow.build(), tmp_path / "a", report=lambda line: None)
    assert not list((tmp_path / "a" / "trial-log").glob("*.out"))
    run_flow(flow.build(), tmp_path / "a", programs=Programs(allow=["sh"]), report=lambda line: None)


def test_progress_is_reported(flow: FlowBuilder, run):
    first = flow.tool("battgen say", text="a")
    flow.tool("battgen say", text="b", after=[first])
    lines: list[str] = []
    run(flow, report=lines.append)
    assert lines[0] == "[1/2] battgen say -t a"
    assert lines[2] == "[2/2] battgen say -t b"
    assert lines[3].startswith("[2/2] battgen say #2 took ")


def test_progress_goes_to_standard_error(flow: FlowBuilder, stub, tmp_path, capfd):
    flow.tool("battgen say", text="a")
    run_flow(flow.build(), tmp_path, programs=stub)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("[1/1] battgen say -t a\n")


def test_real_commands(real_tools, tmp_path):
    flow = FlowBuilder("real", real_tools)
    count = flow.ask_integer("How many", 3)
    fetched = flow.tool("battgen fetch-electrodes", output="electrodes.json", limit=count)
    again = flow.tool("battgen fetch-electrodes", output="electrodes.json/inside.json", after=[fetched])
    flow.tool("battgen fetch-electrodes", output="never.json", after=[again])
    with pytest.raises(UserError, match="battgen fetch-electrodes #2 failed with exit status 2: .*electrodes.json"):
        run_flow(flow.build(), tmp_path, inputs={"How many": "2"}, tools=real_tools, report=lambda line: None)
    assert len(json.loads((tmp_path / "electrodes.json").read_text())["electrodes"]) == 2
    assert (tmp_path / "real-log/001-battgen-fetch-electrodes.out").read_text() == "electrodes.json\n"
    assert not (tmp_path / "never.json").exists()


INTERRUPTED = """
import sys
from pathlib import Path
from kadi_battgen.flows.commands import Programs
from kadi_battgen.flows.reading import read_flow
from kadi_battgen.flows.run import run_flow
from kadi_battgen.flows.tools import Parameter, Tool
from kadi_battgen.processes import process_start
run_flow(read_flow(sys.argv[1]), sys.argv[2], programs=Programs(battgen=sys.argv[3:]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_and_says_how_to_go_on(flow: FlowBuilder, stub, tmp_path, calls, number):
    waiting = flow.tool("battgen wait", file="go")
    flow.tool("battgen say", text="done", after=[waiting])
    (tmp_path / "trial.flow").write_text(flow.build().text())
    script = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "trial.flow"), str(tmp_path), *stub._battgen]
    with subprocess.Popen(script, stderr=subprocess.PIPE, text=True) as process:
        started = tmp_path / "go.started"
        for _ in range(1000):
            if started.exists():
                break
            time.sleep(0.02)
        process.send_signal(number)
        try:
            messages = process.communicate(timeout=30)[1]
        finally:
            process.kill()
        assert process.returncode != 0
    assert "Interrupted in battgen wait. Run the workflow again with --resume to go on." in messages
    journal = (tmp_path / "trial-log/journal.jsonl").read_text().splitlines()
    (child,) = [json.loads(line)["command"]["pid"] for line in journal if "command" in line]
    assert process_start(child) is None
    (tmp_path / "go").touch()
    result = run_flow(flow.build(), tmp_path, programs=stub, resume=True, report=lambda line: None)
    assert result.outputs[1].path.read_text() == "done\n"
    assert [call.split()[0] for call in calls()] == ["wait", "wait", "say"]
