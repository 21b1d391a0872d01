"""Bad input gets one clear sentence and exit status 2, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.h5").write_bytes(b"")
    Path("empty.json").write_bytes(b"")
    Path("foreign.json.gz").write_bytes(gzip.compress(json.dumps({"schema": "other"}).encode()))
    Path("model").mkdir()
    Path("model/file.txt").write_text("no model")
    Path("broken.cif").write_text("data_nothing\n_cell_length_a what\n")
    columns = (
        "id,structure,working_ion,formula_charge,average_voltage_V,gravimetric_capacity_mAh_per_g,"
        "volumetric_capacity_mAh_per_cm3,gravimetric_energy_Wh_per_kg,volumetric_energy_Wh_per_L,volume_change_fraction"
    )
    Path("table.csv").write_text(f"{columns}\na,broken.cif,Li,CoO2,4,274,1370,1096,5480,0.02\n")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("fetch-electrodes --working-ion Xx --output out", "Working ion 'Xx' is not known"),
        ("fetch-electrodes --source files --output out", "needs --folder"),
        ("fetch-electrodes --source files --folder . --table table.csv --output out", "broken.cif does not parse"),
        ("fetch-electrodes --source files --folder . --table absent.csv --output out", "absent.csv does not exist"),
        ("simulate-afm --electrodes absent.json --output out", "absent.json does not exist"),
        ("simulate-afm --electrodes empty.json --output out", "empty.json is empty, truncated"),
        ("simulate-afm --electrodes foreign.json.gz --output out", "is not an electrode collection"),
        ("simulate-afm --electrodes empty.json --pixels 33 --output out", "pixels"),
        ("build-dataset --afm empty.h5 --output out", "empty.h5 is empty"),
        ("build-dataset --afm empty.h5 --split half --output out", "The split 'half'"),
        ("train-translation --dataset empty.h5 --output out", "empty.h5 is empty, truncated"),
        ("train-translation --dataset absent.h5 --output out", "absent.h5 does not exist"),
        ("train-composition --dataset empty.h5 --output model", "empty.h5 is empty, truncated or not HDF5"),
        ("train-screening --dataset empty.h5 --output model", "model/translation holds no trained translation"),
        ("predict-composition --model model --afm empty.h5 --output out", "holds no trained composition model"),
        ("screen --model model --output out", "holds no trained translation"),
        ("screen --model model --working-ion Fe --output out", "Working ion 'Fe' is not known"),
        (
            "screen --model model --average-voltage high --output out",
            "average_voltage 'high' is not a value or a range",
        ),
        ("screen --model model --average-voltage 4:3 --output out", "wrong order"),
        ("screen --model model --gravimetric-capacity -5 --output out", "negative"),
        ("screen --model absent --output out", "absent does not exist"),
        ("evaluate --model model --dataset empty.h5 --output out", "holds no trained translation"),
    ],
)
def test_bad_input(command: str, sentence: str) -> None:
    outcome = CliRunner().invoke(battgen, command.split())
    assert outcome.exit_code == 2, outcome.output
    lines = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert sentence in lines[0]
    assert "Traceback" not in outcome.output
    left = {path.name for path in Path().iterdir()}
    expected = {"empty.h5", "empty.json", "foreign.json.gz", "model", "broken.cif", "table.csv", "battgen-records"}
    assert left <= expected


def test_unknown_property_is_an_unknown_option() -> None:
    outcome = CliRunner().invoke(battgen, "screen --model model --hardness 3 --output out".split())
    assert outcome.exit_code == 2
    assert "No such option" in outcome.stderr


def test_failed_run_leaves_a_record_that_says_so() -> None:
    from kadi_battgen.records import LocalStore

    outcome = CliRunner().invoke(battgen, "build-dataset --afm empty.h5 --output out".split())
    assert outcome.exit_code == 2
    store = LocalStore(Path("battgen-records"))
    (identifier,) = store.identifiers()
    assert store.load(identifier).state == "failed"
