"""The training loop that every model shares: epochs, validation, early stopping, resume.

A model's training is a :class:`Task`: it owns the networks and optimizers, computes one step and one validation. The loop
does the rest and is the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from kadi_battgen.datasets.balancing import Balance
from kadi_battgen.errors import UserError
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.checkpoints import CHECKPOINT
from kadi_battgen.training.devices import DivergenceError, descend, make_fabric, placed
from kadi_battgen.training.history import History, epochs_without_improvement, read_history, write_history
from kadi_battgen.training.processes import (
    mean_metrics,
    mean_over_processes,
    process_count,
    process_rank,
    share,
    written_once,
)
from kadi_battgen.training.resources import ResourceLog
from kadi_battgen.training.resuming import Progress, mark_diverged, snapshot
from kadi_battgen.training.schedule import batches, learning_rate_factor, seeded
from kadi_battgen.training.settings import LoopSettings

# What a training needs to write its task and to fit it.
__all__ = [
    "History",
    "Task",
    "batches",
    "descend",
    "finish",
    "fit",
    "learning_rate_factor",
    "make_fabric",
    "placed",
    "read_history",
    "seeded",
    "write_history",
]


class Task(Protocol):
    """What the loop needs to know of a model's training.

    Attributes
    ----------
    name
        What the progress bar says.
    modules
        Networks by name; the first one is kept with its best weights.
    optimizers
        Optimizers by name.
    """

    name: str
    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def training_step(self, indices: np.ndarray, epoch: int, generator: torch.Generator) -> dict[str, float]:
        """Take one optimizer step on the samples `indices` and return its losses."""
        ...

    def validate(self) -> dict[str, float]:
        """Return the validation metrics; the loop minimises the one called ``validation_loss``."""
        ...


@torch.random.fork_rng()
def fit(
    task: Task,
    samples: int | Balance,
    settings: LoopSettings,
    folder: Path,
    *,
    seed: int,
    configuration: dict[str, Any],
    progress: bool = True,
    on_epoch: Callable[[int], None] | None = None,
) -> History:
    """Train until the last epoch or until the validation loss stops improving, and leave the best weights in the task.

    Parameters
    ----------
    task
        The model's training.
    samples
        Number of training samples in an epoch, or how an epoch draws them from the training part.
    settings
        Epochs, batch size, patience.
    folder
        Where the checkpoint, ``metrics.csv`` and ``resources.json`` go.
    seed
        Seed of the order of the samples and of all noise.
    configuration
        What the training depends on; a checkpoint of another configuration is refused.
    on_epoch
        Called with the epoch's number after its checkpoint is written.

    Returns
    -------
    list of dict
        One row of metrics per epoch.

    Raises
    ------
    UserError
        If the folder holds an interrupted training of another configuration, or the training diverges. The checkpoint of the
        last sound epoch then stays, and the training goes on from it with a lower learning rate.
    """
    progress_made = Progress(task, folder / CHECKPOINT, configuration, settings.averaging)
    took = ResourceLog(folder, str(_device(progress_made.kept)), resumed=progress_made.path.is_file())
    if progress_made.path.is_file():
        progress_made.resume()
    kept, average, history = progress_made.kept, progress_made.average, progress_made.history
    bar = progress_bar(
        total=settings.epochs, description=task.name, unit="epoch", initial=len(history), enabled=progress
    )
    for epoch in range(len(history), settings.epochs):
        if epochs_without_improvement(history) >= settings.patience:
            break
        try:
            row = _train_epoch(task, samples, settings, epoch, seed, progress_made)
            with nullcontext() if average is None else average.applied_to(kept):
                row.update(mean_metrics(task.validate(), _device(kept)))
                if not (math.isfinite(row["loss"]) and math.isfinite(row["validation_loss"])):
                    raise DivergenceError(f"the validation loss is {row['validation_loss']}")
                history.append({"epoch": float(epoch + 1), **row})
                if epochs_without_improvement(history) == 0:
                    progress_made.best = snapshot(kept)
        except DivergenceError as divergence:
            raise _explained(task.name, epoch + 1, progress_made.path, divergence) from divergence
        progress_made.save()
        written_once(write_history)(folder / "metrics.csv", history)
        written_once(took.write)()
        bar.note(f"loss {row['loss']:.4g}, validation {row['validation_loss']:.4g}")
        bar.update(1)
        if on_epoch is not None:
            on_epoch(epoch)
    bar.close()
    kept.load_state_dict(progress_made.best)
    return history


@written_once
def finish(folder: Path) -> None:
    """Remove the checkpoint of a training whose model has been saved."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _train_epoch(
    task: Task,
    samples: int | Balance,
    settings: LoopSettings,
    epoch: int,
    seed: int,
    progress: Progress,
) -> dict[str, float]:
    for module in task.modules.values():
        module.train()
    generator = seeded(seed, epoch)
    # Dropout draws from torch's own generator: seed it per epoch too, so that a resumed training draws the same.
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)) + process_rank())
    # The order of the samples is the same in all processes, every other draw is not.
    draws = generator if process_count() == 1 else seeded(seed, epoch, process_rank())
    sums: dict[str, float] = {}
    count, weights = (samples, None) if isinstance(samples, int) else (len(samples.positions), samples.sampling_weights)
    per_epoch = math.ceil(count / settings.batch_size)
    seen, step = 0, epoch * per_epoch
    for drawn in batches(count, settings.batch_size, generator, None if weights is None else torch.from_numpy(weights)):
        indices = share(drawn if isinstance(samples, int) else samples.positions[drawn])
        for optimizer in task.optimizers.values():
            for group in optimizer.param_groups:
                peak = group.setdefault("initial_lr", group["lr"])
                group["lr"] = peak * learning_rate_factor(step, settings.epochs * per_epoch)
        losses = task.training_step(indices, epoch, draws)
        seen += len(indices)
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value * len(indices)
        step += 1
        if progress.average is not None:
            progress.average.update(progress.kept)
    for module in task.modules.values():
        module.eval()
        # Batch statistics are each process's own until here.
        mean_over_processes([buffer for buffer in module.buffers() if buffer.is_floating_point()])
    return mean_metrics({name: value / seen for name, value in sums.items()}, _device(progress.kept))


def _explained(name: str, epoch: int, checkpoint: Path, divergence: DivergenceError) -> UserError:
    marked = mark_diverged(checkpoint, epoch)
    kept = f"; epoch {epoch - 1} is kept in {checkpoint}, and the training goes on from there" if marked else ""
    return UserError(
        f"{name} diverged in epoch {epoch}: lower the learning rate (--learning-rate){kept} ({divergence})."
    )


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters()).device
