"""Trainings in several processes: how they start, share a batch, agree on a number, and who of them writes.

The processes are those of ``torchrun``: this module starts them on one machine, and on several machines ``torchrun`` does. A
process knows its place from the environment, so that a training without processes pays nothing for any of this.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, distributed

from kadi_battgen.errors import UserError

Training = TypeVar("Training", bound=Callable[..., dict[str, Any]])
Write = TypeVar("Write", bound=Callable[..., None])

#: Whether a function that writes is at work, so that those it calls do not wait for processes that never call them.
_writing = ContextVar("_writing", default=False)


def process_count() -> int:
    """Return the number of processes of this training on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_rank() -> int:
    """Return this process's place among them, from 0."""
    return int(os.environ.get("RANK", "0"))


def local_process_count() -> int:
    """Return the number of processes of this training on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def share(batch: np.ndarray) -> np.ndarray:
    """Return this process's part of a batch.

    All parts are of one size, so that the mean of their gradients is that of the batch: up to one sample less than there are
    processes is left out.

    Raises
    ------
    UserError
        If the batch holds fewer samples than there are processes.
    """
    count = process_count()
    if count == 1:
        return batch
    if len(batch) < count:
        raise UserError(
            f"A batch of {len(batch)} samples cannot be shared by {count} processes: raise --batch-size or lower loop.devices."
        )
    return batch[: len(batch) - len(batch) % count][process_rank() :: count]


@torch.no_grad()
def mean_over_processes(tensors: Sequence[Tensor]) -> None:
    """Replace tensors, the same ones in every process, by their means over the processes."""
    if process_count() == 1 or not tensors:
        return
    flat = torch.cat([tensor.detach().float().flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    flat /= process_count()
    start = 0
    for tensor in tensors:
        tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
        start += tensor.numel()


def mean_metrics(metrics: dict[str, float], device: torch.device | str) -> dict[str, float]:
    """Return metrics, under the same names in every process, averaged over the processes."""
    if process_count() == 1:
        return metrics
    values = torch.tensor(list(metrics.values()), dtype=torch.float64, device=device)
    distributed.all_reduce(values)
    return dict(zip(metrics, (values / process_count()).tolist(), strict=True))


def written_once(write: Write) -> Write:
    """Let the first process alone call a function that writes, and all others wait until it has; calls may be nested."""

    @functools.wraps(write)
    def run(*arguments: Any, **options: Any) -> None:
        nested = _writing.get()
        token = _writing.set(True)
        try:
            if process_rank() == 0:
                write(*arguments, **options)
        finally:
            _writing.reset(token)
        if not nested and process_count() > 1 and distributed.is_initialized():
            distributed.barrier()

    return run  # type: ignore[return-value]


def on_all_devices(train: Training) -> Training:
    """Let a training start the processes that its settings ask for.

    Parameters
    ----------
    train
        A function of a module, of data set, model folder, settings and keyword options, that returns the model's card.

    Notes
    -----
    The function raises :class:`UserError` if there are fewer GPUs than processes, or several machines are asked for and
    ``torchrun`` has not started the processes.
    """

    @functools.wraps(train)
    def run(dataset_path: Any, model_folder: Any, settings: Any, **options: Any) -> dict[str, Any]:
        devices, nodes = settings.loop.devices, settings.loop.num_nodes
        if "WORLD_SIZE" in os.environ or devices * nodes == 1:
            return train(dataset_path, model_folder, settings, **options)
        if nodes > 1:
            raise UserError(
                f"loop.num_nodes is {nodes}, but the processes of several machines do not start themselves: run this command "
                f"with torchrun --nnodes {nodes} --nproc-per-node {devices} on each machine."
            )
        if torch.cuda.is_available() and devices > torch.cuda.device_count():
            raise UserError(
                f"loop.devices is {devices}, but this machine has {torch.cuda.device_count()} GPUs: lower it to that."
            )
        arguments = (os.fspath(dataset_path), os.fspath(model_folder), settings)
        return _start(devices, train.__module__, train.__name__, arguments, options)

    return run  # type: ignore[return-value]


def _start(devices: int, module: str, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=devices,
        run_id="battgen",
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        start_method="spawn",
        max_restarts=0,
    )
    card, message = elastic_launch(config, _run_one)(module, name, arguments, options)[0]
    if message is not None:
        raise UserError(message)
    return card


def _run_one(
    module: str, name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """Train in one process and return the card, or what the user has to be told."""
    if process_rank() > 0:
        options = {**options, "progress": False}
    # The cores are shared out, or the processes would wait for each other.
    torch.set_num_threads(max(1, torch.get_num_threads() // local_process_count()))
    try:
        return getattr(import_module(module), name)(*arguments, **options), None
    except UserError as error:
        return {}, str(error)
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()
