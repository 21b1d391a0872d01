"""Trained models and interrupted trainings on disk: safetensors and JSON, never a pickle.

A trained model is a folder ``<model>/<kind>/`` with ``weights.safetensors``, ``card.json`` (architecture, normalisation,
settings, measured results), the same for people in ``card.md``, ``metrics.csv`` and ``resources.json`` (what the training
took). An interrupted training keeps one ``checkpoint.safetensors`` beside them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save, save_file
from torch import Tensor, nn

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, read_json, sha256_file, write_json
from kadi_battgen.training.model_card import write_model_card
from kadi_battgen.training.processes import written_once

SCHEMA = "kadi-battgen/model"
SCHEMA_VERSION = 1
Network = TypeVar("Network", bound=nn.Module)

WEIGHTS = "weights.safetensors"
CARD = "card.json"
CHECKPOINT = "checkpoint.safetensors"


def fingerprint(configuration: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a training depends on, plain JSON values."""
    return hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()


def is_trained(folder: Path, kind: str, configuration: Mapping[str, Any]) -> bool:
    """Return whether the folder holds a whole model trained with just this configuration."""
    try:
        card = read_card(folder, kind)
    except UserError:
        return False
    weights = folder / WEIGHTS
    return (
        card.get("configuration_sha256") == fingerprint(configuration)
        and weights.is_file()
        and sha256_file(weights) == card.get("weights_sha256")
    )


@written_once
def save_model(
    folder: Path, kind: str, module: nn.Module, card: Mapping[str, Any], configuration: Mapping[str, Any]
) -> None:
    """Write weights and card of a trained model, the card for people too.

    ``card.json`` comes last, so a card without its weights cannot exist.

    Parameters
    ----------
    folder
        The kind's own folder.
    kind
        ``translation``, a baseline's, ``composition``, ``screening`` or ``prvae``.
    module
        The trained network.
    card
        ``architecture`` (arguments of the network), ``normalisation``, ``settings`` and whatever else a reader of the
        model needs; plain JSON values.
    configuration
        What the training depended on.
    """
    with atomic_path(folder / WEIGHTS) as temporary:
        # Written here and not by safetensors, which would let nobody but the owner read a shared model.
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
        temporary.write_bytes(save(state))
    document = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "configuration_sha256": fingerprint(configuration),
        "weights_sha256": sha256_file(folder / WEIGHTS),
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        **card,
    }
    write_model_card(folder, document)
    write_json(folder / CARD, document)


def read_card(folder: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Return the card of a trained model.

    Raises
    ------
    UserError
        If there is no such model in the folder, or its card is of another kind or schema.
    """
    path = Path(folder) / CARD
    if not path.is_file():
        raise UserError(f"{folder} holds no trained {kind} model: train one with battgen train-{kind}.")
    card = read_json(path)
    if not isinstance(card, dict) or card.get("schema") != SCHEMA or card.get("kind") != kind:
        found = card.get("kind") if isinstance(card, dict) else None
        raise UserError(f"{path} describes a {found!r} model, not {kind!r}: name the folder of a {kind} model.")
    if card.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema version {card.get('schema_version')}, but version {SCHEMA_VERSION} is read here: "
            f"train the {kind} model again."
        )
    return card


def adopt_model(source: str | os.PathLike[str], target: str | os.PathLike[str], kind: str) -> None:
    """Copy a trained model from one model folder into another, for trainings that build on it.

    Parameters
    ----------
    source, target
        Model folders. Nothing is copied where they are the same, or the target has the same weights already.
    kind
        Which model, such as ``translation``.

    Raises
    ------
    UserError
        If the source has no such model, or the target has another one.
    """
    origin, place = Path(source) / kind, Path(target) / kind
    weights = read_card(origin, kind)["weights_sha256"]
    if (place / CARD).is_file():
        if read_card(place, kind)["weights_sha256"] != weights:
            raise UserError(f"{place} holds another {kind} model than {origin}: choose another output folder.")
        return
    # The card last: a folder with a card is a whole model.
    for name in sorted((path.name for path in origin.iterdir() if path.name != CHECKPOINT), key=CARD.__eq__):
        with atomic_path(place / name) as temporary:
            shutil.copyfile(origin / name, temporary)


def load_weights(folder: str | os.PathLike[str], module: nn.Module) -> None:
    """Load a model's weights into `module`, built from the same card.

    Raises
    ------
    UserError
        If the file is missing, broken, or belongs to another architecture.
    """
    path = Path(folder) / WEIGHTS
    if not path.is_file():
        raise UserError(f"{path} does not exist: train the model again.")
    try:
        state = load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{path} is empty, truncated or not safetensors: train the model again.") from error
    expected = module.state_dict()
    different = sorted(set(state) ^ set(expected)) or [
        name for name, tensor in expected.items() if state[name].shape != tensor.shape
    ]
    if different:
        raise UserError(
            f"{path} belongs to another architecture than {Path(folder) / CARD} says (first difference: {different[0]}): "
            "restore both files from one training, or train the model again."
        )
    module.load_state_dict(state)


def load_model(
    model_folder: str | os.PathLike[str], kind: str, network_class: Callable[..., Network]
) -> tuple[Network, dict[str, Any]]:
    """Return the trained network of a kind from a model folder, in evaluation mode, with its card.

    Raises
    ------
    UserError
        If it is missing, broken or of another architecture than its card says.
    """
    return load_model_folder(Path(model_folder) / kind, kind, network_class)


def load_model_folder(
    folder: str | os.PathLike[str], kind: str, network_class: Callable[..., Network]
) -> tuple[Network, dict[str, Any]]:
    """Return the trained network that lies in a folder itself, in evaluation mode, with its card.

    Raises
    ------
    UserError
        If it is missing, broken or of another architecture than its card says.
    """
    card = read_card(folder, kind)
    try:
        network = network_class(**card["architecture"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{Path(folder) / CARD} describes no {kind} network of this version: train the model again."
        ) from error
    load_weights(folder, network)
    return network.eval(), card


@written_once
def save_training_state(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write everything an interrupted training needs into one file, all of it or nothing.

    Parameters
    ----------
    path
        The checkpoint file.
    tensors
        Tensors by name.
    state
        Plain JSON values (epoch, history, configuration).
    """
    unique = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(unique, temporary, metadata={"state": json.dumps(state)})


def load_training_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the state of an interrupted training.

    Raises
    ------
    UserError
        If the file is broken.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is empty, truncated or not a checkpoint: delete it to train from the start."
        ) from error


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return the state tensors of an optimizer by name."""
    return {
        f"{prefix}/{index}/{key}": torch.as_tensor(value)
        for index, entries in optimizer.state_dict()["state"].items()
        for key, value in entries.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Put back what :func:`optimizer_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(f"{prefix}/"):
            index, key = name.removeprefix(f"{prefix}/").split("/")
            state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
