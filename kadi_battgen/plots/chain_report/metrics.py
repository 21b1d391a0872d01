"""Metrics in tables and records: what networks are called, units, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: How the networks and baselines are called in tables.
LABELS = {
    "translator": "Translator (variational autoencoder with discriminators)",
    "same_network_l1": "Baseline: the same network trained with L1 alone",
    "unet_l1": "Baseline: U-Net trained with L1 alone",
    "unet_pix2pix": "Baseline: pix2pix U-Net",
    "training_mean": "Baseline: training mean",
    "regressor_per_stack": "Composition regressor, one stack",
    "regressor_pooled": "Composition regressor, orientations pooled",
    "conditional": "Screening model, formula from the composition latent",
    "conditional_from_image_latent": "Screening model, formula regressed from the image latent (thesis)",
    "unconditional": "Baseline: same model without conditions",
    "retrieval": "Baseline: nearest known electrode by its properties",
}

#: Units of the metrics by the last part of their name; all others are pure numbers.
_UNITS = {"psnr_db": "dB"}


def flat_metrics(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float, str]]:
    """Yield name, value and unit of every number in nested metrics; names are joined with dots."""
    for name, value in metrics.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping):
            yield from flat_metrics(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, float(value), _UNITS.get(name, "1")
