"""Exponential moving average of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from kadi_battgen.errors import UserError


class WeightAverage:
    """Exponential moving average of a network's weights and floating-point buffers.

    After each step, average <- d average + (1 - d) weights with d = min(decay, (1 + n) / (10 + n)) after n steps: a short
    memory at first, so that the initial weights do not linger in the average of a short training (the schedule of
    TensorFlow's ExponentialMovingAverage; the use for generative models: Yazici et al., ICLR 2019).

    Parameters
    ----------
    module
        The network, as it is now.
    decay
        The decay per step d, in [0, 1).
    steps
        Steps that the average has seen.

    Raises
    ------
    UserError
        If the decay is out of range.
    """

    def __init__(self, module: nn.Module, decay: float, steps: int = 0) -> None:
        if not 0 <= decay < 1:
            raise UserError(f"The decay {decay} of the average of the weights is out of range: give 0 <= decay < 1.")
        self.decay, self.steps = decay, steps
        self._average = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights after one more step; integer buffers are copied."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1 - decay)
            else:
                self._average[name].copy_(tensor)

    @contextmanager
    def applied_to(self, module: nn.Module) -> Iterator[None]:
        """Let the network have the averaged weights within the block, for validation."""
        current = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
        module.load_state_dict(self._average)
        try:
            yield
        finally:
            module.load_state_dict(current)

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the averaged tensors by their name in the network, and the number of steps as ``steps``."""
        copies = {f"average/{name}": tensor.clone() for name, tensor in self._average.items()}
        return {"steps": torch.tensor(self.steps), **copies}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`state_dict` returned.

        Raises
        ------
        KeyError
            If a tensor of the network is missing.
        """
        self.steps = int(state["steps"])
        self._average = {name: state[f"average/{name}"].clone() for name in self._average}
