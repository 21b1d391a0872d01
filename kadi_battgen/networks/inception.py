"""InceptionV3 in the variant that FID is defined with; its weights are read from a file.

The network of Szegedy et al., CVPR 2016, table 1, as TensorFlow's model of 2015-12-05 that Heusel et al., NeurIPS 2017,
computed FID with: average pooling inside the blocks leaves out the padding, and the last block pools by the maximum. Names of
weights are those of pytorch-fid's file ``pt_inception-2015-12-05-6726825d.pth`` and of torch-fidelity's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.networks.weight_files import load_filled

#: Side of the images that the network was trained on, in pixels.
SIDE = 299


class _Layer(NamedTuple):
    name: str
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padded: bool = True


#: Layers one after the other; a tuple of layers in the last place runs side by side.
_Chain = Sequence[_Layer | tuple[_Layer, _Layer]]


class _Convolution(nn.Module):
    def __init__(self, before: int, layer: _Layer) -> None:
        super().__init__()
        padding = tuple(size // 2 if layer.padded else 0 for size in layer.kernel)
        self.conv = nn.Conv2d(before, layer.width, layer.kernel, stride=layer.stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(layer.width, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Mixed(nn.Module):
    """Chains of convolutions side by side and a pooling branch, joined along the channels."""

    def __init__(self, before: int, chains: Sequence[_Chain], pooling: str, pooled_width: int = 0) -> None:
        super().__init__()
        self.chains, self.pooling = chains, pooling
        for chain in chains:
            width = before
            for entry in chain:
                for layer in _parallel(entry):
                    self.add_module(layer.name, _Convolution(width, layer))
                width = _parallel(entry)[0].width
        self.branch_pool = _Convolution(before, _Layer("branch_pool", pooled_width)) if pooled_width else None

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for chain in self.chains:
            hidden = x
            for entry in chain:
                hidden = torch.cat([self.get_submodule(layer.name)(hidden) for layer in _parallel(entry)], dim=1)
            outputs.append(hidden)
        pooled = self._pool(x)
        return torch.cat([*outputs, pooled if self.branch_pool is None else self.branch_pool(pooled)], dim=1)

    def _pool(self, x: Tensor) -> Tensor:
        if self.pooling == "average":
            return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        if self.pooling == "maximum":
            return F.max_pool2d(x, 3, stride=1, padding=1)
        return F.max_pool2d(x, 3, stride=2)


def _parallel(entry: _Layer | tuple[_Layer, _Layer]) -> tuple[_Layer, ...]:
    return (entry,) if isinstance(entry, _Layer) else entry


def _mixed_35(before: int, pooled_width: int) -> _Mixed:
    chains = (
        [_Layer("branch1x1", 64)],
        [_Layer("branch5x5_1", 48), _Layer("branch5x5_2", 64, (5, 5))],
        [
            _Layer("branch3x3dbl_1", 64),
            _Layer("branch3x3dbl_2", 96, (3, 3)),
            _Layer("branch3x3dbl_3", 96, (3, 3)),
        ],
    )
    return _Mixed(before, chains, "average", pooled_width)


def _reduction_17(before: int) -> _Mixed:
    chains = (
        [_Layer("branch3x3", 384, (3, 3), 2, False)],
        [
            _Layer("branch3x3dbl_1", 64),
            _Layer("branch3x3dbl_2", 96, (3, 3)),
            _Layer("branch3x3dbl_3", 96, (3, 3), 2, False),
        ],
    )
    return _Mixed(before, chains, "halving")


def _mixed_17(before: int, width: int) -> _Mixed:
    row, column = (1, 7), (7, 1)
    chains = (
        [_Layer("branch1x1", 192)],
        [_Layer("branch7x7_1", width), _Layer("branch7x7_2", width, row), _Layer("branch7x7_3", 192, column)],
        [
            _Layer("branch7x7dbl_1", width),
            _Layer("branch7x7dbl_2", width, column),
            _Layer("branch7x7dbl_3", width, row),
            _Layer("branch7x7dbl_4", width, column),
            _Layer("branch7x7dbl_5", 192, row),
        ],
    )
    return _Mixed(before, chains, "average", 192)


def _reduction_8(before: int) -> _Mixed:
    chains = (
        [_Layer("branch3x3_1", 192), _Layer("branch3x3_2", 320, (3, 3), 2, False)],
        [
            _Layer("branch7x7x3_1", 192),
            _Layer("branch7x7x3_2", 192, (1, 7)),
            _Layer("branch7x7x3_3", 192, (7, 1)),
            _Layer("branch7x7x3_4", 192, (3, 3), 2, False),
        ],
    )
    return _Mixed(before, chains, "halving")


def _mixed_8(before: int, pooling: str) -> _Mixed:
    def split(name: str) -> tuple[_Layer, _Layer]:
        return _Layer(f"{name}a", 384, (1, 3)), _Layer(f"{name}b", 384, (3, 1))

    chains: tuple[_Chain, ...] = (
        [_Layer("branch1x1", 320)],
        [_Layer("branch3x3_1", 384), split("branch3x3_2")],
        [_Layer("branch3x3dbl_1", 448), _Layer("branch3x3dbl_2", 384, (3, 3)), split("branch3x3dbl_3")],
    )
    return _Mixed(before, chains, pooling, 192)


class InceptionV3(nn.Module):
    """InceptionV3 for FID: images (batch, 3, H, W) in [0, 1] to the 2048 features of the last pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Convolution(3, _Layer("", 32, (3, 3), 2, False))
        self.Conv2d_2a_3x3 = _Convolution(32, _Layer("", 32, (3, 3), 1, False))
        self.Conv2d_2b_3x3 = _Convolution(32, _Layer("", 64, (3, 3)))
        self.Conv2d_3b_1x1 = _Convolution(64, _Layer("", 80))
        self.Conv2d_4a_3x3 = _Convolution(80, _Layer("", 192, (3, 3), 1, False))
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = (_mixed_35(n, w) for n, w in ((192, 32), (256, 64), (288, 64)))
        self.Mixed_6a = _reduction_17(288)
        self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = (_mixed_17(768, w) for w in (128, 160, 160, 192))
        self.Mixed_7a = _reduction_8(768)
        self.Mixed_7b, self.Mixed_7c = _mixed_8(1280, "average"), _mixed_8(2048, "maximum")
        self.fc = nn.Linear(2048, 1008)

    def forward(self, images: Tensor) -> Tensor:
        """Return features (batch, 2048); images are resized bilinearly to 299 pixels, as pytorch-fid does."""
        x = 2 * F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False) - 1
        for name, block in self.named_children():
            if name == "fc":
                break
            x = block(x)
            if name in ("Conv2d_2b_3x3", "Conv2d_4a_3x3"):
                x = F.max_pool2d(x, 3, stride=2)
        return x.mean(dim=(2, 3))

    def probabilities(self, images: Tensor) -> Tensor:
        """Return class probabilities (batch, 1008), without the bias as in the Inception score's own programme."""
        return F.linear(self(images), self.fc.weight).softmax(dim=1)


def load_inception(path: str | os.PathLike[str]) -> InceptionV3:
    """Return the FID Inception network with the weights of a file, in evaluation mode.

    Parameters
    ----------
    path
        pytorch-fid's or torch-fidelity's weight file (.pth), or the same tensors as safetensors.

    Raises
    ------
    UserError
        If the file is missing, broken or of another network.
    """
    return load_filled(InceptionV3, path, others=("AuxLogits.",))
