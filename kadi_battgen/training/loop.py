"""The training loop that every model shares: epochs, validation, early stopping, resume.

A model's training is a :class:`Task`: it owns the networks and optimizers, computes one step and one validation. The loop
does the rest and is the same for all of them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from kadi_battgen.errors import UserError
from kadi_battgen.files import write_text
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.checkpoints import (
    CHECKPOINT,
    fingerprint,
    load_training_state,
    optimizer_tensors,
    restore_optimizer,
    save_training_state,
)
from kadi_battgen.training.settings import LoopSettings

#: One row of metrics per epoch.
History = list[dict[str, float]]


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


def make_fabric(precision: str) -> Fabric:
    """Return the device and precision to train with; a GPU is taken where there is one."""
    # What the fabric announces at every start is in the model's card.
    for name in ("lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if accelerator == "cuda" else _cpu_computes_bf16()
        precision = "bf16-mixed" if fast else "32-true"
    return Fabric(accelerator=accelerator, devices=1, precision=precision)


def _cpu_computes_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def seeded(seed: int, *parts: int) -> torch.Generator:
    """Return a generator for one purpose, so that a resumed training draws what an uninterrupted one draws."""
    digest = hashlib.sha256(json.dumps([seed, *parts]).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def batches(count: int, size: int, generator: torch.Generator, weights: Tensor | None = None) -> Iterator[np.ndarray]:
    """Yield positions 0 .. count - 1 in shuffled batches; with `weights`, drawn with replacement in their proportion."""
    if weights is None:
        order = torch.randperm(count, generator=generator)
    else:
        order = torch.multinomial(weights, count, replacement=True, generator=generator)
    starts = list(range(0, count, size))
    if size > 1 and len(starts) > 1 and count - starts[-1] == 1:
        # Batch normalisation cannot do with a single sample: the last one joins the batch before it.
        starts.pop()
    for start, end in zip(starts, [*starts[1:], count], strict=True):
        yield order[start:end].numpy()


def learning_rate_factor(step: int, steps: int) -> float:
    """Return what the learning rate is multiplied by at a step (from 0) of a training of `steps` steps.

    It rises over the first 3 % and falls along a half cosine to 2 % (Loshchilov and Hutter, ICLR 2017, equation 5).
    """
    warm_up = max(1, round(0.03 * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


@torch.random.fork_rng()
def fit(
    task: Task,
    count: int,
    settings: LoopSettings,
    folder: Path,
    *,
    seed: int,
    configuration: dict[str, Any],
    weights: Tensor | None = None,
    positions: np.ndarray | None = None,
    progress: bool = True,
    on_epoch: Callable[[int], None] | None = None,
) -> History:
    """Train until the last epoch or until the validation loss stops improving, and leave the best weights in the task.

    Parameters
    ----------
    task
        The model's training.
    count
        Number of training samples in an epoch.
    settings
        Epochs, batch size, patience.
    folder
        Where the checkpoint and ``metrics.csv`` go.
    seed
        Seed of the order of the samples and of all noise.
    configuration
        What the training depends on; a checkpoint of another configuration is refused.
    weights
        Sampling weight of each sample.
    positions
        What the task calls each of the `count` samples, where a part is over- or undersampled; by default 0 to count - 1.
    on_epoch
        Called with the epoch's number after its checkpoint is written.

    Returns
    -------
    list of dict
        One row of metrics per epoch.

    Raises
    ------
    UserError
        If the folder holds an interrupted training of another configuration, or a loss is not finite.
    """
    checkpoint = folder / CHECKPOINT
    identity = fingerprint(configuration)
    kept = next(iter(task.modules.values()))
    average = _snapshot(kept) if settings.averaging else None
    best, history = _snapshot(kept), list[dict[str, float]]()
    if checkpoint.is_file():
        best, average, history = _resume(task, checkpoint, identity, average)
    bar = progress_bar(
        total=settings.epochs, description=task.name, unit="epoch", initial=len(history), enabled=progress
    )
    for epoch in range(len(history), settings.epochs):
        if _stale(history) >= settings.patience:
            break
        row = _train_epoch(task, count, settings, epoch, seed, weights, positions, average)
        if average is not None:
            current = _snapshot(kept)
            kept.load_state_dict(average)
        row.update(task.validate())
        if not math.isfinite(row["validation_loss"]):
            # The same seed diverges again from here: the checkpoint would only stand in the way of other settings.
            checkpoint.unlink(missing_ok=True)
            raise UserError(f"{task.name} diverged in epoch {epoch + 1}: lower the learning rate (--learning-rate).")
        history.append({"epoch": float(epoch + 1), **row})
        if _stale(history) == 0:
            best = _snapshot(kept)
        if average is not None:
            kept.load_state_dict(current)
        _save(task, checkpoint, identity, best, average, history)
        write_history(folder / "metrics.csv", history)
        bar.note(f"loss {row['loss']:.4g}, validation {row['validation_loss']:.4g}")
        bar.update(1)
        if on_epoch is not None:
            on_epoch(epoch)
    bar.close()
    kept.load_state_dict(best)
    return history


def descend(
    fabric: Fabric, module: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, gradient_norm: float
) -> None:
    """Take one optimizer step down the gradient of `loss`, whose norm is limited to `gradient_norm`.

    A norm that is not finite makes the weights so, and the loop then says that the training diverged.
    """
    optimizer.zero_grad()
    fabric.backward(loss)
    fabric.clip_gradients(module, optimizer, max_norm=gradient_norm, error_if_nonfinite=False)
    optimizer.step()


def finish(folder: Path) -> None:
    """Remove the checkpoint of a training whose model has been saved."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def write_history(path: Path, history: History) -> None:
    """Write one CSV row per epoch."""
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for row in history for name in row))
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
    write_text(path, buffer.getvalue())


def read_history(path: Path) -> dict[str, list[float]]:
    """Return the columns of a ``metrics.csv``; cells that are empty become NaN."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name] or "nan") for row in rows] for name in (rows[0] if rows else [])}


def _train_epoch(
    task: Task,
    count: int,
    settings: LoopSettings,
    epoch: int,
    seed: int,
    weights: Tensor | None,
    positions: np.ndarray | None,
    average: dict[str, Tensor] | None,
) -> dict[str, float]:
    kept = next(iter(task.modules.values()))
    for module in task.modules.values():
        module.train()
    generator = seeded(seed, epoch)
    # Dropout draws from torch's own generator: seed it per epoch too, so that a resumed training draws the same.
    torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    sums: dict[str, float] = {}
    per_epoch = math.ceil(count / settings.batch_size)
    seen, step = 0, epoch * per_epoch
    for drawn in batches(count, settings.batch_size, generator, weights):
        indices = drawn if positions is None else positions[drawn]
        for optimizer in task.optimizers.values():
            for group in optimizer.param_groups:
                peak = group.setdefault("initial_lr", group["lr"])
                group["lr"] = peak * learning_rate_factor(step, settings.epochs * per_epoch)
        losses = task.training_step(indices, epoch, generator)
        seen += len(indices)
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value * len(indices)
        step += 1
        if average is not None:
            # A short memory at first: the initial weights should not linger in the average of a short training.
            decay = min(settings.averaging, (1 + step) / (10 + step))
            for name, tensor in kept.state_dict().items():
                if tensor.is_floating_point():
                    average[name].lerp_(tensor, 1 - decay)
    for module in task.modules.values():
        module.eval()
    return {name: value / seen for name, value in sums.items()}


def _stale(history: History) -> int:
    losses = [row["validation_loss"] for row in history]
    return len(losses) - 1 - int(np.argmin(losses)) if losses else 0


def _snapshot(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _save(
    task: Task,
    path: Path,
    identity: str,
    best: dict[str, Tensor],
    average: dict[str, Tensor] | None,
    history: History,
) -> None:
    tensors = {f"best/{name}": tensor for name, tensor in best.items()}
    tensors.update({f"average/{name}": tensor for name, tensor in (average or {}).items()})
    for module_name, module in task.modules.items():
        tensors.update({f"module/{module_name}/{name}": tensor for name, tensor in module.state_dict().items()})
    for name, optimizer in task.optimizers.items():
        tensors.update(optimizer_tensors(optimizer, f"optimizer/{name}"))
    save_training_state(path, tensors, {"configuration": identity, "history": history})


def _resume(
    task: Task, path: Path, identity: str, average: dict[str, Tensor] | None
) -> tuple[dict[str, Tensor], dict[str, Tensor] | None, History]:
    tensors, state = load_training_state(path)
    if state["configuration"] != identity:
        raise UserError(
            f"{path} belongs to an interrupted training with other settings, seed or data: "
            "delete it to start anew, or choose another output folder."
        )

    def chosen(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

    for name, module in task.modules.items():
        module.load_state_dict(chosen(f"module/{name}/"))
    for name, optimizer in task.optimizers.items():
        restore_optimizer(optimizer, tensors, f"optimizer/{name}")
    return chosen("best/"), chosen("average/") if average is not None else None, state["history"]
