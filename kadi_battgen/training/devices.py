"""Where a training computes: device, precision, memory layout, and the step down a gradient on all processes at once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TypeVar

import torch
from lightning.fabric import Fabric
from lightning.fabric.strategies import DDPStrategy
from torch import Tensor, nn

from kadi_battgen.training.processes import local_process_count, mean_over_processes, process_count
from kadi_battgen.training.settings import LoopSettings

Module = TypeVar("Module", bound=nn.Module)


class DivergenceError(ArithmeticError):
    """A loss or a gradient that is not finite."""


class _OwnAveraging(DDPStrategy):
    """Processes whose gradients :func:`descend` averages.

    torch's own wrapper averages during the backward pass. It cannot do with networks that are differentiated twice (gradient
    penalty), at one layer only (adaptive weight) or applied twice before a step (discriminators, formulas without image).
    """

    def setup_module(self, module: nn.Module) -> nn.Module:
        """Return the network as it is, on its device."""
        return module


def make_fabric(precision: str) -> Fabric:
    """Return the device and precision to train with; a GPU is taken where there is one.

    In one of several processes (see :mod:`kadi_battgen.training.processes`) it joins them.
    """
    # What the fabric announces at every start is in the model's card.
    for name in ("lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if accelerator == "cuda" else _cpu_computes_bf16()
        precision = "bf16-mixed" if fast else "32-true"
    if process_count() == 1:
        return Fabric(accelerator=accelerator, devices=1, precision=precision)
    here = local_process_count()
    fabric = Fabric(
        accelerator=accelerator,
        devices=here,
        num_nodes=process_count() // here,
        precision=precision,
        strategy=_OwnAveraging(process_group_backend="nccl" if accelerator == "cuda" else "gloo"),
    )
    fabric.launch()
    return fabric


def placed(fabric: Fabric, module: Module, settings: LoopSettings) -> Module:
    """Return a module on the fabric's device, in the memory layout of the settings."""
    channels_last = settings.channels_last
    if channels_last is None:
        # On processors the convolutions of these sizes bring their own layout: see benchmarks/results/training_speed.md.
        channels_last = fabric.device.type == "cuda"
    return module.to(fabric.device, memory_format=torch.channels_last if channels_last else torch.preserve_format)


def descend(
    fabric: Fabric, module: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, gradient_norm: float
) -> None:
    """Take one optimizer step down the gradient of `loss`, whose norm is limited to `gradient_norm`.

    Raises
    ------
    DivergenceError
        If the gradient, averaged over all processes, is not finite; the weights are then as they were.
    """
    optimizer.zero_grad()
    fabric.backward(loss)
    mean_over_processes([p.grad for p in module.parameters() if p.grad is not None])
    norm = fabric.clip_gradients(module, optimizer, max_norm=gradient_norm, error_if_nonfinite=False)
    if norm is not None and not bool(torch.isfinite(norm)):
        raise DivergenceError(f"the norm of a gradient is {float(norm)}")
    optimizer.step()


def _cpu_computes_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
