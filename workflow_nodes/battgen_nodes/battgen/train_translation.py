"""The node train-translation."""

from __future__ import annotations

from typing import Any

from battgen_nodes.frame import node
from battgen_nodes.training import run_training, training_options


@node("train-translation", example="--dataset dataset.h5 --preset demo --output model/", takes_settings=True)
@training_options
def train_translation(**options: Any) -> None:
    """Train the translator from AFM stacks to material descriptors, and the baselines beside it."""
    run_training("translation", **options)
