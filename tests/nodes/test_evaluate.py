"""An evaluation of several trainings, as a user types it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from safetensors.torch import load_file, save_file

from kadi_battgen.files import sha256_file, write_json
from kadi_battgen.records import LocalStore


def another_training(model: Path, folder: Path) -> None:
    """Copy all models with a translator whose weights are a little other ones, as another seed would give."""
    shutil.copytree(model, folder)
    weights = folder / "translation" / "weights.safetensors"
    save_file({name: tensor * 1.02 for name, tensor in load_file(weights).items()}, weights)
    for kind, field in (
        ("translation", "weights_sha256"),
        ("composition", "translation_sha256"),
        ("screening", "translation_sha256"),
    ):
        card = json.loads((folder / kind / "card.json").read_text())
        if card.get(field):
            card[field] = sha256_file(weights)
        write_json(folder / kind / "card.json", card)


@pytest.mark.slow
def test_several_trainings_are_measured_alike(chain_copy: Path, run_battgen: Callable[..., Result]) -> None:
    another_training(Path("model"), Path("second"))
    words = "evaluate --model model/ --model-2 second/ --dataset dataset.h5 --output evaluation/"
    outcome = run_battgen(*words.split())
    assert outcome.exit_code == 0, outcome.output
    metrics = json.loads(Path("evaluation/metrics.json").read_text())
    trainings = metrics["trainings"]
    assert trainings["count"] == 2
    entry = trainings["metrics"]["translation.translator.grey.ssim"]
    first, second = entry["values"]
    assert first == metrics["translation"]["translator"]["grey"]["ssim"] != second
    assert entry["estimate"] == pytest.approx((first + second) / 2)
    assert entry["low"] < entry["estimate"] < entry["high"]
    page = Path("evaluation/report.html").read_text()
    for words in ("Several trainings", "Where the models fail", "table 4.1 of the thesis", "Training time"):
        assert words in page
    store = LocalStore(Path("battgen-records"))
    record = store.load(next(name for name in store.identifiers() if name.startswith("evaluate")))
    assert {"model", "model_2", "dataset"} <= {entry.role for entry in record.inputs}
    names = [metric.name for metric in record.metrics]
    assert "translation.translator.grey.ssim" in names
    assert not [name for name in names if "intervals" in name]


def test_a_training_counts_once(chain_copy: Path, run_battgen: Callable[..., Result]) -> None:
    words = "evaluate --model model/ --model-2 model/ --dataset dataset.h5 --output evaluation/"
    outcome = run_battgen(*words.split())
    assert outcome.exit_code == 2
    assert "holds the same translator as model" in " ".join(outcome.stderr.split())
    assert not Path("evaluation").exists()
