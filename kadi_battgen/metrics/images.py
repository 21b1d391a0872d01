"""How well descriptor images are predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from kadi_battgen.metrics.intervals import Interval, bootstrap_interval

#: Descriptor channels by group.
GROUPS = {"grey": slice(0, 3), "type_map": slice(3, 6)}


def image_metrics(
    true: np.ndarray, predicted: np.ndarray, scores: dict[str, dict[str, np.ndarray]] | None = None
) -> dict[str, dict[str, float]]:
    """Return error and similarity of descriptor images, for the grey descriptors and for the type map.

    Parameters
    ----------
    true, predicted
        Scaled descriptors, (samples, 6, H, W); the truth lies in [0, 1] up to what the held-out part exceeds the
        training part by.
    scores
        What :func:`sample_scores` says of them, where that is known already: the similarity takes most of the time.

    Returns
    -------
    dict
        Per group ``mean_absolute_error`` and ``psnr_db`` (peak signal 1) and ``ssim`` (structural similarity index with a
        Gaussian window of standard deviation 1.5 pixels, Wang et al. 2004, averaged over channels and samples); for the type
        map also ``class_accuracy``, see :func:`class_accuracy`.
    """
    metrics = {}
    for name, channels in GROUPS.items():
        truth = torch.from_numpy(np.ascontiguousarray(true[:, channels], dtype=np.float32))
        guess = torch.from_numpy(np.ascontiguousarray(predicted[:, channels], dtype=np.float32))
        squared = float((truth - guess).square().mean())
        metrics[name] = {
            "mean_absolute_error": float((truth - guess).abs().mean()),
            "psnr_db": float(-10 * np.log10(max(squared, 1e-12))),
            **({"class_accuracy": class_accuracy(truth, guess)} if name == "type_map" else {}),
            "ssim": float(
                (structural_similarities(truth, guess).numpy() if scores is None else scores[name]["ssim"]).mean()
            ),
        }
    return metrics


def structural_similarities(true: torch.Tensor, predicted: torch.Tensor, batch_size: int = 32) -> torch.Tensor:
    """Return the structural similarity index of every sample, float64, (samples,).

    Parameters
    ----------
    true, predicted
        Images with values in [0, 1], (samples, channels, H, W).
    batch_size
        Samples that are compared at a time: each takes some twenty times the memory of its images.
    """
    batches = zip(predicted.split(batch_size), true.split(batch_size), strict=True)
    measured = [
        structural_similarity_index_measure(guess, truth, data_range=1.0, reduction="none") for guess, truth in batches
    ]
    return torch.cat([torch.as_tensor(values).reshape(-1) for values in measured]).double()


def class_accuracy(true: torch.Tensor, predicted: torch.Tensor, threshold: float = 0.1) -> float:
    """Return the fraction of pixels that show an atom whose class (brightest colour) is predicted rightly.

    Parameters
    ----------
    true, predicted
        Type maps, (samples, 3, H, W).
    threshold
        A pixel shows an atom where the brightest true colour exceeds this.
    """
    shown = true.amax(dim=1) > threshold
    right = true.argmax(dim=1) == predicted.argmax(dim=1)
    return float(right[shown].float().mean()) if bool(shown.any()) else float("nan")


def class_scores(
    true: np.ndarray, predicted: np.ndarray, names: Sequence[str], threshold: float = 0.1
) -> dict[str, dict[str, float | None]]:
    """Return how well each class of the type map is told from the two others, by the channel's name.

    Parameters
    ----------
    true, predicted
        Type maps, (samples, 3, H, W).
    names
        Names of the channels.
    threshold
        As in :func:`class_accuracy`.

    Returns
    -------
    dict
        Per channel, over the pixels that show an atom: ``accuracy``, the fraction of which it is rightly said whether they
        show this class; ``recall``, the fraction of this class's pixels that are given to it; ``precision``, the fraction
        of the pixels given to it that show it; ``share``, the fraction of pixels that show it. None where there is none.
    """
    shown = true.max(axis=1) > threshold
    truth, guess = true.argmax(axis=1)[shown], predicted.argmax(axis=1)[shown]
    scores: dict[str, dict[str, float | None]] = {}
    for number, name in enumerate(names):
        is_class, called = truth == number, guess == number
        hits = float((is_class & called).sum())
        scores[name] = {
            "accuracy": float((is_class == called).mean()) if len(truth) else None,
            "recall": hits / float(is_class.sum()) if is_class.any() else None,
            "precision": hits / float(called.sum()) if called.any() else None,
            "share": float(is_class.mean()) if len(truth) else None,
        }
    return scores


def channel_errors(true: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Return the mean absolute error of each descriptor channel by name."""
    return {
        name: float(np.abs(true[:, channel] - predicted[:, channel]).mean(dtype=np.float64))
        for channel, name in enumerate(names)
    }


def sample_scores(true: np.ndarray, predicted: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Return the scores of every sample by group: what intervals are drawn from and worst cases are found with.

    Parameters
    ----------
    true, predicted
        Scaled descriptors, (samples, 6, H, W).

    Returns
    -------
    dict
        Per group ``mean_absolute_error``, ``psnr_db`` and ``ssim``, (samples,) each. The mean of the samples' peak
        signal-to-noise ratios is not the ratio over all samples that :func:`image_metrics` returns.
    """
    scores = {}
    for name, channels in GROUPS.items():
        truth = torch.from_numpy(np.ascontiguousarray(true[:, channels], dtype=np.float32))
        guess = torch.from_numpy(np.ascontiguousarray(predicted[:, channels], dtype=np.float32))
        squared = (truth - guess).square().mean(dim=(1, 2, 3)).double().numpy()
        scores[name] = {
            "mean_absolute_error": (truth - guess).abs().mean(dim=(1, 2, 3)).double().numpy(),
            "psnr_db": -10 * np.log10(np.maximum(squared, 1e-12)),
            "ssim": structural_similarities(truth, guess).numpy(),
        }
    return scores


def score_intervals(
    scores: dict[str, dict[str, np.ndarray]], owners: np.ndarray | None = None, *, level: float = 0.95, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """Return the mean of every score with its bootstrap interval.

    Parameters
    ----------
    scores
        Of :func:`sample_scores` or :func:`kadi_battgen.metrics.distributions.descriptor_perceptual_distances`.
    owners
        Electrode of each sample; all orientations of an electrode are drawn together.
    level
        Nominal coverage.
    seed
        Seed of the draws.
    """
    return {
        group: {
            name: bootstrap_interval([values], groups=owners, level=level, seed=seed)
            for name, values in entries.items()
        }
        for group, entries in scores.items()
    }
