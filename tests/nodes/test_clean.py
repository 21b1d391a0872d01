"""The node clean: the contract command, tables, records, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from kadi_battgen.datasets.cleaning.provenance import CLEANING
from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes, write_electrodes
from kadi_battgen.files import sha256_file
from kadi_battgen.records import LocalStore

STEPS = """
seed: 1
steps:
  - step: invariants
  - step: ranges
    limits: {average_voltage: [0, 3.5]}
    note: Above that the electrolyte of this study breaks down.
  - step: scale
    method: robust
  - step: encode
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_electrodes: ElectrodeCollection) -> Path:
    """Electrodes and a configuration in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATTGEN_INSTANCE", "local")
    write_electrodes("electrodes.json.gz", tiny_electrodes.electrodes, tiny_electrodes.metadata)
    Path("cleaning.yaml").write_text(STEPS)
    return tmp_path


@pytest.fixture
def clean(run_battgen: Callable[..., Result]) -> Callable[[str], Result]:
    return lambda words: run_battgen("clean", *words.split())


CONTRACT = "--electrodes electrodes.json.gz --config cleaning.yaml --output clean.json.gz --audit audit.csv"


def rows_of(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_contract(clean, tiny_electrodes):
    outcome = clean(CONTRACT)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == "clean.json.gz\naudit.csv\n"
    assert "02-ranges" in outcome.stderr
    after, audit = read_electrodes("clean.json.gz"), rows_of("audit.csv")
    dropped = {row["row"] for row in audit if row["action"] == "dropped"}
    assert dropped == {e.id for e in tiny_electrodes.electrodes if not 0 <= e.properties.average_voltage <= 3.5}
    assert dropped
    assert [e for e in tiny_electrodes.electrodes if e.id not in dropped] == list(after.electrodes)
    (cleaning,) = after.metadata[CLEANING]
    assert cleaning["audit_sha256"] == sha256_file("audit.csv")
    assert [entry["step"] for entry in cleaning["summary"]] == ["01-invariants", "02-ranges", "03-scale", "04-encode"]
    assert {**after.metadata, CLEANING: None} == {**tiny_electrodes.metadata, CLEANING: None}


def test_the_record_keeps_audit_and_summary_and_stands_for_the_electrodes(clean, run_battgen, tiny_electrodes):
    assert clean(CONTRACT).exit_code == 0
    store = LocalStore(Path("battgen-records"))
    record = store.load(store.identifiers()[0])
    assert record.record_type == "electrode-cleaning"
    assert {entry.role for entry in record.inputs} == {"electrodes", "config"}
    assert [entry.name for entry in record.results] == ["clean.json.gz"]
    assert {"audit.csv", "summary.md", "pipeline.json"} <= {entry.name for entry in record.files}
    summary = (store.files_folder(record.identifier) / "summary.md").read_text()
    assert "the electrolyte of this study" in summary
    found = {(metric.name, metric.part): metric.value for metric in record.metrics}
    assert found["rows_in", "02-ranges"] == found["rows_in", None] == len(tiny_electrodes)
    assert found["rows_out", "02-ranges"] == found["rows_out", None] < len(tiny_electrodes)
    assert record.license == tiny_electrodes.license
    assert clean(f"--electrodes run:{record.identifier} --output again.json.gz").exit_code == 0
    assert len(read_electrodes("again.json.gz").metadata[CLEANING]) == 2


def test_the_same_command_gives_the_same_bytes(clean):
    assert clean(CONTRACT).exit_code == 0
    before = [sha256_file(name) for name in ("clean.json.gz", "audit.csv")]
    assert clean(CONTRACT).exit_code == 0
    assert [sha256_file(name) for name in ("clean.json.gz", "audit.csv")] == before


@pytest.mark.parametrize("fitted", ["clean.json.gz", "pipeline.json"])
def test_an_earlier_cleaning_is_applied_again(clean, fitted):
    assert clean(f"{CONTRACT} --pipeline pipeline.json --table first.csv").exit_code == 0
    words = f"--electrodes electrodes.json.gz --apply {fitted} --table second.csv --output again.csv"
    outcome = clean(words)
    assert outcome.exit_code == 0, outcome.output
    assert Path("second.csv").read_bytes() == Path("first.csv").read_bytes() == Path("again.csv").read_bytes()


def test_a_table_without_structures_gives_a_table(clean, shared):
    table = shared / "data" / "mp2024" / "insertion_electrodes.csv"
    outcome = clean(f"--electrodes {table} --output clean.csv --summary summary.md --audit audit.csv")
    assert outcome.exit_code == 0, outcome.output
    rows, audit = rows_of("clean.csv"), rows_of("audit.csv")
    assert len(rows) == 1527
    gone = {row["row"] for row in audit if row["action"] == "dropped"}
    assert len(gone) + len(rows) == 2185
    assert "average_voltage_V" in rows[0]
    assert "kept on purpose" in Path("summary.md").read_text()


def test_a_split_keeps_the_held_out_rows_out_of_the_constants(clean):
    Path("steps.yaml").write_text("steps: [{step: scale}]")
    words = "--electrodes electrodes.json.gz --config steps.yaml --split 0.5,0.25,0.25 --output clean.csv"
    assert clean(words).exit_code == 0
    rows = rows_of("clean.csv")
    training = [float(row["average_voltage_scaled"]) for row in rows if row["part"] == "training"]
    assert (min(training), max(training)) == (0.0, 1.0)
    assert {row["part"] for row in rows} == {"training", "validation", "test"}


@pytest.mark.parametrize(
    ("yaml", "words", "message"),
    [
        ("steps: [{step: polish}]", "", "'polish' names no step"),
        (
            "steps: [{step: scale, methods: robust}]",
            "",
            "unknown key 'methods': choose from note, step, method, columns",
        ),
        ("step: [{step: scale}]", "", "unknown key 'step': choose from steps, apply, audit"),
        ("steps: scale", "", "steps is no list of steps"),
        ("steps: [{step: scale}]", "--apply clean.json.gz", "leave --split and 'steps:' out"),
        ("seed: 1", "--apply electrodes.json.gz", "was not cleaned by battgen clean"),
        ("seed: 1", "--split 1,2", "are not three fractions"),
        ("seed: 1", "--electrodes table.csv", "holds no structures, so clean.json.gz cannot be a collection"),
        ("seed: 1", "--electrodes absent.csv", "absent.csv does not exist"),
        ("preset: quick", "", "'quick' is not one of"),
        ("steps: [{step: ranges, limits: {average_voltage: [90, null]}}]", "", "No electrode is left"),
    ],
)
def test_what_is_refused(clean, yaml, words, message):
    Path("cleaning.yaml").write_text(yaml)
    Path("table.csv").write_text("id,working_ion,average_voltage_V\na,Li,3\n")
    outcome = clean(f"{CONTRACT} {words}")
    assert outcome.exit_code == 2, outcome.output
    assert message in " ".join(outcome.output.split())
    assert "Traceback" not in outcome.output
    assert not Path("clean.json.gz").exists()


def test_the_help_says_where_the_steps_stand(clean):
    text = " ".join(clean("--help").output.split())
    assert "the list 'steps:' of the cleaning" in text


def test_what_was_cleaned_is_told_by_the_data_set(clean, run_battgen):
    """Configuration, counts and checksum of the audit travel to the campaign and the data set; large constants do not."""
    from kadi_battgen.datasets import QuantileScaling, TrainingDataset

    Path("steps.yaml").write_text("steps: [{step: duplicates}, {step: scale}]")
    assert clean("--electrodes electrodes.json.gz --config steps.yaml --output clean.json.gz").exit_code == 0
    options = "--orientations 1 --pool 5 --pixels 16 --skip-too-large"
    assert run_battgen(*f"simulate-afm --electrodes clean.json.gz {options} --output afm.h5".split()).exit_code == 0
    outcome = run_battgen(*"build-dataset --afm afm.h5 --scaling robust --output dataset.h5".split())
    assert outcome.exit_code == 0, outcome.output
    with TrainingDataset.open("dataset.h5") as dataset:
        (cleaning,) = dataset.electrodes_metadata[CLEANING]
        assert [step["step"] for step in cleaning["configuration"]] == ["duplicates", "scale"]
        assert len(cleaning["audit_sha256"]) == 64
        assert "constants" not in cleaning
        assert isinstance(dataset.conditions_scaling, QuantileScaling)
        assert json.loads(dataset.file.attrs["conditions_scaling"])["kind"] == "robust"
