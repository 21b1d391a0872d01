"""How well descriptor images are predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

#: Descriptor channels by group.
GROUPS = {"grey": slice(0, 3), "type_map": slice(3, 6)}


def image_metrics(true: np.ndarray, predicted: np.ndarray) -> dict[str, dict[str, float]]:
    """Return error and similarity of descriptor images, for the grey descriptors and for the type map.

    Parameters
    ----------
    true, predicted
        Scaled descriptors, (samples, 6, H, W); the truth lies in [0, 1] up to what the held-out part exceeds the
        training part by.

    Returns
    -------
    dict
        Per group ``mean_absolute_error`` and ``psnr_db`` (peak signal 1) and ``ssim`` (structural similarity index with a
        Gaussian window of standard deviation 1.5 pixels, Wang et al. 2004, averaged over channels and samples).
    """
    metrics = {}
    for name, channels in GROUPS.items():
        truth = torch.from_numpy(np.ascontiguousarray(true[:, channels], dtype=np.float32))
        guess = torch.from_numpy(np.ascontiguousarray(predicted[:, channels], dtype=np.float32))
        squared = float((truth - guess).square().mean())
        metrics[name] = {
            "mean_absolute_error": float((truth - guess).abs().mean()),
            "psnr_db": float(-10 * np.log10(max(squared, 1e-12))),
            "ssim": float(structural_similarity_index_measure(guess, truth, data_range=1.0)),
        }
    return metrics


def channel_errors(true: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Return the mean absolute error of each descriptor channel by name."""
    errors = np.abs(np.asarray(true, dtype=np.float64) - predicted).mean(axis=(0, 2, 3))
    return {name: float(error) for name, error in zip(names, errors, strict=True)}
