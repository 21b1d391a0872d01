"""How well stacks are translated into descriptors, against every baseline of the model folder on the same samples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from kadi_battgen.metrics.distributions import descriptor_distribution_metrics, descriptor_perceptual_distances
from kadi_battgen.metrics.extractors import Extractor
from kadi_battgen.metrics.images import (
    GROUPS,
    channel_errors,
    class_scores,
    image_metrics,
    sample_scores,
    score_intervals,
)
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.extractors import descriptor_extractors, inception_extractor, lpips_extractor
from kadi_battgen.training.samples import ImageSamples
from kadi_battgen.training.translation.networks import load_translating_network, trained_translators
from kadi_battgen.training.translation.translator import load_translator

#: Feature network of each group of descriptors.
Extractors = Mapping[str, Extractor]

#: Fewest images whose distribution is compared with that of others.
FEWEST_IMAGES = 3

#: How many of the worst translations are listed and shown.
WORST_LISTED, WORST_SHOWN = 10, 2


def translation_extractors(
    *,
    features: str | os.PathLike[str] | None = None,
    inception: str | os.PathLike[str] | None = None,
    lpips: str | os.PathLike[str] | None = None,
) -> list[Extractors]:
    """Return the feature networks that translations are measured with; every metric's name tells its network's.

    Parameters
    ----------
    features
        Weights written by ``python -m kadi_battgen.training.features``; by default the bundled ones.
    inception
        Weights of the FID Inception network, for FID, KID and Inception score that are comparable with the thesis's.
    lpips
        torchvision's AlexNet weights, for LPIPS.

    Raises
    ------
    UserError
        If a file is missing, broken or of another network.
    """
    extractors: list[Extractors] = [descriptor_extractors(features)]
    if inception is not None:
        extractors.append(dict.fromkeys(GROUPS, inception_extractor(inception)))
    if lpips is not None:
        extractors.append(dict.fromkeys(GROUPS, lpips_extractor(lpips)))
    return extractors


def evaluate_translation(
    folder: Path,
    samples: ImageSamples,
    training: ImageSamples,
    progress: bool,
    *,
    extractors: Sequence[Extractors] | None = None,
    seed: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the image metrics of the translator and its baselines, and a good, a typical and the worst examples.

    Parameters
    ----------
    folder
        Model folder.
    samples
        The part to measure on.
    training
        The training part, whose mean is the simplest baseline.
    extractors
        Of :func:`translation_extractors`.
    seed
        Seed of the bootstrap.

    Returns
    -------
    dict
        By name of the network (``kadi_battgen.training.translation.networks.TRANSLATORS``, and ``training_mean``), what
        :func:`translation_metrics` returns; the translator's also holds ``worst_cases``.
    dict
        Images of ``Evaluation.examples``; the baseline shown is the one of highest structural similarity.

    Raises
    ------
    UserError
        If the translator is missing, or a network is broken.
    """
    networks: dict[str, nn.Module] = {"translator": load_translator(folder)[0]}
    for translator in trained_translators(folder):
        networks.setdefault(translator.name, load_translating_network(folder, translator)[0])
    truth = samples.descriptors(np.arange(len(samples))).numpy()
    predicted = {
        name: predict(network, samples, f"Translating: {name}", progress) for name, network in networks.items()
    }
    predicted["training_mean"] = np.broadcast_to(_mean_descriptors(training), truth.shape)
    owners = samples.column("electrode_index")
    extractors = translation_extractors() if extractors is None else extractors
    names = samples.dataset.descriptor_scaling.names
    metrics = {
        name: translation_metrics(truth, images, names, owners, extractors, seed) for name, images in predicted.items()
    }
    errors = np.abs(predicted["translator"] - truth).mean(axis=(1, 2, 3))
    order = np.argsort(errors, kind="stable")
    metrics["translator"]["worst_cases"] = _worst_cases(samples, truth, predicted["translator"], order[::-1])
    return metrics, _examples(samples, truth, predicted, metrics, order)


def translation_metrics(
    truth: np.ndarray,
    predicted: np.ndarray,
    names: Sequence[str],
    owners: np.ndarray,
    extractors: Sequence[Extractors],
    seed: int = 0,
) -> dict[str, Any]:
    """Return everything that is measured on the translations of one network.

    Parameters
    ----------
    truth, predicted
        Scaled descriptors, (samples, 6, H, W).
    names
        Names of the channels.
    owners
        Electrode of each sample; intervals are drawn over electrodes.
    extractors
        Feature networks.
    seed
        Seed of the bootstrap.

    Returns
    -------
    dict
        ``grey`` and ``type_map``, each with the numbers of :func:`kadi_battgen.metrics.images.image_metrics`; FID, KID and
        Inception score and the mean perceptual distance, where there are at least ``FEWEST_IMAGES``; and ``intervals``
        (estimate, low, high, level) of the scores that single samples have. ``channel_errors`` by channel, and
        ``class_scores`` by channel of the type map.
    """
    scores = sample_scores(truth, predicted)
    metrics: dict[str, Any] = image_metrics(truth, predicted, scores)
    for networks in extractors if len(truth) >= FEWEST_IMAGES else ():
        distances = descriptor_perceptual_distances(truth, predicted, networks)
        for group, values in descriptor_distribution_metrics(truth, predicted, networks).items():
            metrics[group].update(values)
            scores[group].update(distances.get(group, {}))
            metrics[group].update({name: float(values.mean()) for name, values in distances.get(group, {}).items()})
    for group, intervals in score_intervals(scores, owners, seed=seed).items():
        metrics[group]["intervals"] = {name: interval.to_json() for name, interval in intervals.items()}
    colours = GROUPS["type_map"]
    metrics["class_scores"] = class_scores(truth[:, colours], predicted[:, colours], names[colours])
    metrics["channel_errors"] = channel_errors(truth, predicted, names)
    return metrics


@torch.no_grad()
def predict(
    network: nn.Module, samples: ImageSamples, description: str, progress: bool, batch_size: int = 32
) -> np.ndarray:
    """Return the translations of all samples of a part, (samples, 6, H, W)."""
    starts = range(0, len(samples), batch_size)
    return np.concatenate(
        [
            network(samples.stacks(np.arange(start, min(start + batch_size, len(samples))))).descriptors.numpy()
            for start in progress_bar(starts, description=description, unit="batch", enabled=progress)
        ]
    )


def _mean_descriptors(samples: ImageSamples, batch_size: int = 64) -> np.ndarray:
    starts = range(0, len(samples), batch_size)
    batches = (np.arange(start, min(start + batch_size, len(samples))) for start in starts)
    return (sum(samples.descriptors(batch).double().sum(dim=0) for batch in batches) / len(samples)).float().numpy()


def _worst_cases(
    samples: ImageSamples, truth: np.ndarray, predicted: np.ndarray, order: np.ndarray
) -> list[dict[str, Any]]:
    chosen = order[:WORST_LISTED]
    scores = sample_scores(truth[chosen], predicted[chosen])
    owners, ranks = samples.column("electrode_index")[chosen], samples.column("orientation_rank")[chosen]
    return [
        {
            "electrode": samples.dataset.electrodes[owner].id,
            "formula": samples.dataset.electrodes[owner].formula_discharge,
            "orientation_rank": int(rank),
            **{group: {name: float(values[row]) for name, values in scores[group].items()} for group in GROUPS},
        }
        for row, (owner, rank) in enumerate(zip(owners, ranks, strict=True))
    ]


def _examples(
    samples: ImageSamples,
    truth: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    metrics: Mapping[str, Any],
    order: np.ndarray,
) -> dict[str, Any]:
    owners = samples.column("electrode_index")
    # The worst of different electrodes: the orientations of one fail alike.
    _, first = np.unique(owners[order[::-1]], return_index=True)
    worst = order[::-1][np.sort(first)[:WORST_SHOWN]]
    chosen = [int(order[round(q * (len(order) - 1))]) for q in (0.1, 0.5)] + worst.tolist()
    words = ["a good one", "a typical one", "the worst", *["among the worst"] * (len(worst) - 1)]
    baselines = [name for name in predicted if name not in ("translator", "training_mean")]
    similarity = {name: sum(metrics[name][group]["ssim"] for group in GROUPS) for name in baselines}
    best = max(baselines, key=similarity.__getitem__, default=None)
    return {
        "stack": samples.stacks(np.array(chosen)).numpy(),
        "truth": truth[chosen],
        "prediction": predicted["translator"][chosen],
        "baseline": None if best is None else predicted[best][chosen],
        "titles": [
            f"{samples.dataset.electrodes[owners[n]].formula_discharge} ({word})"
            for n, word in zip(chosen, words, strict=True)
        ],
    }
