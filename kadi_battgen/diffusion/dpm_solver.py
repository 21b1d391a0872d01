"""DPM-Solver++ of second order, multistep (Lu et al., arXiv:2211.01095, algorithm 2): twenty calls where DDIM needs hundreds.

The solver works in lambda = ln(alpha / sigma), half the logarithm of signal to noise, with alpha^2 the share of signal and
sigma^2 = 1 - alpha^2 that of noise. In lambda the probability flow is a linear equation with the denoised sample as its
inhomogeneity: the linear part is solved exactly, the denoised sample is extrapolated from its last two values. Every step
goes between two timesteps of an explicit list; nothing is clipped.

The stochastic form (section 5, SDE-DPM-Solver++) goes backwards along the diffusion itself and not along the probability flow:
the noise that it adds on the way washes out what the denoiser got wrong before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from kadi_battgen.diffusion.samplers import Denoiser, Watch, draw_noise
from kadi_battgen.diffusion.schedule import NoiseSchedule


@torch.no_grad()
def sample_dpm_solver(
    denoiser: Denoiser,
    noise: Tensor,
    schedule: NoiseSchedule,
    steps: int = 20,
    watch: Watch = iter,
    generators: Sequence[torch.Generator] | None = None,
    noisy: Tensor | None = None,
) -> Tensor:
    """Return samples by the second-order multistep solver, deterministic or stochastic.

    Parameters
    ----------
    denoiser, noise, schedule, watch
        As in :func:`~kadi_battgen.diffusion.samplers.sample_ddpm`.
    steps
        Number of denoiser calls.
    generators
        One generator per row of the batch, for the noise that the stochastic form adds on the way; None for the deterministic
        form.
    noisy
        Elements that noise is added to, bool, of the shape of one sample; the others follow the probability flow. All by
        default.

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
        kept = ((1 - following) / (1 - share)) ** 0.5 * sample
        flow = kept - following**0.5 * math.expm1(-width) * estimate
        if generators is None:
            sample = flow
        else:
            noise = draw_noise(sample.shape[1:], generators).to(sample)
            fresh = (-(1 - following) * math.expm1(-2 * width)) ** 0.5 * noise
            walk = math.exp(-width) * kept - following**0.5 * math.expm1(-2 * width) * estimate + fresh
            sample = walk if noisy is None else torch.where(noisy, walk, flow)
        previous = clean
    return sample
