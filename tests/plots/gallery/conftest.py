"""Tiny finished runs of both systems; tests do not change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kadi_battgen.plots.gallery import ElectrodeRuns, InterphaseRuns

#: Holds the smallest settings of all models, for the commands of the documentation.
SETTINGS = Path(__file__).resolve().parents[3] / "docs" / "commands.yaml"


@pytest.fixture(scope="session")
def interphase_runs(
    tiny_sei_dataset: Path,
    tiny_prvae: Path,
    train_tiny_prvae: Callable[..., dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> InterphaseRuns:
    """Return three tiny autoencoders trained on one data set."""
    folder = tmp_path_factory.mktemp("interphase")
    for variant in ("prvae", "vae"):
        train_tiny_prvae(folder / variant, variant=variant)
    return InterphaseRuns(tiny_sei_dataset, folder / "prvae", folder / "vae", tiny_prvae, samples=40, part="training")


@pytest.fixture(scope="session")
def electrode_runs(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> ElectrodeRuns:
    """Return tiny models of electrodes with their evaluation and sensitivities."""
    from kadi_battgen.applications import sensitivity
    from kadi_battgen.applications.evaluation.measuring import evaluate
    from kadi_battgen.training.composition import train_composition
    from kadi_battgen.training.screening import train_screening
    from kadi_battgen.training.settings import load_settings
    from kadi_battgen.training.translation import train_translation

    folder = tmp_path_factory.mktemp("electrodes")
    smallest = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))["files"]["smallest.yaml"]
    (folder / "tiny.yaml").write_text(smallest, encoding="utf-8")
    trainings = {"translation": train_translation, "composition": train_composition, "screening": train_screening}
    for kind, train in trainings.items():
        settings = load_settings(kind, "demo", folder / "tiny.yaml")
        train(tiny_dataset, folder / "model", settings, seed=0, progress=False)
    evaluate(folder / "model", tiny_dataset, steps=3, progress=False).save(folder / "evaluation")
    study = sensitivity(folder / "model", tiny_dataset, electrodes=2, seeds=2, steps=3, progress=False)
    study.write(folder / "sensitivity.csv")
    return ElectrodeRuns(tiny_dataset, folder / "model", folder / "evaluation", folder / "sensitivity.csv")
