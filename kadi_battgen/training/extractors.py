"""Feature networks as extractors for the image metrics."""

from __future__ import annotations

import os
from pathlib import Path

from torch import Tensor

from kadi_battgen.metrics.extractors import Extractor
from kadi_battgen.metrics.perceptual import perceptual_distance
from kadi_battgen.networks.alexnet import load_alexnet, lpips_weights
from kadi_battgen.networks.features import (
    FEATURE_GROUPS,
    DescriptorFeatures,
    feature_network_name,
    load_feature_network,
    metric_name,
)
from kadi_battgen.networks.inception import load_inception
from kadi_battgen.networks.weight_files import load_scripted


def descriptor_extractors(path: str | os.PathLike[str] | None = None) -> dict[str, Extractor]:
    """Return our feature networks by group of descriptor channels.

    Parameters
    ----------
    path
        Weights written by ``python -m kadi_battgen.training.features``; by default the bundled ones.

    Raises
    ------
    UserError
        If the file is missing or broken.
    """
    extractors = {}
    for group in FEATURE_GROUPS:
        network = load_feature_network(group, path)

        def perceptual(first: Tensor, second: Tensor, network: DescriptorFeatures = network) -> Tensor:
            return perceptual_distance(network.maps(first), network.maps(second))

        extractors[group] = Extractor(feature_network_name(path), network, network.probabilities, perceptual)
    return extractors


def inception_extractor(path: str | os.PathLike[str]) -> Extractor:
    """Return the FID Inception network with the weights of a file; its metrics end in ``inception_v3_fid``.

    Raises
    ------
    UserError
        If the file is missing, broken or of another network.
    """
    network = load_inception(path)
    return Extractor("inception_v3_fid", network, network.probabilities)


def scripted_extractor(path: str | os.PathLike[str]) -> Extractor:
    """Return a TorchScript network from images (N, 3, H, W) in [0, 1] to vectors (N, D), named after its file.

    Raises
    ------
    UserError
        If the file is missing, broken, or makes something else of images.
    """
    return Extractor(f"torchscript_{metric_name(Path(path).stem)}", load_scripted(path))


def lpips_extractor(backbone: str | os.PathLike[str], linear: str | os.PathLike[str] | None = None) -> Extractor:
    """Return LPIPS version 0.1 on AlexNet, with its own weights; the distance is called ``perceptual_lpips_alex_v0_1``.

    Parameters
    ----------
    backbone
        torchvision's AlexNet weights.
    linear
        LPIPS's ``alex.pth``; by default the copy that torchmetrics carries.

    Raises
    ------
    UserError
        If a file is missing, broken or of another network.
    """
    network, weights = load_alexnet(backbone), lpips_weights(linear)
    return Extractor(
        "lpips_alex_v0_1",
        lambda images: network.maps(images)[-1].mean(dim=(2, 3)),
        perceptual=lambda first, second: perceptual_distance(network.maps(first), network.maps(second), weights),
    )
