"""Weights and networks of others, given by path and never unpickled."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

Network = TypeVar("Network", bound=nn.Module)


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the tensors of a weight file: safetensors, or a torch state dictionary read with ``weights_only``.

    Raises
    ------
    UserError
        If the file is missing, broken, or holds anything but tensors by name.
    """
    source = existing_file(path)
    try:
        if source.suffix == ".safetensors":
            return load_file(source)
        state = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise a dozen kinds on bytes that are no weights
        raise UserError(
            f"{source} is broken or holds more than tensors: give a safetensors file or a torch state dictionary."
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"{source} is no state dictionary: give a file that holds tensors by name.")
    return dict(state)


def fill_from(module: nn.Module, weights: Mapping[str, Tensor], path: Path, others: Iterable[str] = ()) -> None:
    """Load weights into a network, and say which tensor does not fit if one does not.

    Parameters
    ----------
    module
        The network.
    weights
        Tensors by name.
    path
        Where they come from, for the error.
    others
        Beginnings of names that the file may hold beyond the network's.

    Raises
    ------
    UserError
        If a tensor is missing, has another shape, or is unknown.
    """
    # Batch normalisation counts its batches; older files lack the counter, and nothing depends on it.
    expected = {n: t for n, t in module.state_dict().items() if not n.endswith("num_batches_tracked")}
    wrong = [name for name, tensor in expected.items() if name not in weights or weights[name].shape != tensor.shape]
    known = (*others, *expected)
    wrong += [name for name in weights if not name.endswith("num_batches_tracked") and not name.startswith(known)]
    if wrong:
        raise UserError(
            f"{path} holds the weights of another network than {type(module).__name__} (first difference: {wrong[0]}): give "
            "the file in the layout that its documentation names."
        )
    module.load_state_dict({name: weights[name] for name in expected}, strict=False)


def load_filled(
    network_class: Callable[[], Network], path: str | os.PathLike[str], others: Iterable[str] = ()
) -> Network:
    """Return a network with the weights of a file, in evaluation mode and without gradients of its own.

    Parameters
    ----------
    network_class
        Builds the network.
    path
        The weight file.
    others
        Beginnings of names that the file may hold beyond the network's.

    Raises
    ------
    UserError
        If the file is missing, broken or of another network.
    """
    # What the initial weights draw must not change what the caller draws next.
    with torch.random.fork_rng():
        network = network_class()
    fill_from(network, read_weights(path), Path(path), others)
    return network.eval().requires_grad_(False)


def load_scripted(path: str | os.PathLike[str]) -> nn.Module:
    """Return a TorchScript network that turns images (N, 3, H, W) in [0, 1] into feature vectors (N, D).

    TorchScript is read by torch's own reader, which builds tensors and compiled functions and runs no Python.

    Raises
    ------
    UserError
        If the file is missing or broken, or the network does not turn two images into two vectors.
    """
    source = existing_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = torch.jit.load(str(source), map_location="cpu").eval()
        with torch.no_grad():
            features = network(torch.zeros(2, 3, 128, 128))
    except (RuntimeError, ValueError, OSError) as error:
        first = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise UserError(
            f"{source} is no TorchScript network for images (N, 3, 128, 128) ({first}): write one with torch.jit.save."
        ) from error
    if not isinstance(features, Tensor) or features.dim() != 2 or len(features) != 2:
        found = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise UserError(
            f"{source} makes {found} of images (2, 3, 128, 128), not one vector for each image: end it with global pooling."
        )
    return network
