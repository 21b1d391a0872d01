"""A small recorded chain that several tests read; they do not change it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from battgen_nodes.main import battgen
from click.testing import CliRunner, Result

#: The smallest networks that still have every part, trained for two passes.
SMALLEST = """
translation:
  loop: {epochs: 2, batch_size: 6, precision: 32-true}
  channels: [8, 8]
  attention_levels: [false, false]
  patch_size: 1
  adversarial_start: 1
  discriminator_channels: 4
  baseline_features: [4, 4, 4, 4, 4, 4]
  baseline_epochs: 1
  feature_weight: 0.0
composition:
  loop: {epochs: 2, batch_size: 6}
  channels: [8, 8]
  dense: [16]
screening:
  loop: {epochs: 2, batch_size: 6}
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
  timesteps: 100
  beta_end: 0.15
"""

#: From electrodes to candidates, as it is typed.
COMMANDS = (
    "fetch-electrodes --working-ion Li,Na,Mg --limit 12 --output electrodes.json.gz",
    "simulate-afm --electrodes electrodes.json.gz --orientations 1 --pool 5 --pixels 32 --skip-too-large --output afm.h5",
    "build-dataset --afm afm.h5 --seed 3 --output dataset.h5",
    "train-translation --dataset dataset.h5 --config smallest.yaml --seed 1 --output model/",
    "train-composition --dataset dataset.h5 --config smallest.yaml --seed 1 --output model/",
    "train-screening --dataset dataset.h5 --config smallest.yaml --seed 1 --output model/",
    "screen --model model/ --working-ion Li --samples 3 --steps 5 --seed 1 --output candidates.csv",
)


def _battgen(*arguments: str) -> Result:
    return CliRunner().invoke(battgen, list(arguments))


@pytest.fixture
def run_battgen() -> Callable[..., Result]:
    """Return what runs a battgen command in this process, given its words."""
    return _battgen


@pytest.fixture(scope="session")
def recorded_chain(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """Folder in which a whole small chain has run, with its records in battgen-records; do not change it."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "smallest.yaml").write_text(SMALLEST)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BATTGEN_INSTANCE", "local")
        for command in COMMANDS:
            outcome = _battgen(*command.split())
            assert outcome.exit_code == 0, f"battgen {command}\n{outcome.output}\n{outcome.exception!r}"
    return folder


@pytest.fixture
def chain_copy(recorded_chain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy of the recorded chain, which is the current folder and may be changed."""
    monkeypatch.setenv("BATTGEN_INSTANCE", "local")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = Path(shutil.copytree(recorded_chain, tmp_path / "chain"))
    monkeypatch.chdir(folder)
    return folder
