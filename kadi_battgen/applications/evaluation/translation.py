"""How well stacks are translated into descriptors, against baselines on the same samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.metrics.images import channel_errors, image_metrics
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.checkpoints import CARD
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.translation import load_baseline, load_translator


def evaluate_translation(
    folder: Path, samples: ImageSamples, training: ImageSamples, progress: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the image metrics of the translator and its baselines, and a good, a typical and the worst example."""
    translator, _ = load_translator(folder)
    truth = samples.descriptors(np.arange(len(samples))).numpy()
    predicted = {"translator": _predict(lambda x: translator(x).descriptors, samples, "Translating", progress)}
    if (folder / "baseline" / CARD).is_file():
        baseline, _ = load_baseline(folder)
        predicted["l1_baseline"] = _predict(baseline, samples, "Translating with the L1 baseline", progress)
    mean = np.mean([training.descriptors(np.array([n]))[0].numpy() for n in range(len(training))], axis=0)
    predicted["training_mean"] = np.broadcast_to(mean, truth.shape)
    names = samples.dataset.descriptor_scaling.names
    metrics = {
        name: {**image_metrics(truth, images), "channel_errors": channel_errors(truth, images, names)}
        for name, images in predicted.items()
    }
    errors = np.abs(predicted["translator"] - truth).mean(axis=(1, 2, 3))
    order = np.argsort(errors, kind="stable")
    chosen = [int(order[round(q * (len(order) - 1))]) for q in (0.1, 0.5, 1.0)]
    owners = samples.column("electrode_index")
    words = ("a good one", "a typical one", "the worst")
    examples = {
        "stack": samples.stacks(np.array(chosen)).numpy(),
        "truth": truth[chosen],
        "prediction": predicted["translator"][chosen],
        "baseline": predicted["l1_baseline"][chosen] if "l1_baseline" in predicted else None,
        "titles": [
            f"{samples.dataset.electrodes[owners[n]].formula_discharge} ({word})"
            for n, word in zip(chosen, words, strict=True)
        ],
    }
    return metrics, examples


@torch.no_grad()
def _predict(
    network: Callable[[Tensor], Tensor], samples: ImageSamples, description: str, progress: bool, batch_size: int = 32
) -> np.ndarray:
    starts = range(0, len(samples), batch_size)
    return np.concatenate(
        [
            network(samples.stacks(np.arange(start, min(start + batch_size, len(samples))))).numpy()
            for start in progress_bar(starts, description=description, unit="batch", enabled=progress)
        ]
    )
