"""The node train-composition."""

from __future__ import annotations

from typing import Any

from battgen_nodes.common import node, run_training, training_options


@node("train-composition", example="--dataset dataset.h5 --preset demo --output model/")
@training_options
def train_composition(**options: Any) -> None:
    """Train the regressor that reads the composition from the translator's latent."""
    run_training("composition", **options)
