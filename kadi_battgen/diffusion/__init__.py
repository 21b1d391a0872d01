"""Noise schedules, what networks predict, and samplers."""

from kadi_battgen.diffusion.dpm_solver import sample_dpm_solver
from kadi_battgen.diffusion.prediction import noise_from_prediction, prediction_target
from kadi_battgen.diffusion.samplers import sample_ddim, sample_ddpm
from kadi_battgen.diffusion.schedule import NoiseSchedule

__all__ = [
    "NoiseSchedule",
    "noise_from_prediction",
    "prediction_target",
    "sample_ddim",
    "sample_ddpm",
    "sample_dpm_solver",
]
