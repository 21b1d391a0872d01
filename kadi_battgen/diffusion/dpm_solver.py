"""DPM-Solver++ of second order, multistep (Lu et al., arXiv:2211.01095, algorithm 2): twenty calls where DDIM needs hundreds.

The solver works in lambda = ln(alpha / sigma), half the logarithm of signal to noise, with alpha^2 the share of signal and
sigma^2 = 1 - alpha^2 that of noise. In lambda the probability flow is a linear equation with the denoised sample as its
inhomogeneity: the linear part is solved exactly, the denoised sample is extrapolated from its last two values. Every step
goes between two timesteps of an explicit list; nothing is clipped.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from kadi_battgen.diffusion.samplers import Denoiser, Watch
from kadi_battgen.diffusion.schedule import NoiseSchedule


@torch.no_grad()
def sample_dpm_solver(
    denoiser: Denoiser,
    noise: Tensor,
    schedule: NoiseSchedule,
    steps: int = 20,
    watch: Watch = iter,
) -> Tensor:
    """Return samples by the deterministic second-order multistep solver.

    Parameters
    ----------
    denoiser, noise, schedule, watch
        As in :func:`~kadi_battgen.diffusion.samplers.sample_ddpm`.
    steps
        Number of denoiser calls.

    Raises
    ------
    UserError
        If `steps` is not between 1 and the number of timesteps.
    """
    timesteps = schedule.subset(steps)
    shares = [float(schedule.signal_share[t]) for t in timesteps]
    half_log_snr = [0.5 * math.log(share / (1 - share)) for share in shares]
    widths = [after - before for before, after in pairwise(half_log_snr)]
    sample, previous = noise, None
    for position, t in enumerate(watch(timesteps)):
        predicted = denoiser(sample, torch.full((len(sample),), t, device=sample.device))
        share = shares[position]
        clean = (sample - (1 - share) ** 0.5 * predicted) / share**0.5
        if position == len(timesteps) - 1:
            # The step to no noise at all spans an infinite lambda: what is left of it is the denoised sample itself.
            return clean
        width = widths[position]
        estimate = clean
        if previous is not None:
            slope = 0.5 * width / widths[position - 1]
            estimate = (1 + slope) * clean - slope * previous
        following = shares[position + 1]
        sample = ((1 - following) / (1 - share)) ** 0.5 * sample - following**0.5 * math.expm1(-width) * estimate
        previous = clean
    return sample
