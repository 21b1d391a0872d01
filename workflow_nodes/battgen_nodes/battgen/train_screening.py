"""The node train-screening."""

from __future__ import annotations

from typing import Any

from battgen_nodes.common import node, run_training, training_options


@node("train-screening", example="--dataset dataset.h5 --preset demo --output model/")
@training_options
def train_screening(**options: Any) -> None:
    """Train the conditional diffusion model that proposes candidates for wanted properties."""
    run_training("screening", **options)
