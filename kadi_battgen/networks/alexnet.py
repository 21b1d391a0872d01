"""AlexNet's convolutions with the linear layers of LPIPS; all weights are read from files."""

from __future__ import annotations

import os
from importlib.resources import as_file, files

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kadi_battgen.errors import UserError
from kadi_battgen.networks.weight_files import load_filled, read_weights

#: Channels of the five convolutions.
CHANNELS = (64, 192, 384, 256, 256)


class AlexNetMaps(nn.Module):
    """The convolutions of AlexNet (Krizhevsky 2014), in the layout of torchvision's weight file."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *CHANNELS)
        shapes = ((11, 4, 2), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
        layers = {
            position: nn.Conv2d(before, after, size, stride=stride, padding=padding)
            for position, before, after, (size, stride, padding) in zip(
                (0, 3, 6, 8, 10), widths[:-1], widths[1:], shapes, strict=True
            )
        }
        self.features = nn.ModuleDict({str(position): layer for position, layer in layers.items()})
        # What LPIPS subtracts from and divides images in [-1, 1] by.
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None], persistent=False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the activations of the five layers of images (batch, 3, H, W) in [0, 1]; H and W of at least 63 pixels."""
        x = (2 * images - 1 - self.shift) / self.scale
        maps = []
        for position, layer in self.features.items():
            # Pooling stands before the second and the third convolution.
            x = F.relu(layer(F.max_pool2d(x, 3, stride=2) if position in ("3", "6") else x))
            maps.append(x)
        return maps


def load_alexnet(path: str | os.PathLike[str]) -> AlexNetMaps:
    """Return AlexNet's convolutions with the weights of a file, in evaluation mode.

    Parameters
    ----------
    path
        torchvision's ``alexnet-owt-7be5be79.pth`` or the same tensors as safetensors.

    Raises
    ------
    UserError
        If the file is missing, broken or of another network.
    """
    return load_filled(AlexNetMaps, path, others=("classifier.",))


def lpips_weights(path: str | os.PathLike[str] | None = None) -> list[Tensor]:
    """Return the channel weights of LPIPS on AlexNet, version 0.1, one (C,) for each layer.

    Parameters
    ----------
    path
        LPIPS's ``alex.pth``; by default the copy that torchmetrics carries.

    Raises
    ------
    UserError
        If the file is missing, broken or of another network.
    """
    if path is None:
        with as_file(files("torchmetrics.functional.image") / "lpips_models" / "alex.pth") as own:
            return lpips_weights(own)
    weights = read_weights(path)
    names = [f"lin{layer}.model.1.weight" for layer in range(len(CHANNELS))]
    for name, width in zip(names, CHANNELS, strict=True):
        if name not in weights or weights[name].shape != (1, width, 1, 1):
            raise UserError(
                f"{path} holds no linear layers of LPIPS on AlexNet ({name} is missing): give its alex.pth."
            )
    return [weights[name].flatten() for name in names]
