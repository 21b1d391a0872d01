"""What every node gets from the frame: options from a file, the result, records as inputs, an orderly end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from battgen_nodes.frame import node, result
from battgen_nodes.main import battgen
from battgen_nodes.options import InputPath, OutputPath
from click.testing import CliRunner, Result

from kadi_battgen.records import LocalStore


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the records of every test apart, and Kadi4Mat out of it."""
    monkeypatch.setenv("BATTGEN_RECORDS", str(tmp_path / "records"))
    monkeypatch.setenv("BATTGEN_INSTANCE", "local")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "records"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(battgen, list(arguments))


def fetch(*arguments: str) -> Result:
    return run("fetch-electrodes", *arguments)


def count(path: Path) -> int:
    from kadi_battgen.electrodes.collection import read_electrodes

    return len(read_electrodes(path))


class TestConfig:
    @pytest.mark.parametrize(
        ("text", "arguments", "electrodes"),
        [
            ("limit: 3", [], 3),
            ("limit: 3", ["--limit", "2"], 2),
            ("limit: 3\nworking-ion: Mg,Ca", [], 3),
            ("limit: 3\nworking_ion: Mg", [], 3),
            ("limit: 4\nworking-ion:", [], 4),
            ("limit: 4\nno-record: true", [], 4),
            ("{}", ["--limit", "1"], 1),
        ],
    )
    def test_a_file_fills_options_and_the_command_line_goes_before_it(
        self, tmp_path: Path, text: str, arguments: list[str], electrodes: int
    ) -> None:
        Path("options.yaml").write_text(text)
        outcome = fetch("--config", "options.yaml", "--output", "e.json", *arguments)
        assert outcome.exit_code == 0, outcome.output
        assert count(tmp_path / "e.json") == electrodes

    def test_even_required_options_may_come_from_it(self, tmp_path: Path) -> None:
        Path("options.yaml").write_text("output: e.json\nlimit: 2")
        assert fetch("--config", "options.yaml").exit_code == 0
        assert (tmp_path / "e.json").is_file()

    def test_the_record_names_the_options_and_not_the_file(self, records: Path) -> None:
        Path("options.yaml").write_text("limit: 2")
        fetch("--config", "options.yaml", "--output", "e.json")
        store = LocalStore(records)
        record = store.load(store.identifiers()[0])
        assert record.command == ("battgen", "fetch-electrodes", "--limit", "2", "--output", "e.json")
        assert record.configuration["limit"] == 2

    @pytest.mark.parametrize("text", ["2:4", "1:30", "150:200", "3.5:4.0", ":0.1", "010", "1e1"])
    def test_ranges_are_not_read_as_base_sixty_numbers(self, text: str) -> None:
        seen: list[str] = []

        @node("probe", example="--range 2:4")
        @click_text_option("range")
        def probe(range: str) -> None:
            """Tell what the option holds."""
            seen.append(range)

        Path("options.yaml").write_text(f"range: {text}")
        outcome = CliRunner().invoke(probe, ["--config", "options.yaml"])
        assert outcome.exit_code == 0, outcome.output
        assert seen == [text]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("limits: 3", "limits is no option of fetch-electrodes"),
            ("limit: [1, 2]", "limit holds several values"),
            ("limit: many", "'many' is not a valid"),
            ("- limit", "holds no fields"),
            ("limit: 3: 4", "is not YAML"),
            ("config: other.yaml", "config is no option"),
            ("!!python/object/apply:os.system [ls]: 1", "is not YAML"),
        ],
    )
    def test_what_is_wrong_with_it_is_said_in_a_sentence(self, text: str, message: str) -> None:
        Path("options.yaml").write_text(text)
        outcome = fetch("--config", "options.yaml", "--output", "e.json")
        assert outcome.exit_code == 2
        assert message in " ".join(outcome.output.split())
        assert not Path("e.json").exists()

    def test_an_absent_file_is_named(self) -> None:
        outcome = fetch("--config", "absent.yaml", "--output", "e.json")
        assert (outcome.exit_code, "absent.yaml" in outcome.output) == (2, True)


def click_text_option(name: str):
    import xmlhelpy

    return xmlhelpy.option(name, description="A text.")


class TestResult:
    def test_one_path_a_line(self) -> None:
        outcome = fetch("--limit", "2", "--output", "e.json")
        assert outcome.stdout == "e.json\n"

    def test_or_one_json_object(self, records: Path) -> None:
        document = json.loads(fetch("--limit", "2", "--output", "e.json", "--json").stdout)
        assert document["results"] == ["e.json"]
        assert document["record"] == f"run:{LocalStore(records).identifiers()[0]}"
        assert {"name": "electrodes_Li", "value": 1, "unit": "1"} in document["metrics"]

    def test_without_a_record_there_is_none_to_name(self, records: Path) -> None:
        document = json.loads(fetch("--limit", "2", "--output", "e.json", "--json", "--no-record").stdout)
        assert document["record"] is None
        assert not records.exists()

    def test_several_results(self) -> None:
        @node("probe", example="")
        def probe() -> None:
            """Make two things."""
            result("a.csv")
            result(Path("b.csv"))

        assert CliRunner().invoke(probe, []).stdout == "a.csv\nb.csv\n"
        assert json.loads(CliRunner().invoke(probe, ["--json"]).stdout)["results"] == ["a.csv", "b.csv"]


class TestRecordsAsInputs:
    @pytest.fixture
    def identifier(self, records: Path) -> str:
        fetch("--limit", "3", "--working-ion", "Li", "--output", "e.json")
        return LocalStore(records).identifiers()[0]

    def simulate(self, electrodes: str) -> Result:
        options = ("--orientations", "1", "--pool", "5", "--pixels", "16", "--skip-too-large", "--workers", "1")
        return run("simulate-afm", "--electrodes", electrodes, *options, "--output", "afm.h5")

    @pytest.mark.parametrize("form", ["run:{}", "run:{}/e.json", "records/{}"])
    def test_a_local_run_stands_for_its_result(self, records: Path, identifier: str, form: str) -> None:
        Path("e.json").unlink()
        outcome = self.simulate(form.format(identifier))
        assert outcome.exit_code == 0, outcome.output
        store = LocalStore(records)
        record = store.load(next(name for name in store.identifiers() if name.startswith("simulate-afm")))
        assert [link.record for link in record.links] == [identifier]

    @pytest.mark.parametrize(
        ("form", "message"),
        [
            ("run:absent", "no record absent"),
            ("run:{}/other.json", "has no other.json; its results are e.json"),
            ("kadi:{}", "no instance is chosen"),
            ("run:../../etc", "is no record identifier"),
        ],
    )
    def test_what_cannot_be_found_is_said(self, identifier: str, form: str, message: str) -> None:
        outcome = self.simulate(form.format(identifier))
        assert outcome.exit_code == 2
        assert message in " ".join(outcome.output.split())

    def test_changed_content_is_refused(self, records: Path, identifier: str) -> None:
        Path("e.json").write_text("{}")
        (LocalStore(records).files_folder(identifier) / "e.json").write_text("{}")
        outcome = self.simulate(f"run:{identifier}")
        assert outcome.exit_code == 2
        assert "gone or changed since" in " ".join(outcome.output.split())


def test_a_terminated_run_says_that_it_was_interrupted(tmp_path: Path, records: Path) -> None:
    assert fetch("--output", "e.json").exit_code == 0
    command = [sys.executable, "-c", "from battgen_nodes.main import battgen; battgen()", "simulate-afm"]
    command += ["--electrodes", "e.json", "--skip-too-large", "--workers", "1", "--output", "afm.h5"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "BATTGEN_PROGRESS": "0"})
    store = LocalStore(records)

    def recorded() -> str | None:
        found = [name for name in store.identifiers() if name.startswith("simulate-afm")]
        # The input is the last thing that is written down before the work begins.
        return found[0] if found and store.load(found[0]).inputs else None

    for _ in range(600):
        if recorded() or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 143, error
    assert f"To go on: battgen {' '.join(command[3:])}" in error
    assert store.load(recorded() or "").state == "interrupted"
    assert not (tmp_path / "afm.h5").exists()


def test_types_tell_what_an_option_is_for() -> None:
    parameters = {parameter.name: parameter.type for parameter in battgen.commands["screen"].params}
    assert isinstance(parameters["model"], InputPath)
    assert parameters["model"].kind == "models"
    assert isinstance(parameters["output"], OutputPath)
    assert isinstance(parameters["images"], OutputPath)
    assert not isinstance(parameters["records"], InputPath | OutputPath)


def test_completion_is_offered() -> None:
    environment = {**os.environ, "_BATTGEN_COMPLETE": "bash_source"}
    program = "from battgen_nodes.main import battgen; battgen(prog_name='battgen')"
    outcome = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert "complete -o nosort -F _battgen_completion battgen" in outcome.stdout
    assert click.__version__
