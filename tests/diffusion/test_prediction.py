"""Noise and velocity: what a network predicts, and the way back to the noise."""

from __future__ import annotations

import pytest
import torch

from kadi_battgen.diffusion import NoiseSchedule, noise_from_prediction, prediction_target
from kadi_battgen.diffusion.prediction import check_prediction
from kadi_battgen.errors import UserError

SCHEDULE = NoiseSchedule()


@pytest.mark.parametrize("shape", [(6, 3), (6, 2, 4, 4)])
@pytest.mark.parametrize("kind", ["epsilon", "v"])
def test_the_noise_comes_back_from_a_right_prediction(kind, shape):
    generator = torch.Generator().manual_seed(1)
    sample, noise = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    timestep = torch.tensor([0, 1, 10, 250, 600, 999])
    noisy = SCHEDULE.add_noise(sample, noise, timestep)
    target = prediction_target(kind, sample, noise, timestep, SCHEDULE)
    torch.testing.assert_close(noise_from_prediction(kind, target, noisy, timestep, SCHEDULE), noise)


def test_the_velocity_is_noise_at_the_start_and_minus_the_sample_at_the_end():
    sample, noise = torch.full((2, 1), 3.0), torch.full((2, 1), 5.0)
    velocity = prediction_target("v", sample, noise, torch.tensor([0, 999]), SCHEDULE)
    assert velocity[0].item() == pytest.approx(5.0, abs=0.04)
    assert velocity[1].item() == pytest.approx(-3.0, abs=0.04)


def test_an_unknown_prediction_is_refused():
    with pytest.raises(UserError, match="epsilon, v"):
        check_prediction("score")
