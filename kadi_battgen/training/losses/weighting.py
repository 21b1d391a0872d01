"""When and how strongly the adversarial loss takes part."""

from __future__ import annotations

import torch
from torch import Tensor


def delayed_weight(step: int, weight: float, start: int, ramp: int = 0) -> float:
    """Return the weight of a loss that joins a training late.

    Discriminators that play from the first step judge noise; Esser et al., CVPR 2021, let them wait.

    Parameters
    ----------
    step
        Step or epoch, from 0.
    weight
        The weight once the loss takes part in full.
    start
        First step or epoch in which it takes part.
    ramp
        Steps or epochs in which the weight rises linearly to its full value; 0 for at once.
    """
    if step < start:
        return 0.0
    return weight if ramp <= 0 else weight * min(1.0, (step - start + 1) / ramp)


def adaptive_weight(
    reconstruction: Tensor, adversarial: Tensor, last_layer: Tensor, limit: float = 1e4, delta: float = 1e-6
) -> Tensor:
    """Return the weight that makes the adversarial loss pull at the decoder's last layer as hard as the reconstruction.

    Source: Esser et al., CVPR 2021, equation 7: lambda = norm of the gradient of the reconstruction loss / (norm of the
    gradient of the adversarial loss + delta), limited as in their programme. It carries no gradient itself, and the graph
    stays for the step that follows. In mixed precision, lightning.fabric lets nobody but itself differentiate what its wrapped
    modules return: compute the losses with the networks themselves, within ``fabric.autocast()``.

    Parameters
    ----------
    reconstruction, adversarial
        Losses that both depend on `last_layer`.
    last_layer
        Weight of the decoder's last layer.
    limit
        Largest weight.
    delta
        Keeps the quotient finite.
    """
    (pull,) = torch.autograd.grad(reconstruction, last_layer, retain_graph=True)
    (push,) = torch.autograd.grad(adversarial, last_layer, retain_graph=True)
    return (pull.float().norm() / (push.float().norm() + delta)).clamp(max=limit).detach()
