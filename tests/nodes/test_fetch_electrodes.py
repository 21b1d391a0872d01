"""fetch-electrodes with one's own files: the collection, its card, the refused rows, and what the record tells of them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kadi_battgen.electrodes.collection import read_electrodes
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.records import LocalStore

GOOD = 18


@pytest.fixture
def own_files(tmp_path, monkeypatch, bundled) -> Path:
    """Make a folder with CIFs and a table of twenty rows, two of them broken, the current one."""
    monkeypatch.chdir(tmp_path)
    chosen = bundled.select(limit=GOOD).electrodes
    rows = [
        {
            "id": electrode.id,
            "Working ion": electrode.working_ion,
            "formula_charge": electrode.formula_charge,
            **{entry.column: getattr(electrode.properties, name) for name, entry in FUNCTIONAL_PROPERTIES.items()},
        }
        for electrode in chosen
    ]
    Path("structures").mkdir()
    for electrode in chosen:
        electrode.structure.to_pymatgen().to(f"structures/{electrode.id}.cif", fmt="cif")
    rows.insert(3, {**rows[0], "id": "no-structure"})
    rows.insert(9, {**rows[0], "id": "no-number", "average_voltage_V": "high"})
    with open("table.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path


COMMAND = ("fetch-electrodes", "--source", "files", "--folder", "structures", "--table", "table.csv")


def test_nine_of_ten_rows_load_and_the_others_are_listed(own_files, run_battgen):
    outcome = run_battgen(*COMMAND, "--output", "mine.json.gz")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines() == ["mine.json.gz"]
    assert len(read_electrodes("mine.json.gz")) == GOOD
    with open("mine.refused.csv", newline="") as stream:
        refused = list(csv.DictReader(stream))
    assert [(row["where"], row["id"], row["field"]) for row in refused] == [
        ("table.csv, line 5", "no-structure", "structure"),
        ("table.csv, line 11", "no-number", "average_voltage"),
    ]
    assert "2 rows were refused, all of them are in mine.refused.csv" in outcome.stderr
    assert "line 11 (no-number): average_voltage: column 'average_voltage_V' holds 'high'" in outcome.stderr
    card = Path("mine.card.md").read_text()
    assert f"{GOOD} insertion electrodes" in card
    assert "| no number | average_voltage | 1 |" in card
    assert "is average_voltage in V" in outcome.stderr


def test_the_record_has_card_refused_rows_and_one_result(own_files, run_battgen):
    assert run_battgen(*COMMAND, "--output", "mine.json.gz").exit_code == 0
    store = LocalStore(Path("battgen-records"))
    record = store.load(store.identifiers()[0])
    assert [entry.name for entry in record.results] == ["mine.json.gz"]
    assert {"mine.card.md", "mine.refused.csv"} <= {entry.name for entry in record.files}
    assert {entry.role for entry in record.inputs} == {"folder", "table"}
    metrics = {entry.name: entry.value for entry in record.metrics}
    assert (metrics["electrodes"], metrics["refused_rows"]) == (GOOD, 2)


def test_an_earlier_list_of_refused_rows_does_not_stay(own_files, run_battgen):
    Path("mine.refused.csv").write_text("where,id,field,reason\n")
    lines = Path("table.csv").read_text().splitlines()
    Path("table.csv").write_text("\n".join(line for line in lines if not line.startswith("no-")) + "\n")
    outcome = run_battgen(*COMMAND, "--output", "mine.json.gz")
    assert outcome.exit_code == 0, outcome.output
    assert not Path("mine.refused.csv").exists()
    assert "refused" not in outcome.stderr


def test_the_same_files_give_the_same_bytes(own_files, run_battgen):
    for name in ("a", "b"):
        assert run_battgen(*COMMAND, "--output", f"{name}/e.json.gz", "--no-record").exit_code == 0
    for name in ("e.json.gz", "e.card.md", "e.refused.csv"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--strict", "table.csv, line 5 (no-structure): structure: structure 'no-structure' does not exist"),
        ("--folder nowhere", "nowhere"),
        ("--table nowhere.csv", "nowhere.csv does not exist"),
        ("--source bundled", "Source bundled takes no folder, files does"),
        ("--refresh", "Source files takes no refresh, materials-project does"),
        ("--duplicates some", "is not one of"),
        ("--working-ion Y --limit 1 --table only-lithium.csv", "No electrode is left for working ion Y"),
        ("--table all-broken.csv", "leaves no electrode, all 1 rows are refused: all-broken.csv, line 2"),
        ("--source materials-project --endpoint ftp://x --folder structures", "takes no folder"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_leaves_nothing(own_files, run_battgen, options, sentence):
    lines = Path("table.csv").read_text().splitlines()
    Path("all-broken.csv").write_text(f"{lines[0]}\n{lines[4]}\n")
    lithium = next(line for line in lines if ",Li," in line and not line.startswith("no-"))
    Path("only-lithium.csv").write_text(f"{lines[0]}\n{lithium}\n")
    before = {path.name for path in Path().iterdir()}
    # Of an option that is given twice the second one counts.
    outcome = run_battgen(*COMMAND, *options.split(), "--output", "mine.json.gz")
    assert outcome.exit_code == 2, outcome.output
    assert sentence in outcome.stderr.splitlines()[-1]
    assert {path.name for path in Path().iterdir()} - before <= {"battgen-records"}


@pytest.mark.slow
def test_the_electrodes_of_2019_load_by_the_command(shared, tmp_path, monkeypatch, run_battgen):
    monkeypatch.chdir(tmp_path)
    data = shared / "data" / "mp2019"
    files = ("--folder", str(data / "structures.json.gz"), "--table", str(data / "electrodes.csv"))
    outcome = run_battgen("fetch-electrodes", "--source", "files", *files, "--output", "e.json.gz")
    assert outcome.exit_code == 0, outcome.output
    collection = read_electrodes("e.json.gz")
    assert (len(collection), collection.counts()["Li"]) == (999, 984)
    with open("e.refused.csv", newline="") as stream:
        assert [(row["id"], row["field"]) for row in csv.DictReader(stream)] == [
            ("mp-31554_Li", "volumetric_capacity"),
            ("mp-540530_Li", "volumetric_capacity"),
        ]
