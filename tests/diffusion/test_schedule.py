"""The noise schedule against its closed form, and the timesteps of fast samplers."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.errors import UserError

THESIS = NoiseSchedule()


def test_the_defaults_are_those_of_the_thesis():
    assert (THESIS.timesteps, THESIS.beta_start, THESIS.beta_end) == (1000, 1e-4, 0.02)


@pytest.mark.parametrize("schedule", [THESIS, NoiseSchedule(50, 1e-3, 0.1), NoiseSchedule(2, 0.1, 0.1)])
@pytest.mark.parametrize("position", [0.0, 0.5, 1.0])
def test_values_against_the_closed_form(schedule, position):
    t = round(position * (schedule.timesteps - 1))
    betas = [
        schedule.beta_start + (schedule.beta_end - schedule.beta_start) * step / (schedule.timesteps - 1)
        for step in range(t + 1)
    ]
    assert float(schedule.betas[t]) == pytest.approx(betas[-1], rel=1e-12)
    assert float(schedule.signal_share[t]) == pytest.approx(math.prod(1 - beta for beta in betas), rel=1e-9)


def test_at_the_end_next_to_nothing_is_left_of_the_signal():
    assert float(THESIS.signal_share[-1]) == pytest.approx(4.04e-5, rel=0.01)


@pytest.mark.parametrize("t", [0, 10, 500, 999])
def test_noising_keeps_the_variance_and_shrinks_the_sample(t):
    sample = torch.full((20_000, 2), 3.0)
    noise = torch.randn(sample.shape, generator=torch.Generator().manual_seed(0))
    noisy = THESIS.add_noise(sample, noise, torch.full((len(sample),), t))
    share = float(THESIS.signal_share[t])
    assert noisy.mean().item() == pytest.approx(3 * share**0.5, abs=0.03)
    assert noisy.var().item() == pytest.approx(1 - share, rel=0.03)


def test_every_sample_is_noised_by_its_own_timestep():
    sample, noise = torch.ones(3, 2, 4, 4), torch.zeros(3, 2, 4, 4)
    noisy = THESIS.add_noise(sample, noise, torch.tensor([0, 500, 999]))
    for row, t in enumerate((0, 500, 999)):
        torch.testing.assert_close(noisy[row], torch.full((2, 4, 4), float(THESIS.signal_share[t] ** 0.5)))


@given(st.integers(2, 1200), st.data())
def test_a_subset_falls_strictly_to_zero(timesteps, data):
    steps = data.draw(st.integers(1, timesteps))
    beta_end = data.draw(st.floats(1e-3, 0.5))
    chosen = NoiseSchedule(timesteps, min(1e-4, beta_end), beta_end).subset(steps)
    assert len(chosen) == steps
    assert all(first > second for first, second in pairwise(chosen))
    assert chosen[0] == timesteps - 1
    assert chosen[-1] == (0 if steps > 1 else timesteps - 1)


def test_all_steps_are_all_timesteps():
    assert THESIS.subset(1000) == list(range(999, -1, -1))


def test_a_subset_is_equally_spaced_in_log_signal_to_noise():
    chosen = THESIS.subset(10)
    share = THESIS.signal_share[chosen]
    gaps = torch.log(share / (1 - share)).diff()
    # The last gaps are those of whole timesteps near zero.
    torch.testing.assert_close(gaps[:7], gaps[:7].mean().expand(7), rtol=0.1, atol=0.0)


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(UserError, match=f"{steps} sampling steps are impossible: choose 1 to 1000"):
        THESIS.subset(steps)


@pytest.mark.parametrize("arguments", [(1,), (10, 0.0, 0.1), (10, 0.2, 0.1), (10, 0.1, 1.0), (10, float("nan"), 0.1)])
def test_impossible_schedules_are_refused(arguments):
    with pytest.raises(UserError, match="is impossible: give at least 2 steps"):
        NoiseSchedule(*arguments)
