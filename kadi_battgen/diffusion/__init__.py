"""Noise schedules and samplers."""

from kadi_battgen.diffusion.samplers import sample_ddim, sample_ddpm
from kadi_battgen.diffusion.schedule import NoiseSchedule

__all__ = ["NoiseSchedule", "sample_ddim", "sample_ddpm"]
