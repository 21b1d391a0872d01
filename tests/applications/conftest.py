"""The smallest screening models."""

from __future__ import annotations

from pathlib import Path

import pytest

#: The smallest networks that still have every part.
SMALLEST = """
translation:
  loop: {epochs: 1, batch_size: 8, precision: 32-true}
  channels: [8, 8]
  attention_levels: [false, false]
  patch_size: 1
  adversarial_start: 1
  discriminator_channels: 4
  baselines: []
screening:
  loop: {epochs: 2, batch_size: 8, precision: 32-true}
  channels: [8, 8]
  attention_levels: [false, true]
  embedding_size: 16
  composition_size: 8
  composition_width: 32
  composition_blocks: 1
  composition_steps: 60
  formula_batch: 32
  formula_copies: 3
  composition_autoencoder_steps: 100
  property_members: 2
  property_steps: 10
  timesteps: 50
  beta_end: 0.3
"""


@pytest.fixture(scope="session", params=["epsilon", "v"])
def screening_folder(
    request: pytest.FixtureRequest, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None
) -> Path:
    """Folder with a translator and a screening model that predicts noise or velocity; do not change it."""
    from kadi_battgen.training.screening.model import train_screening
    from kadi_battgen.training.settings import load_settings
    from kadi_battgen.training.translation.translator import train_translation

    folder = tmp_path_factory.mktemp(request.param)
    (folder / "smallest.yaml").write_text(SMALLEST)
    model = folder / "model"
    train_translation(
        tiny_dataset, model, load_settings("translation", "demo", folder / "smallest.yaml"), progress=False
    )
    settings = load_settings("screening", "demo", folder / "smallest.yaml")
    settings = settings.model_copy(update={"prediction": request.param})
    train_screening(tiny_dataset, model, settings, progress=False)
    return model
