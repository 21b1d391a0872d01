"""Feature networks for descriptor images: what FID, KID, Inception score and perceptual losses are computed with.

A feature network is told from others by its name, which every number computed with it carries. Ours were trained on
descriptors and ship with the package (card: ``kadi_battgen/bundled/descriptor_features.card.md``); Inception and AlexNet are
in the modules beside this one and take their weights from a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file

#: Groups of descriptor channels, each with three channels and a feature network of its own.
FEATURE_GROUPS = ("grey", "type_map")

#: What a feature network also learns to measure, so that its features answer to it in proportion: noise of standard deviation
#: 0.1 and blur by a Gaussian of 2 pixels have the strength 1.
DAMAGES = ("noise", "blur")

#: Name of the bundled extractor; a new training takes a new number.
DESCRIPTOR_FEATURES = "descriptor_features_v1"

#: File name of the bundled weights.
BUNDLED_FEATURES = "descriptor_features.safetensors"


class DescriptorFeatures(nn.Module):
    """Convolutional classifier of one group of descriptor images; its pooled last layer is the feature vector.

    Images of any size are resized to `side` pixels, since the meaning of a filter depends on the size of a pixel. All scans
    of this project show windows of similar width.

    Parameters
    ----------
    elements
        Elements whose presence is predicted.
    working_ions
        Working ions that are told apart.
    channels
        Channels of the convolutions, each of which halves the resolution; the last is the number of features.
    side
        Working size in pixels.
    """

    def __init__(
        self,
        *,
        elements: Sequence[str],
        working_ions: Sequence[str],
        channels: Sequence[int] = (16, 32, 64, 64),
        side: int = 128,
    ) -> None:
        super().__init__()
        self.elements, self.working_ions = tuple(elements), tuple(working_ions)
        self.side = side
        self.stages = nn.ModuleList()
        previous = 3
        for width in channels:
            size = 5 if previous == 3 else 3
            convolution = nn.Conv2d(previous, width, size, stride=2, padding=size // 2, bias=False)
            self.stages.append(nn.Sequential(convolution, nn.BatchNorm2d(width), nn.SiLU()))
            previous = width
        self.presence = nn.Linear(previous, len(self.elements))
        self.ion = nn.Linear(previous, len(self.working_ions))
        self.damage = nn.Linear(previous, len(DAMAGES))
        self.register_buffer("feature_mean", torch.zeros(previous))
        self.register_buffer("feature_deviation", torch.ones(()))

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the activations of every stage, finest first.

        Parameters
        ----------
        images
            One group of scaled descriptors, (batch, 3, H, W), in [0, 1].
        """
        x = images if images.shape[-2:] == (self.side, self.side) else self._resized(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def pooled(self, images: Tensor) -> Tensor:
        """Return the last stage averaged over the image, (batch, features)."""
        return self.maps(images)[-1].mean(dim=(2, 3))

    def heads(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of the elements' presence and of the working ions, and the strength of each of ``DAMAGES``."""
        pooled = self.pooled(images)
        return self.presence(pooled), self.ion(pooled), self.damage(pooled)

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the probability of each working ion, (batch, working ions)."""
        return self.heads(images)[1].softmax(dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return feature vectors (batch, features) of zero mean over the images trained on, whose variances average to one."""
        return (self.pooled(images) - self.feature_mean) / self.feature_deviation

    def _resized(self, images: Tensor) -> Tensor:
        return F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False, antialias=True)


def save_feature_networks(path: str | os.PathLike[str], networks: dict[str, DescriptorFeatures]) -> None:
    """Write the feature networks of both groups into one safetensors file; the same weights give the same bytes.

    Parameters
    ----------
    path
        The file.
    networks
        One network for each of ``FEATURE_GROUPS``, of one architecture.
    """
    any_network = networks[FEATURE_GROUPS[0]]
    architecture = {
        "elements": list(any_network.elements),
        "working_ions": list(any_network.working_ions),
        "channels": [stage[0].out_channels for stage in any_network.stages],  # type: ignore[index, union-attr]
        "side": any_network.side,
    }
    tensors = {
        f"{group}.{name}": tensor.detach().cpu().contiguous()
        for group in FEATURE_GROUPS
        for name, tensor in networks[group].state_dict().items()
    }
    with atomic_path(path) as temporary:
        # One entry of metadata: safetensors writes several in an order that differs from run to run.
        temporary.write_bytes(save(tensors, metadata={"architecture": json.dumps(architecture)}))


def load_feature_network(group: str, path: str | os.PathLike[str] | None = None) -> DescriptorFeatures:
    """Return the feature network of a group of descriptor channels, in evaluation mode and without gradients of its own.

    Parameters
    ----------
    group
        One of ``FEATURE_GROUPS``.
    path
        File written by ``python -m kadi_battgen.training.features``; by default the bundled one.

    Raises
    ------
    UserError
        If there is no such group, or the file is missing, broken or of another kind.
    """
    if group not in FEATURE_GROUPS:
        raise UserError(f"Group {group!r} has no feature network: choose from {', '.join(FEATURE_GROUPS)}.")
    if path is None:
        with as_file(files("kadi_battgen.bundled") / BUNDLED_FEATURES) as bundled:
            return _read(group, bundled)
    return _read(group, existing_file(path))


def feature_network_name(path: str | os.PathLike[str] | None = None) -> str:
    """Return the name of an extractor for use in metric names: the bundled one's, or the stem of its file."""
    return DESCRIPTOR_FEATURES if path is None else metric_name(Path(path).stem)


def metric_name(text: str) -> str:
    """Return `text` as part of a metric's name: lower-case letters, digits and underscores."""
    return "_".join("".join(c if c.isalnum() and c.isascii() else " " for c in text.lower()).split()) or "unnamed"


def _read(group: str, path: Path) -> DescriptorFeatures:
    way_out = "make it with python -m kadi_battgen.training.features"
    try:
        with safe_open(path, framework="pt") as file:
            architecture: dict[str, Any] = json.loads((file.metadata() or {})["architecture"])
            prefix = f"{group}."
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 - not a dict
            state = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
        with torch.random.fork_rng():
            network = DescriptorFeatures(**architecture)
        network.load_state_dict(state)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise UserError(f"{path} is broken or holds no feature network of the group {group}: {way_out}.") from error
    return network.eval().requires_grad_(False)
