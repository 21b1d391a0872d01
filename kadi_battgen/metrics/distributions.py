"""How close the distribution of generated descriptors is to that of true ones: FID, KID, Inception score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kadi_battgen.metrics.extractors import Extractor, compute_batches
from kadi_battgen.metrics.frechet import frechet_feature_distance
from kadi_battgen.metrics.images import GROUPS
from kadi_battgen.metrics.inception_score import inception_score
from kadi_battgen.metrics.kernel import kernel_feature_distance


def distribution_metrics(true: np.ndarray, generated: np.ndarray, extractor: Extractor) -> dict[str, float]:
    """Return the distances between two sets of images of three channels; every name holds the extractor.

    Parameters
    ----------
    true, generated
        (samples, 3, H, W) in [0, 1]; sets need not be paired nor of one size. At least three of each.
    extractor
        The feature network.

    Returns
    -------
    dict
        ``fid_<extractor>``, ``kid_<extractor>``, ``kid_<extractor>_standard_error`` and, where the network has classes,
        ``inception_score_<extractor>`` of the generated set and ``inception_score_<extractor>_true`` of the true one.
    """
    features = [compute_batches(extractor.features, [images]) for images in (true, generated)]
    kernel = kernel_feature_distance(*features)
    name = extractor.name
    metrics = {
        f"fid_{name}": frechet_feature_distance(*features),
        f"kid_{name}": kernel.value,
        f"kid_{name}_standard_error": kernel.standard_error,
    }
    if extractor.probabilities is not None:
        metrics[f"inception_score_{name}"] = inception_score(compute_batches(extractor.probabilities, [generated]))
        metrics[f"inception_score_{name}_true"] = inception_score(compute_batches(extractor.probabilities, [true]))
    return metrics


def descriptor_distribution_metrics(
    true: np.ndarray, generated: np.ndarray, extractors: Mapping[str, Extractor]
) -> dict[str, dict[str, float]]:
    """Return :func:`distribution_metrics` of the grey descriptors and of the type map.

    Parameters
    ----------
    true, generated
        Scaled descriptors, (samples, 6, H, W).
    extractors
        Feature network of each group, ``grey`` and ``type_map``.
    """
    return {
        group: distribution_metrics(true[:, channels], generated[:, channels], extractors[group])
        for group, channels in GROUPS.items()
    }


def descriptor_perceptual_distances(
    true: np.ndarray, predicted: np.ndarray, extractors: Mapping[str, Extractor]
) -> dict[str, dict[str, np.ndarray]]:
    """Return the perceptual distance of each pair of images by group, under the name ``perceptual_<extractor>``.

    Parameters
    ----------
    true, predicted
        Scaled descriptors in pairs, (samples, 6, H, W).
    extractors
        Feature network of each group; those without a perceptual distance are passed over.

    Returns
    -------
    dict
        Arrays (samples,), of which :func:`kadi_battgen.metrics.intervals.bootstrap_interval` makes a mean with its interval.
    """
    distances: dict[str, dict[str, np.ndarray]] = {}
    for group, channels in GROUPS.items():
        extractor = extractors[group]
        if extractor.perceptual is not None:
            pairs = [true[:, channels], predicted[:, channels]]
            distances[group] = {f"perceptual_{extractor.name}": compute_batches(extractor.perceptual, pairs)}
    return distances
