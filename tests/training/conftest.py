"""The three trainings in seconds: the smallest networks on the tiny data set."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIGURATION = """
translation:
  loop: {epochs: 3, batch_size: 6, precision: 32-true}
  channels: [8, 8]
  attention_levels: [false, false]
  patch_size: 1
  adversarial_start: 1
  discriminator_channels: 4
  baseline_features: [4, 4, 4, 4, 4, 4]
  baseline_epochs: 2
  feature_weight: 0.0
  baselines: [same_network_l1, unet_l1, unet_pix2pix]
composition:
  loop: {epochs: 3, batch_size: 6, learning_rate: 1.0e-3, weight_decay: 1.0e-2, averaging: 0.0}
  input: latent
  pooling: 1
  loss: poisson
  memory: false
  recognition: 0.0
  working_ion: false
  properties: false
  channels: [8, 8]
  dense: [16]
screening:
  loop: {epochs: 3, batch_size: 6}
  channels: [8, 8]
  attention_levels: [false, true]
  embedding_size: 16
  composition_size: 8
  composition_width: 16
  composition_blocks: 1
  composition_steps: 12
  formula_batch: 8
  formula_copies: 2
  property_members: 2
  property_steps: 5
  composition_autoencoder_steps: 30
  timesteps: 50
  beta_end: 0.3
"""

#: Kind of model, in the order of the trainings.
KINDS = ("translation", "composition", "screening")


@pytest.fixture(scope="session")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configuration") / "tiny.yaml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture(scope="session")
def train(tiny_dataset: Path, configuration: Path, one_thread: None) -> Callable[..., dict[str, Any]]:
    """Return a function that trains one kind of model in a folder, with changes to the loop."""
    from kadi_battgen.training.composition.regressor import train_composition
    from kadi_battgen.training.screening.model import train_screening
    from kadi_battgen.training.settings import load_settings
    from kadi_battgen.training.translation.translator import train_translation

    trainings = {"translation": train_translation, "composition": train_composition, "screening": train_screening}

    def run(kind: str, folder: Path, *, seed: int = 0, dataset: Path = tiny_dataset, **loop: Any) -> dict[str, Any]:
        settings = load_settings(kind, "demo", configuration, loop)
        return trainings[kind](dataset, folder, settings, seed=seed, progress=False)

    return run


@pytest.fixture(scope="session")
def trained(train: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with all models, trained without interruption; do not change it."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    for kind in KINDS:
        train(kind, folder)
    return folder


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    """Copy of all trained models, which a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "model"))
