"""The noise schedule of the forward diffusion process (Ho et al., NeurIPS 2020, equation 4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from kadi_battgen.errors import UserError


@dataclass(frozen=True)
class NoiseSchedule:
    """Linear variances from `beta_start` to `beta_end` over `timesteps` steps (thesis: 1000 steps, 1e-4 to 0.02).

    At timestep t = 0 .. timesteps - 1 a sample is x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise, where a_t is
    ``signal_share[t]``, the product of (1 - beta) up to and including t.
    """

    timesteps: int = 1000
    beta_start: float = 1e-4
    beta_end: float = 0.02

    def __post_init__(self) -> None:
        if self.timesteps < 2 or not 0 < self.beta_start <= self.beta_end < 1:
            raise UserError(
                f"The noise schedule {self.timesteps} steps, beta {self.beta_start} to {self.beta_end} is impossible: "
                "give at least 2 steps and 0 < beta_start <= beta_end < 1."
            )

    @cached_property
    def betas(self) -> Tensor:
        """Variances added at each step, float64, shape (timesteps,)."""
        return torch.linspace(self.beta_start, self.beta_end, self.timesteps, dtype=torch.float64)

    @cached_property
    def signal_share(self) -> Tensor:
        """Share of the variance that is still signal after each step, float64, shape (timesteps,)."""
        return torch.cumprod(1 - self.betas, dim=0)

    def add_noise(self, sample: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
        """Return `sample` after `timestep` steps of noising.

        Parameters
        ----------
        sample, noise
            Tensors of one shape (batch, ...).
        timestep
            Integers, (batch,).
        """
        share = self.signal_share.to(sample.device)[timestep].to(sample.dtype)
        share = share.reshape(-1, *[1] * (sample.ndim - 1))
        return share.sqrt() * sample + (1 - share).sqrt() * noise

    def subset(self, steps: int, start: int | None = None) -> list[int]:
        """Return `steps` decreasing timesteps for a fast sampler, equally spaced in the logarithm of signal to noise.

        Equal spacing in time spends most steps where the sample is nearly pure noise and then jumps over the range in
        which details form; equal spacing in log SNR does not (Lu et al., NeurIPS 2022, section 3.2). The last timestep is
        always 0.

        Parameters
        ----------
        steps
            Number of timesteps.
        start
            The first one; by default the last of the schedule. Fewer steps are taken where it leaves no room for all.

        Raises
        ------
        UserError
            If `steps` is not between 1 and the number of timesteps.
        """
        if not 1 <= steps <= self.timesteps:
            raise UserError(f"{steps} sampling steps are impossible: choose 1 to {self.timesteps}.")
        first = self.timesteps - 1 if start is None else start
        steps = min(steps, first + 1)
        if steps == 1:
            return [first]
        log_snr = torch.log(self.signal_share / (1 - self.signal_share))
        wanted = torch.linspace(float(log_snr[first]), float(log_snr[0]), steps, dtype=torch.float64)
        chosen = torch.searchsorted(-log_snr, -wanted).clamp(0, first).tolist()
        for position in range(steps):
            # Near t = 0 several wanted values fall on one timestep: keep them distinct and leave room for the rest.
            upper = first if position == 0 else chosen[position - 1] - 1
            chosen[position] = max(min(chosen[position], upper), steps - 1 - position)
        return chosen
