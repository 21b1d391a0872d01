"""The shipped workflows and the commands about workflows, as a user meets them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from battgen_nodes.flows.definitions import tool_definitions, tool_documents
from battgen_nodes.main import battgen
from battgen_nodes.workflows.shipped import WORKFLOWS, documents, write_workflows
from click.testing import CliRunner, Result

from kadi_battgen.flows.reading import read_flow
from kadi_battgen.records import LocalStore, read_chain

SHIPPED = Path(__file__).resolve().parents[2] / "kadistudio_workflows"
FLOWS = sorted(path.name for path in SHIPPED.glob("*.flow"))

#: Answers that make the screening small enough for a test.
SMALL = ("--input", "Number of candidates=3", "--input", "Average voltage in V=", "--input", "Seed=1")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(battgen, [str(word) for word in arguments])


class TestShippedFiles:
    def test_no_file_is_older_than_the_commands(self) -> None:
        there = {
            path.relative_to(SHIPPED).as_posix(): path.read_bytes()
            for path in SHIPPED.rglob("*")
            if path.is_file() and path.suffix != ".png"
        }
        made = documents()
        assert sorted(there) == sorted(made), "run make workflows"
        assert [name for name in made if there[name] != made[name]] == [], "run make workflows"

    def test_every_workflow_is_shipped(self) -> None:
        assert len(FLOWS) == len(WORKFLOWS) >= 4

    def test_files_of_what_is_no_more_are_removed(self, tmp_path: Path) -> None:
        for name in ("old.flow", "tools/battgen-old.xml", "pictures/old.svg", "pictures/kept.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
        write_workflows(tmp_path)
        assert not (tmp_path / "old.flow").exists()
        assert not (tmp_path / "tools" / "battgen-old.xml").exists()
        assert (tmp_path / "pictures" / "kept.png").exists()

    @pytest.mark.parametrize("command", sorted(tool_documents()))
    def test_definitions_are_what_xmlhelp_prints(self, command: str) -> None:
        printed = run(*command.split()[1:], "--xmlhelp").stdout_bytes
        assert tool_documents()[command].split(b"?>", 1)[1] == printed.split(b"?>", 1)[1]

    @pytest.mark.parametrize("name", FLOWS)
    def test_a_user_finds_questions_notes_and_no_error(self, name: str) -> None:
        outcome = run("check-flow", SHIPPED / name)
        assert (outcome.exit_code, outcome.stdout) == (0, "")
        kinds = [node.kind for node in read_flow(SHIPPED / name).nodes]
        assert "Note" in kinds
        assert "Variable" in kinds
        assert sum(kind.startswith("UserInput") for kind in kinds) >= 3

    @pytest.mark.parametrize("name", FLOWS)
    def test_a_dry_run_lists_commands_that_exist(self, name: str) -> None:
        outcome = run("run-flow", SHIPPED / name, "--dry-run")
        assert outcome.exit_code == 0, outcome.output
        commands = outcome.stdout.splitlines()
        assert commands
        known = tool_definitions()
        assert all(" ".join(line.split()[:2]) in known for line in commands)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"battgen screen"', '"battgen scren"'), "battgen scren"),
        (lambda text: text[:-10], "JSON"),
        (lambda text: text.replace('"UserInputText"', '"UserInputTest"'), "UserInputTest"),
        (lambda text: text.replace('"shortName": "w"', '"shortName": "x"'), "working-ion"),
    ],
)
def test_what_is_wrong_with_a_workflow_is_said(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    changed = change((SHIPPED / "screen-for-a-target.flow").read_text())
    (tmp_path / "changed.flow").write_text(changed)
    outcome = run("check-flow", tmp_path / "changed.flow")
    assert outcome.exit_code in (1, 2)
    assert message in " ".join(outcome.output.split())
    assert "Traceback" not in outcome.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "no answer"), "write name=value"),
        (("--input", "Working iron=Li"), "Working iron"),
        (("--input", "Number of candidates=many"), "many"),
    ],
)
def test_wrong_answers_are_refused_before_anything_runs(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    outcome = run("run-flow", SHIPPED / "screen-for-a-target.flow", "--folder", tmp_path / "f", *arguments)
    assert outcome.exit_code == 2
    assert message in " ".join(outcome.output.split())
    assert not list(tmp_path.glob("f/**/*.csv"))


def test_kadistudio_learns_all_commands_and_forgets_none(tmp_path: Path) -> None:
    tools = tmp_path / "tools.txt"
    tools.write_text("workflow-nodes misc echo\n# mine\nbattgen screen\n")
    for _ in range(2):
        assert run("init-kadistudio", "--tools", tools).exit_code == 0
    lines = tools.read_text().splitlines()
    assert lines[:3] == ["workflow-nodes misc echo", "# mine", "battgen screen"]
    assert set(tool_documents()) <= set(lines)
    assert len(lines) == len(set(lines))


def start(*arguments: str) -> subprocess.Popen[str]:
    program = "from battgen_nodes.main import battgen; battgen()"
    words = [sys.executable, "-c", program, "run-flow", *arguments]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(*arguments: str) -> str:
    process = start(*arguments)
    output, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return output


@pytest.mark.slow
class TestRunning:
    def test_screening_leaves_linked_records_and_goes_on_after_a_kill(self, chain_copy: Path) -> None:
        flow = str(SHIPPED / "screen-for-a-target.flow")
        printed = finish(flow, *SMALL).splitlines()
        assert "screening/candidates.csv" in printed
        assert "screening/provenance.json" in printed

        store = LocalStore(chain_copy / "battgen-records")
        screened = [name for name in store.identifiers() if name.startswith("screen-")]
        chain = read_chain(store, screened[-1])
        assert {record.step for record in chain} == {
            "screen",
            "train-translation",
            "train-composition",
            "train-screening",
            "build-dataset",
            "simulate-afm",
            "fetch-electrodes",
        }

        training = next(record for record in chain if record.step == "train-screening")
        assert training.settings["timesteps"] == 100
        assert training.settings["loop"]["epochs"] == 2
        assert next(record for record in chain if record.step == "simulate-afm").settings["pixels"] == 32

        second = (flow, *SMALL, "--input", "Folder for the results=again")
        process = start(*second)
        log = chain_copy / "screen-for-a-target-log"
        self._wait(lambda: len(self._running(store)) > 0, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        finish(*second, "--resume")
        for name in ("candidates.csv", "provenance.json"):
            assert (chain_copy / "again" / name).is_file()
        first, again = ((chain_copy / name / "candidates.csv").read_bytes() for name in ("screening", "again"))
        assert first == again
        assert log.is_dir()

    def test_a_loop_goes_on_where_it_was_killed(self, chain_copy: Path) -> None:
        arguments = [str(SHIPPED / "sensitivity-study.flow"), "--input", "Candidates per voltage=2"]
        arguments += ["--input", "Lowest average voltage in V=3", "--input", "Step in V=0.75"]
        arguments += ["--input", "Electrodes to start from=2", "--input", "Noise seeds for each electrode=1"]
        process = start(*arguments)
        first = chain_copy / "sensitivity" / "candidates-3-V.csv"
        store = LocalStore(chain_copy / "battgen-records")
        # The chain has a screening of its own; the third one is that of the second voltage.
        self._wait(lambda: sum(name.startswith("screen-") for name in store.identifiers()) == 3, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        before = first.stat().st_mtime_ns
        finish(*arguments, "--resume")
        tables = sorted(path.name for path in (chain_copy / "sensitivity").iterdir())
        assert tables == ["candidates-3-V.csv", "candidates-3.75-V.csv", "sensitivity.csv", "sensitivity.png"]
        assert first.stat().st_mtime_ns == before

    def test_a_failure_stops_it_with_the_commands_own_message(self, tmp_path: Path) -> None:
        process = start(str(SHIPPED / "characterize-an-afm-stack.flow"), "--folder", str(tmp_path / "f"))
        _, error = process.communicate(timeout=120)
        assert process.returncode == 2
        assert "battgen translate failed with exit status 2" in " ".join(error.split())
        assert "model does not exist" in " ".join(error.split())
        assert "predict-composition" not in error

    @staticmethod
    def _running(store: LocalStore) -> list[str]:
        return [name for name in store.identifiers() if store.load(name).state == "running"]

    @staticmethod
    def _wait(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        for _ in range(2400):
            if condition():
                return
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.05)
        raise AssertionError("waited for two minutes")
