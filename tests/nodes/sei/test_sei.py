"""The commands of the SEI as they are typed, from barriers to a training data set."""

from __future__ import annotations

import csv
import json

import h5py
import numpy as np
import pytest
from PIL import Image

from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.sei.chemistry import BARRIER_NAMES
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.store import SeiCampaign


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder and return it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _table(path, rows=9):
    values = np.random.default_rng(1).uniform(0.3, 0.6, (rows, 15)).round(4)
    lines = [",".join(["id", *BARRIER_NAMES, "flux"])]
    lines += [",".join(map(str, [number, *row, 1.0])) for number, row in enumerate(values.tolist())]
    path.write_text("\n".join(lines) + "\n")
    return values


def test_from_a_design_to_a_data_set(here, run_battgen):
    outcome = run_battgen(
        *"simulate-sei --runs 12 --design wide --max-events 2000 --seed 1 --workers 1 --plot sei.png --output sei.h5".split(),
        "--json",
    )
    assert outcome.exit_code == 0, outcome.output
    answer = json.loads(outcome.stdout)
    assert answer["results"] == ["sei.h5", "sei.png"]
    metrics = {(entry["name"], entry.get("part")): entry["value"] for entry in answer["metrics"]}
    assert metrics["runs", None] == 12
    assert sum(value for (name, part), value in metrics.items() if name == "runs" and part) == 12
    with SeiCampaign.open("sei.h5") as campaign:
        assert len(campaign) == 12
        assert campaign.settings["max_time"] == 1e-3
        assert campaign.settings["max_events"] == 2000
        assert campaign.design["name"] == "wide"
        observables = campaign.observables
    assert "## Regimes" in (here / "sei.card.md").read_text()
    with Image.open("sei.png") as picture:
        assert picture.width > 500

    assert run_battgen(*"sei-observables --input sei.h5 --barriers --output observables.csv".split()).exit_code == 0
    with (here / "observables.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [str(number) for number in range(12)]
    assert list(rows[0])[:2] == ["id", "flux_monolayers"]
    assert "thickness_nm" in rows[0]
    assert "e15_eV" in rows[0]
    for entry in OBSERVABLES.values():
        assert [float(row[entry.column]) for row in rows] == observables[entry.name].tolist()

    outcome = run_battgen(*"build-sei-dataset --sei sei.h5 --seed 2 --output sei_dataset.h5".split())
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == "sei_dataset.h5\n"
    with SeiDataset.open("sei_dataset.h5") as dataset:
        assert len(dataset) == 12
        assert {len(dataset.indices(part)) for part in ("training", "validation", "test")} <= {8, 9, 1, 2, 3}


def test_a_table_of_barriers_is_simulated_row_by_row(here, run_battgen):
    values = _table(here / "runs.csv")
    outcome = run_battgen(
        *"simulate-sei --barriers runs.csv --max-events 300 --seed 1 --workers 1 --output sei.h5".split()
    )
    assert outcome.exit_code == 0, outcome.output
    with h5py.File("sei.h5") as file:
        np.testing.assert_array_equal(file["barriers"][:], values)
        assert file["configurations"].shape == (9, 50, 50)
        assert file["configurations"].dtype == np.uint8
        assert (file["events"][:] <= 300).all()
        assert json.loads(file.attrs["request"])["settings"]["max_time"] is None
    outcome = run_battgen(*"simulate-sei --barriers runs.csv --runs 4 --max-events 300 -s 1 --output four.h5".split())
    assert outcome.exit_code == 0
    with h5py.File("four.h5") as four, h5py.File("sei.h5") as file:
        np.testing.assert_array_equal(four["configurations"][:], file["configurations"][:4])


def test_chemistry_and_ranges_come_from_files_and_options(here, run_battgen):
    (here / "model.yaml").write_text("cluster_rule: B\ntemperature: 310\nmax_time: 0.5\n")
    (here / "ranges.yaml").write_text("e1: [0.30, 0.31]\n")
    command = (
        "simulate-sei --runs 3 --design published --ranges ranges.yaml --model model.yaml --temperature 320 --size 20"
    )
    outcome = run_battgen(*command.split(), *"--max-events 200 --snapshots 2 --workers 1 --output sei.h5".split())
    assert outcome.exit_code == 0, outcome.output
    with SeiCampaign.open("sei.h5") as campaign:
        assert campaign.lattice_shape == (20, 20)
        assert (campaign.model["temperature"], campaign.model["cluster_rule"]) == (320.0, "B")
        assert campaign.settings["max_time"] == 0.5
        assert campaign.snapshots == 2
        assert (campaign.barriers[:, 0] >= 0.30).all()
        assert (campaign.barriers[:, 0] <= 0.31).all()


def test_an_animation_of_one_run(here, run_battgen):
    outcome = run_battgen(
        *"simulate-sei --runs 2 --max-events 500 --workers 1 --plot growth.gif --plot-run 1 --output sei.h5".split()
    )
    assert outcome.exit_code == 0, outcome.output
    with Image.open("growth.gif") as film:
        assert film.n_frames > 10


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("--runs 3 --barriers runs.csv --design wide", "give one of them"),
        ("--barriers absent.csv", "absent.csv"),
        ("--barriers runs.csv --runs 99", "9 rows"),
        ("--plot picture.txt", ".gif"),
        ("--runs 3 --plot-run 3 --plot a.gif", "runs are 0 to 2"),
        ("--temperature 5", "temperature"),
        ("--model runs.csv", "runs.csv"),
        ("--ranges runs.csv", "barrier"),
    ],
)
def test_what_is_wrong_is_one_sentence(command, says, here, run_battgen):
    _table(here / "runs.csv")
    outcome = run_battgen("simulate-sei", *command.split(), "--workers", "1", "--output", "sei.h5")
    assert outcome.exit_code == 2, outcome.output
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (here / "sei.h5").exists()


def test_a_file_of_another_design_is_not_overwritten(here, run_battgen):
    words = "simulate-sei --runs 2 --max-events 50 --workers 1 --output sei.h5".split()
    assert run_battgen(*words).exit_code == 0
    before = (here / "sei.h5").read_bytes()
    outcome = run_battgen(*words, "--seed", "1")
    assert outcome.exit_code == 2
    assert "seed is 0 there and 1 here" in outcome.stderr
    assert (here / "sei.h5").read_bytes() == before
    assert run_battgen(*words).exit_code == 0
