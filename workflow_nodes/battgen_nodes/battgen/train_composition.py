"""The node train-composition."""

from __future__ import annotations

from typing import Any

from battgen_nodes.frame import node
from battgen_nodes.training import run_training, training_options, translator_option


@node("train-composition", example="--dataset dataset.h5 --preset demo --output model/", takes_settings=True)
@training_options
@translator_option
def train_composition(**options: Any) -> None:
    """Train the regressor that reads the composition from the translator's latent."""
    run_training("composition", **options)
