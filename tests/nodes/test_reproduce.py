"""battgen reproduce on a real chain: the same steps again, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from kadi_battgen.records import LocalStore

pytestmark = pytest.mark.slow

Battgen = Callable[..., Result]


def record_of(step: str) -> Path:
    """Path of record.json of the only run of a step in the current folder."""
    (path,) = Path("battgen-records").glob(f"{step}-*/record.json")
    return path


def _depends_on_it(version: dict[str, Any]) -> bool:
    """Tell whether a version has changed; the checkout may, while the tests run, and the tests' own path knows more."""
    return version["name"] not in ("commit", "checkout") and None not in (version["recorded"], version["again"])


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


@pytest.mark.usefixtures("chain_copy")
class TestTheSameAgain:
    @pytest.mark.parametrize(
        ("result", "files"),
        [
            ("electrodes.json.gz", {"electrodes.json.gz"}),
            (
                "model/composition",
                {f"composition/{name}" for name in ("card.json", "metrics.csv", "weights.safetensors")},
            ),
            ("candidates.csv", {"candidates.csv"}),
        ],
    )
    def test_a_step_gives_the_same_bytes(self, run_battgen: Battgen, result: str, files: set[str]) -> None:
        outcome = run_battgen("reproduce", result, "--output", "again", "--json")
        assert outcome.exit_code == 0, outcome.output
        document = json.loads(outcome.stdout)
        assert document["agrees"]
        results = {entry["name"]: entry["status"] for entry in document["files"] if entry["role"] == "result"}
        assert results == dict.fromkeys(files, "same bytes")
        assert document["metrics"]
        assert all(entry["agrees"] and entry["difference"] == 0 for entry in document["metrics"])
        assert [entry for entry in document["versions"] if _depends_on_it(entry)] == []
        assert document["results"] == ["again/reproduction.json"]

    def test_its_record_is_its_own_and_leads_to_the_same_sources(self, run_battgen: Battgen) -> None:
        # The data set is gone from where the run had it, and electrodes of the same name would be found beside it.
        Path("afm.h5").unlink()
        shutil.copy("electrodes.json.gz", "afm.h5")
        before = LocalStore("battgen-records").identifiers()
        outcome = run_battgen("reproduce", "dataset.h5", "--output", "again")
        assert outcome.exit_code == 0, outcome.output
        assert "Agrees: 7 of 7 metrics and 1 of 1 files agree" in outcome.stdout
        assert LocalStore("battgen-records").identifiers() == before
        store = LocalStore("again/records")
        again = store.load(json.loads(Path("again/reproduction.json").read_text())["again"])
        recorded = json.loads(record_of("build-dataset").read_text())
        assert [link.record for link in again.links] == recorded["inputs"][0]["records"]
        assert Path("again/dataset.h5").read_bytes() == Path("dataset.h5").read_bytes()


@pytest.mark.usefixtures("chain_copy")
def test_what_differs_is_told(run_battgen: Battgen) -> None:
    """A metric, a file and versions of the record are not what this machine and version give."""
    import h5py

    path = record_of("build-dataset")
    stored = path.parent / path.parent.name / "files" / "dataset.h5"
    stored.unlink()  # it may be a link to the data set itself
    shutil.copy("dataset.h5", stored)
    with h5py.File(stored, "r+") as file:
        file["weight"][0] += 0.25
    from kadi_battgen.files import sha256_file

    def edit(document: dict[str, Any]) -> None:
        document["files"][0].update(sha256=sha256_file(stored), size=stored.stat().st_size)
        document["metrics"][0]["value"] += 1
        document["software"]["python"] = "3.10.1"
        document["software"]["packages"]["h5py"] = "3.0.0"
        document["software"]["packages"]["forgotten"] = "1.0"

    change(path, edit)
    outcome = run_battgen("reproduce", f"run:{path.parent.name}", "--output", "again")
    assert outcome.exit_code == 1, outcome.output
    lines = [" ".join(line.split()) for line in outcome.stdout.splitlines()]
    metric = next(line for line in lines if "samples (training)" in line)
    assert metric.startswith("DIFFERS")
    assert metric.endswith(" 1")
    file = next(line for line in lines if "dataset.h5" in line)
    assert file.startswith("DIFFERS dataset.h5 differs largest difference 0.25")
    assert file.endswith("(weight)")
    assert any(line.startswith("Python 3.10.1 3.1") for line in lines)
    assert any(line.startswith("h5py 3.0.0 3.") for line in lines)
    assert "forgotten 1.0 unknown" in lines
    assert any(line.startswith("Differs: 6 of 7 metrics and 0 of 1 files agree") for line in lines)


@pytest.mark.usefixtures("chain_copy")
class TestWhatCannotBeRepeated:
    def refused(self, run_battgen: Battgen, record: str, output: str = "again") -> str:
        outcome = run_battgen("reproduce", record, "--output", output)
        assert outcome.exit_code == 2, outcome.output
        return " ".join(outcome.stderr.split())

    def test_an_input_that_has_changed_is_named(self, run_battgen: Battgen) -> None:
        Path("smallest.yaml").write_text("composition: {}")
        record = record_of("train-composition").parent
        (record / record.name / "files" / "inputs" / "smallest.yaml").write_text("composition: {}")
        sentence = self.refused(run_battgen, record.name)
        assert "smallest.yaml" in sentence
        assert "gone or changed since" in sentence
        assert not Path("again").exists()

    def test_the_record_that_lost_an_input_is_named(self, run_battgen: Battgen) -> None:
        Path("afm.h5").unlink()
        campaign = record_of("simulate-afm").parent
        (campaign / campaign.name / "files" / "afm.h5").unlink()
        sentence = self.refused(run_battgen, "dataset.h5")
        assert "used afm.h5 as afm" in sentence
        assert campaign.name in sentence

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            ({"state": "failed"}, "is a run that ended as failed: name one that succeeded"),
            ({"step": "forge-candidates"}, "forge-candidates, which is no recorded command of this version"),
            ({"step": "demo"}, "demo, which is no recorded command of this version"),
            ({"configuration": {"ions": "Li"}}, "has ions, which is no option of fetch-electrodes"),
            ({"configuration": {"records": "elsewhere"}}, "has records, which is no option of fetch-electrodes"),
            (
                {"configuration": {"folder": "structures"}},
                "was given --folder structures, but does not say what that held",
            ),
        ],
    )
    def test_a_record_of_another_kind(self, run_battgen: Battgen, edit: dict[str, Any], message: str) -> None:
        path = record_of("fetch-electrodes")
        change(path, lambda document: document.update(edit))
        assert message in self.refused(run_battgen, path.parent.name)
        assert not Path("again").exists()

    @pytest.mark.parametrize("output", [".", "battgen-records", "model", "dataset.h5"])
    def test_nothing_is_written_where_something_is(self, run_battgen: Battgen, output: str) -> None:
        before = sorted(Path.cwd().rglob("*"))
        sentence = self.refused(run_battgen, "electrodes.json.gz", output)
        assert "name a new folder with --output" in sentence
        assert sorted(Path.cwd().rglob("*")) == before

    def test_a_repetition_that_has_ended_is_kept(self, run_battgen: Battgen) -> None:
        assert run_battgen("reproduce", "electrodes.json.gz", "--output", "again").exit_code == 0
        assert "holds a repetition that has ended" in self.refused(run_battgen, "electrodes.json.gz")
        assert "holds the repetition of another run" in self.refused(run_battgen, "dataset.h5")


def test_the_command_ends_with_the_one_that_started_it(chain_copy: Path) -> None:
    """Asked to end, the repetition ends its command first, whose record says that it was interrupted."""
    command = [sys.executable, "-P", "-m", "battgen_nodes", "reproduce", "afm.h5", "--output", "again"]
    path = record_of("simulate-afm")
    change(path, lambda document: document["configuration"].update(orientations=20, pool=4000))
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "BATTGEN_PROGRESS": "0"})
    store = LocalStore(chain_copy / "again" / "records")
    for _ in range(900):
        started = [name for name in store.identifiers() if name != path.parent.name and name.startswith("simulate-afm")]
        if (started and store.load(started[0]).inputs) or process.poll() is not None:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 143, error
    assert store.load(started[0]).state == "interrupted"


def test_a_record_of_kadi4mat_is_walked_and_repeated_elsewhere(
    chain_copy: Path, kadi_sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_battgen: Battgen
) -> None:
    """Pushed by one machine, it is all that another one needs: its files and inputs are downloaded."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".kadiconfig").write_text(kadi_sandbox.connection.kadiconfig())
    for variable in ("BATTGEN_INSTANCE", "KADI_HOST", "KADI_PAT", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    outcome = run_battgen("push", "dataset.h5")
    assert outcome.exit_code == 0, outcome.output
    reference = next(line for line in outcome.stdout.splitlines() if line.startswith("kadi:build-dataset-"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    chain_copy.rename(tmp_path / "no longer there")

    tree = run_battgen("provenance", reference)
    assert tree.exit_code == 0, tree.output
    assert "[3] Electrodes from source bundled" in tree.stdout
    outcome = run_battgen("reproduce", reference, "--output", "again", "--json")
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)["files"][0]["status"] == "same bytes"
