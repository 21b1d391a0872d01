"""The command train-prvae as it is typed."""

from __future__ import annotations

import json
import shutil

import pytest

TINY = (
    "channels: [8]\nstrides: [4]\ndense: 16\nlatent_size: 4\nregressor: [16]\nmembers: 2\nprofiles: [16]\nprior: [8]\n"
)


@pytest.fixture
def here(tmp_path, monkeypatch, tiny_sei_dataset, one_thread):
    """Work in a folder with a data set and settings, and return it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(tiny_sei_dataset, "sei_dataset.h5")
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def test_a_recorded_training_with_its_results_on_the_test_part(here, run_battgen):
    words = (
        "train-prvae --dataset sei_dataset.h5 --config tiny.yaml --epochs 2 --properties thickness,flux --output prvae/"
    )
    outcome = run_battgen(*words.split(), "--variant", "conditional-prvae", "--json")
    assert outcome.exit_code == 0, outcome.output
    answer = json.loads(outcome.stdout)
    assert answer["results"] == ["prvae"]
    metrics = {(entry["name"], entry.get("part")): entry["value"] for entry in answer["metrics"]}
    assert {"r2_thickness", "r2_flux", "coverage_90_flux", "site_accuracy"} <= {
        name for name, part in metrics if part == "test"
    }
    assert ("validation_loss", "validation") in metrics
    evaluation = json.loads((here / "prvae/evaluation.json").read_text())
    assert evaluation["properties"]["thickness"]["r2"] == metrics["r2_thickness", "test"]
    card = json.loads((here / "prvae/card.json").read_text())
    assert (card["variant"], card["properties"], card["preset"]) == ("conditional-prvae", ["thickness", "flux"], "demo")
    assert card["settings"]["loop"]["epochs"] == 2
    (record,) = (here / "battgen-records").glob("*/record.json")
    described = json.loads(record.read_text())
    assert [entry["role"] for entry in described["inputs"]] == ["config", "dataset"]
    assert all(name in record.read_text() for name in ("learning-curves.png", "reconstructions.png"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--dataset absent.h5", "absent.h5"),
        ("--dataset tiny.yaml", "tiny.yaml"),
        ("--dataset sei_dataset.h5 --properties mass", "mass is no property"),
        ("--dataset sei_dataset.h5 --learning-rate 1e30 --config tiny.yaml", "diverged in epoch 1"),
    ],
)
def test_what_is_wrong_is_one_sentence(here, run_battgen, words, says):
    outcome = run_battgen("train-prvae", *words.split(), "--output", "prvae/")
    assert outcome.exit_code == 2, outcome.output
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (here / "prvae/card.json").exists()
