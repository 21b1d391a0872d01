"""What a denoising network predicts, and how the noise follows from it.

With alpha^2 the share of signal and sigma^2 = 1 - alpha^2 that of noise, a noisy sample is x = alpha x0 + sigma e. The
velocity v = alpha e - sigma x0 (Salimans and Ho, ICLR 2022, section 4) stays well-behaved where x is nearly pure noise: an
error in e is magnified there by sigma / alpha on its way to x0, an error in v is not.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.errors import UserError

#: ``epsilon`` is the noise (thesis section 4.2.4), ``v`` the velocity.
Prediction = Literal["epsilon", "v"]


def check_prediction(name: str) -> None:
    """Refuse a prediction that is not known.

    Raises
    ------
    UserError
        If `name` is none of ``epsilon`` and ``v``.
    """
    if name not in get_args(Prediction):
        raise UserError(f"Prediction {name!r} is not known: choose from {', '.join(get_args(Prediction))}.")


def prediction_target(
    kind: Prediction, sample: Tensor, noise: Tensor, timestep: Tensor, schedule: NoiseSchedule
) -> Tensor:
    """Return what the network should predict.

    Parameters
    ----------
    kind
        What is predicted.
    sample, noise
        The sample without noise and the noise that was added, of one shape (batch, ...).
    timestep
        Integers, (batch,).
    """
    if kind == "epsilon":
        return noise
    alpha, sigma = _signal_and_noise(schedule, timestep, sample)
    return alpha * noise - sigma * sample


def noise_from_prediction(
    kind: Prediction, predicted: Tensor, noisy: Tensor, timestep: Tensor, schedule: NoiseSchedule
) -> Tensor:
    """Return the noise that a prediction at `noisy` stands for, of the same shape: e = alpha v + sigma x."""
    if kind == "epsilon":
        return predicted
    alpha, sigma = _signal_and_noise(schedule, timestep, noisy)
    return alpha * predicted + sigma * noisy


def _signal_and_noise(schedule: NoiseSchedule, timestep: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    share = schedule.signal_share.to(like.device)[timestep].reshape(-1, *[1] * (like.ndim - 1))
    return share.sqrt().to(like.dtype), (1 - share).sqrt().to(like.dtype)
