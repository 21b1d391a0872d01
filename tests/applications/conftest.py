"""Candidates of known formulas, and the smallest screening models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kadi_battgen.applications.candidates import Candidate, Expectation, GeneratedFormula
from kadi_battgen.applications.neighbours import KnownElectrodes
from kadi_battgen.applications.targets import Target
from kadi_battgen.electrodes.composition import composition_vector
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES

#: Quantiles at 0, 5, 50, 95 and 100 % of each property, as on a screening model's card: a spread of 100 in each unit.
RANGES = {"any": {"electrodes": 9, **{name: [0.0, 0.0, 50.0, 100.0, 100.0] for name in FUNCTIONAL_PROPERTIES}}}

TARGET = Target.parse("Li", {"gravimetric_capacity": "200:", "average_voltage": "0:9"})


@pytest.fixture(scope="module")
def assess(bundled):
    known = KnownElectrodes(bundled.electrodes)

    def make(formula, position=0, target=TARGET, *, ion="Li", extracted=1.0, voltage=3.5):
        counts = composition_vector(formula) if formula else np.zeros(112, dtype=np.float32)
        mean = np.array([voltage, 0.0, 500.0, 600.0, 2000.0, 0.05])
        return Candidate.assess(
            GeneratedFormula(counts, ion, extracted, counts, counts, 1.0),
            expected=Expectation(mean, mean - 0.02, mean + 0.02),
            target=target,
            asked=np.array([np.nan, 210.0, np.nan, np.nan, np.nan, np.nan]),
            known=known,
            training_ranges=RANGES,
            seed=7,
            position=position,
        )

    return make


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
    from kadi_battgen.training.screening import train_screening
    from kadi_battgen.training.settings import load_settings
    from kadi_battgen.training.translation import train_translation

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
