"""Going on with a training that was interrupted, or that diverged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from kadi_battgen.errors import UserError
from kadi_battgen.training.averaging import WeightAverage
from kadi_battgen.training.checkpoints import (
    fingerprint,
    load_training_state,
    optimizer_tensors,
    restore_optimizer,
    save_training_state,
)
from kadi_battgen.training.history import History


class _Trained(Protocol):
    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]


class Progress:
    """What a training has reached: everything that a checkpoint holds.

    Parameters
    ----------
    task
        Networks and optimizers; the first network is the one that is kept.
    path
        The checkpoint file.
    configuration
        What the training depends on.
    averaging
        Decay per step of the average of the weights, 0 for none.
    """

    def __init__(self, task: _Trained, path: Path, configuration: Mapping[str, Any], averaging: float) -> None:
        self.task, self.path = task, path
        self.identity = fingerprint(configuration)
        self.identity_but_speed = fingerprint(_without_learning_rates(configuration))
        self.kept = next(iter(task.modules.values()))
        self.average = WeightAverage(self.kept, averaging) if averaging else None
        self.best = snapshot(self.kept)
        self.history: History = []

    def save(self, diverged: int = 0) -> None:
        """Write the checkpoint.

        Parameters
        ----------
        diverged
            Epoch (from 1) in which the training diverged from here; 0 if it did not.
        """
        tensors = {f"best/{name}": tensor for name, tensor in self.best.items()}
        if self.average is not None:
            tensors.update({f"average/{name}": tensor for name, tensor in self.average.state_dict().items()})
        for module_name, module in self.task.modules.items():
            tensors.update({f"module/{module_name}/{name}": tensor for name, tensor in module.state_dict().items()})
        for name, optimizer in self.task.optimizers.items():
            tensors.update(optimizer_tensors(optimizer, f"optimizer/{name}"))
        state = {
            "configuration": self.identity,
            "configuration_without_learning_rates": self.identity_but_speed,
            "diverged": diverged,
            "history": self.history,
        }
        save_training_state(self.path, tensors, state)

    def resume(self) -> None:
        """Put back what the checkpoint holds.

        Raises
        ------
        UserError
            If the checkpoint is broken, belongs to another configuration, or the training diverged from it and would again.
        """
        tensors, state = load_training_state(self.path)
        diverged = state.get("diverged", 0)
        same = state["configuration"] == self.identity
        if same and diverged:
            raise UserError(
                f"{self.path} belongs to a training that diverged in epoch {diverged} and would again: lower the "
                f"learning rate (--learning-rate) to go on from epoch {diverged - 1}, or delete the file to start anew."
            )
        if not same and not (diverged and state["configuration_without_learning_rates"] == self.identity_but_speed):
            raise UserError(
                f"{self.path} belongs to an interrupted training with other settings, seed or data: "
                "delete it to start anew, or choose another output folder."
            )

        def chosen(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

        for name, module in self.task.modules.items():
            module.load_state_dict(chosen(f"module/{name}/"))
        for name, optimizer in self.task.optimizers.items():
            restore_optimizer(optimizer, tensors, f"optimizer/{name}")
        if self.average is not None:
            self.average.load_state_dict(chosen("average/"))
        self.best, self.history = chosen("best/"), state["history"]


def mark_diverged(path: Path, epoch: int) -> bool:
    """Note in a checkpoint that its training diverged in an epoch (from 1), and return whether there is a checkpoint.

    What is in memory by then is spoilt; the file holds the last epoch that was sound.
    """
    if not path.is_file():
        return False
    tensors, state = load_training_state(path)
    save_training_state(path, tensors, {**state, "diverged": epoch})
    return True


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of a network's tensors by name."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _without_learning_rates(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_learning_rates(entry) for key, entry in value.items() if "learning_rate" not in key}
    return [_without_learning_rates(entry) for entry in value] if isinstance(value, list | tuple) else value
