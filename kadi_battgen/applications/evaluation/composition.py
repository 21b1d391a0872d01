"""How well compositions are read from stacks, against the training mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kadi_battgen.applications.screening import ScreeningModel
from kadi_battgen.metrics.regression import composition_metrics
from kadi_battgen.training.latents import encode_samples
from kadi_battgen.training.samples import ImageSamples


@torch.no_grad()
def evaluate_composition(
    model: ScreeningModel, samples: ImageSamples, training: ImageSamples, progress: bool
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the composition metrics of the regressor and of the training mean, and true and predicted counts."""
    true = samples.column("composition")
    mean = np.broadcast_to(training.column("composition").mean(axis=0), true.shape)
    owners = samples.column("electrode_index")
    _, first = np.unique(owners, return_index=True)
    metrics: dict[str, Any] = {"training_mean": composition_metrics(true[first], mean[first])}
    pooled = mean[first]
    if model.regressor is not None:
        latent, _ = encode_samples(model.translator, samples, progress=progress)
        predicted = model.regressor(model.regressor_scale.normalise(latent)).numpy()
        pooled = np.stack([predicted[owners == owner].mean(axis=0) for owner in owners[first]])
        metrics["regressor_per_stack"] = composition_metrics(true, predicted)
        metrics["regressor_pooled"] = composition_metrics(true[first], pooled)
    return metrics, {"true": true[first], "predicted": pooled}
