"""The node train-screening."""

from __future__ import annotations

from typing import Any

from battgen_nodes.frame import node
from battgen_nodes.training import run_training, training_options, translator_option


@node("train-screening", example="--dataset dataset.h5 --preset demo --output model/", takes_settings=True)
@training_options
@translator_option
def train_screening(**options: Any) -> None:
    """Train the conditional diffusion model that proposes candidates for wanted properties."""
    run_training("screening", **options)
