"""Manners of all commands at a terminal: how much they say, in which colour, and how they end when asked to."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from battgen_nodes.frame import detail, node, result, say, warn
from battgen_nodes.main import battgen
from click.testing import CliRunner, Result

from kadi_battgen.files import sha256_file
from kadi_battgen.records import LocalStore

BATTGEN = (sys.executable, "-m", "battgen_nodes")

SIMULATE_AFM = (
    "simulate-afm --electrodes e.json --orientations 2 --pixels 64 --skip-too-large --workers 1 --output afm.h5"
)
#: The smallest translator, trained for longer than a test waits.
TRANSLATOR = """
translation:
  loop: {epochs: 60, batch_size: 6, patience: 60, precision: 32-true}
  channels: [8, 8]
  attention_levels: [false, false]
  patch_size: 1
  adversarial_start: 1
  discriminator_channels: 4
  baselines: []
"""

SIMULATE_SEI = "simulate-sei --runs 40 --max-events 300000 --seed 1 --workers 1 --output sei.h5"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(battgen, list(arguments))


class TestHowMuchIsSaid:
    FETCH = ("fetch-electrodes", "--limit", "2", "--output", "e.json")

    def test_quiet_leaves_the_result(self) -> None:
        outcome = run(*self.FETCH, "--quiet")
        assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, "e.json\n", "")

    def test_quiet_does_not_hold_back_errors(self) -> None:
        outcome = run("simulate-afm", "--electrodes", "absent.json", "--output", "afm.h5", "-q")
        assert (outcome.exit_code, outcome.stdout) == (2, "")
        assert outcome.stderr.startswith("Error: absent.json does not exist")

    def test_nor_warnings(self) -> None:
        @node("probe", example="")
        def probe() -> None:
            """Say and warn."""
            say("a number")
            detail("a detail")
            warn("the number is doubtful")

        assert CliRunner().invoke(probe, ["-q"]).stderr == "Warning: the number is doubtful\n"
        assert CliRunner().invoke(probe, []).stderr == "a number\nWarning: the number is doubtful\n"
        assert CliRunner().invoke(probe, ["-v"]).stderr.count("\n") == 3

    def test_normally_a_few_lines(self) -> None:
        outcome = run(*self.FETCH)
        assert "Recorded as run:" in outcome.stderr
        assert "2 electrodes" in outcome.stderr
        assert "option limit" not in outcome.stderr

    def test_verbose_tells_what_goes_in_and_out(self) -> None:
        lines = run(*self.FETCH, "-v").stderr.splitlines()
        assert "option limit: 2" in lines
        assert any(re.fullmatch(r"result: e.json, [\d.]+ kB", line) for line in lines)
        assert any(re.match(r"took [\d.]+ s on cpu: .*, at most [\d.]+ [MG]B of memory", line) for line in lines)

    def test_verbose_shows_where_an_error_arose(self) -> None:
        arguments = ("simulate-afm", "--electrodes", "absent.json", "--output", "afm.h5")
        outcome = run(*arguments, "--verbose")
        assert outcome.exit_code == 2
        assert "Traceback" in outcome.stderr
        assert outcome.stderr.splitlines()[-1].startswith("Error: absent.json does not exist")
        assert "Traceback" not in run(*arguments).stderr

    def test_not_both(self) -> None:
        outcome = run(*self.FETCH, "-q", "-v")
        assert (outcome.exit_code, "excludes" in outcome.stderr) == (2, True)

    def test_a_file_of_options_may_ask_for_it(self) -> None:
        Path("options.yaml").write_text("limit: 2\nquiet: true\n")
        assert run("fetch-electrodes", "--config", "options.yaml", "--output", "e.json").stderr == ""

    def test_it_is_no_part_of_what_was_done(self) -> None:
        run(*self.FETCH, "-q", "--records", "records")
        store = LocalStore("records")
        record = store.load(store.identifiers()[0])
        assert "quiet" not in record.configuration
        assert "--quiet" not in record.command


def seen_on_a_terminal(command: list[str], **environment: str) -> str:
    """Return what a command writes to a real terminal."""
    near, far = pty.openpty()
    with subprocess.Popen(command, stderr=far, env={**os.environ, "TERM": "xterm", **environment}) as process:
        os.close(far)
        seen = b""
        try:
            while part := os.read(near, 4096):
                seen += part
        except OSError:
            pass
        process.wait()
    os.close(near)
    return seen.decode()


class TestColour:
    COMMAND = (*BATTGEN, "simulate-afm", "--electrodes", "absent.json", "--output", "afm.h5")

    @pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
    def test_on_a_terminal_unless_it_is_not_wanted(self, environment: dict[str, str], coloured: bool) -> None:
        seen = seen_on_a_terminal(list(self.COMMAND), **environment)
        assert "absent.json does not exist" in seen
        assert ("\x1b[31m" in seen) is coloured

    def test_never_in_a_file(self) -> None:
        outcome = subprocess.run(self.COMMAND, capture_output=True, check=False)
        assert outcome.returncode == 2
        assert b"\x1b" not in outcome.stderr


def interrupt(command: str, number: signal.Signals, when: Callable[[], bool]) -> tuple[int, str]:
    """Run a command as a shell does, signal its whole group as a terminal does, and return status and messages."""
    process = subprocess.Popen(
        [*BATTGEN, *shlex.split(command)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_answer_to_signals,
    )
    try:
        for _ in range(1200):
            if when() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()[1]
        os.killpg(process.pid, number)
        _, messages = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode, messages


def _answer_to_signals() -> None:
    """Let a child be ended as from a terminal, also where the tests themselves run under nohup or in the background."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def command_to_go_on(messages: str) -> list[str]:
    """Return the command that the last line says, without the program's name."""
    said = messages.strip().splitlines()[-1]
    assert said.startswith("Interrupted; what is finished is kept. To go on: battgen ")
    return shlex.split(said.partition("To go on: battgen ")[2])


@pytest.mark.slow
class TestAskedToEnd:
    @pytest.fixture
    def electrodes(self) -> None:
        assert run("fetch-electrodes", "--working-ion", "Li", "--limit", "16", "--output", "e.json").exit_code == 0

    @pytest.mark.usefixtures("electrodes")
    @pytest.mark.parametrize(
        ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
    )
    def test_a_campaign_goes_on_with_the_command_that_is_said(self, number: signal.Signals, status: int) -> None:
        partial = Path("afm.h5.partial")
        ended, messages = interrupt(SIMULATE_AFM, number, lambda: len(list(partial.glob("*.npz"))) >= 2)
        assert ended == status, messages
        kept = {path.name: path.stat().st_mtime_ns for path in partial.glob("*.npz")}
        assert 2 <= len(kept) < 16
        assert not Path("afm.h5").exists()
        assert "Traceback" not in messages
        words = command_to_go_on(messages)
        assert words == shlex.split(SIMULATE_AFM)
        if number is signal.SIGINT:
            outcome = run(*words)
            assert outcome.exit_code == 0, outcome.output
            assert "16 electrodes" in outcome.stderr
            interrupted = [
                record.state
                for record in map(LocalStore("battgen-records").load, LocalStore("battgen-records").identifiers())
            ]
            assert interrupted == ["succeeded", "interrupted", "succeeded"]

    def test_an_interphase_campaign_ends_up_as_if_it_had_never_been_interrupted(self) -> None:
        partial = Path("sei.h5.partial")
        ended, messages = interrupt(SIMULATE_SEI, signal.SIGINT, lambda: partial.is_dir() and any(partial.iterdir()))
        assert ended == 130, messages
        assert run(*command_to_go_on(messages)).exit_code == 0
        assert run(*shlex.split(SIMULATE_SEI.replace("sei.h5", "whole.h5"))).exit_code == 0
        assert sha256_file("sei.h5") == sha256_file("whole.h5")

    @pytest.mark.usefixtures("one_thread")
    def test_a_training_goes_on_from_its_last_epoch(self, tiny_dataset: Path) -> None:
        Path("tiny.yaml").write_text(TRANSLATOR)
        metrics = Path("model/translation/metrics.csv")
        command = f"train-translation --dataset {tiny_dataset} --config tiny.yaml --seed 1 --output model"
        ended, messages = interrupt(
            command, signal.SIGINT, lambda: metrics.is_file() and len(metrics.read_text().splitlines()) > 3
        )
        assert ended == 130, messages
        kept = metrics.read_text()
        outcome = run(*command_to_go_on(messages))
        assert outcome.exit_code == 0, outcome.output
        assert metrics.read_text().startswith(kept)
        assert len(metrics.read_text().splitlines()) == 61

    def test_the_demo_names_itself_and_not_the_step_it_was_in(self) -> None:
        demo = "demo --electrodes 30 --output trial"
        partial = Path("trial/afm.h5.partial")
        ended, messages = interrupt(demo, signal.SIGINT, lambda: len(list(partial.glob("*.npz"))) >= 1)
        assert ended == 130, messages
        assert command_to_go_on(messages) == shlex.split(demo)

    def test_a_workflow_says_its_option(self) -> None:
        flow = Path(__file__).resolve().parents[2] / "kadistudio_workflows/train-battgen.flow"
        command = f"run-flow {flow} --folder trained"
        ended, messages = interrupt(command, signal.SIGTERM, lambda: any(Path("trained").glob("*-log/*.log")))
        assert ended == 143, messages
        assert command_to_go_on(messages) == [*shlex.split(command), "--resume"]


def test_what_keeps_nothing_says_so() -> None:
    @node("probe", example="")
    def probe() -> None:
        """Be interrupted."""
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcome = CliRunner().invoke(probe, ["--records", "two words"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcome.exit_code == 130
    assert (
        outcome.stderr == "Interrupted; nothing half-written is left. To start again: battgen --records 'two words'\n"
    )


def test_who_ignores_a_signal_goes_on() -> None:
    """As nohup does, so that a command outlives its terminal."""

    @node("probe", example="")
    def probe() -> None:
        """Get a signal."""
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(0.01)
        result("done")

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert CliRunner().invoke(probe, []).stdout == "done\n"
    finally:
        signal.signal(signal.SIGHUP, before)
