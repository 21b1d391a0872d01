"""Samplers of the reverse diffusion process: DDPM and DDIM.

Both work on any tensor whose first axis is the batch, take the denoiser as a function, and never clip: latents are not
images in [-1, 1]. Noise is drawn candidate by candidate from the candidate's own generator, so that a candidate does not
depend on the batch it was sampled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from kadi_battgen.diffusion.schedule import NoiseSchedule

#: Predicts the noise in a sample (batch, ...) at integer timesteps (batch,).
Denoiser = Callable[[Tensor, Tensor], Tensor]

#: Wraps the list of timesteps, for a progress bar.
Watch = Callable[[list[int]], Iterable[int]]


def candidate_generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """Return one random generator per candidate."""
    return [torch.Generator().manual_seed(int(seed)) for seed in seeds]


def draw_noise(shape: Sequence[int], generators: Sequence[torch.Generator]) -> Tensor:
    """Return standard normal noise, ``(candidates, *shape)``, each candidate from its own generator."""
    return torch.stack([torch.randn(tuple(shape), generator=generator) for generator in generators])


@torch.no_grad()
def sample_ddpm(
    denoiser: Denoiser,
    noise: Tensor,
    schedule: NoiseSchedule,
    generators: Sequence[torch.Generator],
    watch: Watch = iter,
) -> Tensor:
    """Return samples by ancestral sampling through every timestep (Ho et al., NeurIPS 2020, algorithm 2).

    Parameters
    ----------
    denoiser
        Predicts the noise.
    noise
        Standard normal start, (batch, ...).
    schedule
        The schedule of the training.
    generators
        One generator per row of the batch, for the noise added on the way.
    watch
        Wraps the timesteps, for a progress bar.
    """
    sample = noise
    betas, shares = schedule.betas, schedule.signal_share
    for t in watch(list(range(schedule.timesteps - 1, -1, -1))):
        predicted = denoiser(sample, torch.full((len(sample),), t, device=sample.device))
        beta, share = float(betas[t]), float(shares[t])
        sample = (sample - beta / (1 - share) ** 0.5 * predicted) / (1 - beta) ** 0.5
        if t > 0:
            # The posterior variance, the lower of the two choices of section 3.2: exact for data without spread.
            variance = beta * (1 - float(shares[t - 1])) / (1 - share)
            sample = sample + variance**0.5 * draw_noise(sample.shape[1:], generators).to(sample)
    return sample


@torch.no_grad()
def sample_ddim(
    denoiser: Denoiser,
    noise: Tensor,
    schedule: NoiseSchedule,
    steps: int = 50,
    watch: Watch = iter,
    start: int | None = None,
) -> Tensor:
    """Return samples by the deterministic implicit sampler (Song et al., ICLR 2021, equation 12 with sigma = 0).

    Parameters
    ----------
    denoiser, noise, schedule, watch
        As in :func:`sample_ddpm`.
    steps
        Number of denoiser calls.
    start
        First timestep, where `noise` is a sample with just that much noise; the last one of the schedule by default.
    """
    timesteps = schedule.subset(steps, start)
    following = dict(zip(timesteps, [*timesteps[1:], -1], strict=True))
    sample = noise
    for t in watch(timesteps):
        predicted = denoiser(sample, torch.full((len(sample),), t, device=sample.device))
        share = float(schedule.signal_share[t])
        next_share = float(schedule.signal_share[following[t]]) if following[t] >= 0 else 1.0
        clean = (sample - (1 - share) ** 0.5 * predicted) / share**0.5
        sample = next_share**0.5 * clean + (1 - next_share) ** 0.5 * predicted
    return sample
