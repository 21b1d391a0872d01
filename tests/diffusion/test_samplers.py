"""Samplers with the exact denoiser of Gaussian data, whose noise prediction is known in closed form.

For data N(mean, sd^2) the noisy sample at signal share a is N(sqrt(a) mean, a sd^2 + 1 - a), and the expected noise given
the sample x is sqrt(1 - a) (x - sqrt(a) mean) / (a sd^2 + 1 - a). What a sampler then returns is its own error alone.
"""

from __future__ import annotations

import pytest
import torch

from kadi_battgen.diffusion.dpm_solver import sample_dpm_solver
from kadi_battgen.diffusion.samplers import candidate_generators, draw_noise, sample_ddim, sample_ddpm
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.errors import UserError

SCHEDULE = NoiseSchedule()
DATA = [(0.0, 1.0), (0.7, 1.0), (0.7, 0.2), (-2.0, 3.0)]


def exact_denoiser(mean, deviation, schedule=SCHEDULE):
    def denoise(sample, timestep):
        share = schedule.signal_share[timestep].reshape(-1, *[1] * (sample.ndim - 1)).to(sample)
        variance = share * deviation**2 + 1 - share
        return (1 - share).sqrt() * (sample - share.sqrt() * mean) / variance

    return denoise


def start(candidates=100, shape=(400,)):
    generators = candidate_generators(range(candidates))
    return draw_noise(shape, generators).double(), generators


@pytest.mark.parametrize(("mean", "deviation"), DATA)
def test_ddpm_returns_the_data_s_mean_and_deviation(mean, deviation):
    noise, generators = start()
    sample = sample_ddpm(exact_denoiser(mean, deviation), noise, SCHEDULE, generators)
    assert sample.mean().item() == pytest.approx(mean, abs=0.03 * deviation)
    assert sample.std().item() == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize(("mean", "deviation"), DATA)
@pytest.mark.parametrize(
    ("steps", "error"), [(10, 0.24), (20, 0.125), (50, 0.05), (100, 0.026), (250, 0.011), (1000, 0.009)]
)
def test_ddim_converges_to_the_data_s_mean_and_deviation(mean, deviation, steps, error):
    """The error of this first-order sampler falls as the inverse of its steps: 24 % with 10 of them, 1 % with 250."""
    noise, _ = start()
    sample = sample_ddim(exact_denoiser(mean, deviation), noise, SCHEDULE, steps=steps)
    # 0.6 % of the data's mean is still in the last noisy sample, but not in the noise that sampling starts from.
    assert sample.mean().item() == pytest.approx(mean + deviation * noise.mean().item(), abs=0.02 * deviation)
    assert sample.std().item() == pytest.approx(deviation * noise.std().item(), rel=error)


def test_ddim_does_not_depend_on_the_scale_of_time():
    """On a schedule of 50 steps all of them are taken, and nothing is clipped at three standard deviations."""
    schedule = NoiseSchedule(50, 1e-4, 0.4)
    noise, _ = start()
    sample = sample_ddim(exact_denoiser(-5.0, 2.0, schedule), noise, schedule, steps=50)
    assert sample.mean().item() == pytest.approx(-5.0, abs=0.05)
    assert sample.std().item() == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm-solver++", "sde-dpm-solver++"])
def test_a_candidate_does_not_depend_on_its_batch(sampler):
    schedule, denoiser = NoiseSchedule(60, 1e-4, 0.3), exact_denoiser(0.7, 0.5, NoiseSchedule(60, 1e-4, 0.3))

    def draw(seeds):
        generators = candidate_generators(seeds)
        noise = draw_noise((3, 4), generators)
        if sampler == "ddpm":
            return sample_ddpm(denoiser, noise, schedule, generators)
        if sampler == "sde-dpm-solver++":
            return sample_dpm_solver(denoiser, noise, schedule, 20, generators=generators)
        fast = sample_ddim if sampler == "ddim" else sample_dpm_solver
        return fast(denoiser, noise, schedule, steps=20)

    together = draw([5, 6, 7, 8])
    for position, seed in enumerate([5, 6, 7, 8]):
        torch.testing.assert_close(draw([seed])[0], together[position], rtol=0, atol=0)
    torch.testing.assert_close(draw([8, 5]), together[[3, 0]], rtol=0, atol=0)
    assert (together[0] != together[1]).all()


@pytest.mark.parametrize(
    ("sampler", "steps", "timesteps"), [("ddpm", None, list(range(39, -1, -1))), ("ddim", 7, None)]
)
def test_the_denoiser_sees_one_timestep_a_call_and_the_watch_all_of_them(sampler, steps, timesteps):
    schedule = NoiseSchedule(40, 1e-4, 0.3)
    seen, watched = [], []

    def denoise(sample, timestep):
        assert timestep.shape == (2,)
        assert timestep.unique().numel() == 1
        seen.append(int(timestep[0]))
        return torch.zeros_like(sample)

    def watch(steps_to_come):
        watched.extend(steps_to_come)
        return iter(steps_to_come)

    generators = candidate_generators([0, 1])
    noise = draw_noise((4,), generators)
    if sampler == "ddpm":
        sample_ddpm(denoise, noise, schedule, generators, watch)
    else:
        sample_ddim(denoise, noise, schedule, steps, watch)
    assert seen == watched == (timesteps or schedule.subset(steps))


def test_noise_is_standard_normal_and_follows_the_seeds():
    noise = draw_noise((2000,), candidate_generators(range(20)))
    assert noise.mean().item() == pytest.approx(0.0, abs=0.02)
    assert noise.std().item() == pytest.approx(1.0, abs=0.02)
    torch.testing.assert_close(draw_noise((2000,), candidate_generators([7]))[0], noise[7], rtol=0, atol=0)


def deviation_error(sampler, mean, deviation, steps):
    noise, _ = start()
    sample = sampler(exact_denoiser(mean, deviation), noise, SCHEDULE, steps)
    return sample.std().item() / (deviation * noise.std().item()) - 1


@pytest.mark.parametrize(("mean", "deviation"), DATA)
@pytest.mark.parametrize(("steps", "error"), [(10, 0.045), (20, 0.018), (50, 0.003), (100, 0.001), (1000, 0.001)])
def test_dpm_solver_converges_to_the_data_s_mean_and_deviation(mean, deviation, steps, error):
    noise, _ = start()
    sample = sample_dpm_solver(exact_denoiser(mean, deviation), noise, SCHEDULE, steps)
    assert sample.mean().item() == pytest.approx(mean + deviation * noise.mean().item(), abs=0.02 * deviation)
    assert sample.std().item() == pytest.approx(deviation * noise.std().item(), rel=error)


@pytest.mark.parametrize(("mean", "deviation"), DATA)
def test_the_error_of_dpm_solver_falls_with_the_square_of_the_steps(mean, deviation):
    coarse, fine = (abs(deviation_error(sample_dpm_solver, mean, deviation, steps)) for steps in (20, 60))
    assert fine < coarse / 6


@pytest.mark.parametrize(("mean", "deviation"), DATA)
def test_twenty_steps_of_dpm_solver_are_better_than_a_hundred_of_ddim(mean, deviation):
    ours = abs(deviation_error(sample_dpm_solver, mean, deviation, 20))
    assert ours < abs(deviation_error(sample_ddim, mean, deviation, 100))


def test_dpm_solver_goes_from_timestep_to_timestep_of_the_list_down_to_zero():
    seen = []

    def denoise(sample, timestep):
        seen.append(int(timestep[0]))
        return torch.zeros_like(sample)

    sample_dpm_solver(denoise, start(2, (3,))[0], SCHEDULE, 7)
    assert seen == SCHEDULE.subset(7)
    assert seen[-1] == 0


@pytest.mark.parametrize("steps", [0, 1001])
def test_impossible_steps_of_dpm_solver_are_refused(steps):
    with pytest.raises(UserError, match="sampling steps are impossible"):
        sample_dpm_solver(exact_denoiser(0.0, 1.0), start(2, (3,))[0], SCHEDULE, steps)


@pytest.mark.parametrize(("mean", "deviation"), DATA)
@pytest.mark.parametrize(("steps", "error"), [(10, 0.05), (20, 0.045), (50, 0.01), (100, 0.01)])
def test_the_stochastic_solver_converges_to_the_data_s_mean_and_deviation(mean, deviation, steps, error):
    noise, generators = start()
    sample = sample_dpm_solver(exact_denoiser(mean, deviation), noise, SCHEDULE, steps, generators=generators)
    assert sample.mean().item() == pytest.approx(mean, abs=0.03 * deviation)
    assert sample.std().item() == pytest.approx(deviation, rel=error)


def test_the_stochastic_solver_forgets_its_start_and_leaves_quiet_elements_on_the_flow():
    denoiser, (noise, _) = exact_denoiser(0.7, 1.0), start(20)
    noisy = torch.arange(400) < 300
    own = candidate_generators(range(100, 120))
    walked = sample_dpm_solver(denoiser, noise, SCHEDULE, 20, generators=own, noisy=noisy)
    flowed = sample_dpm_solver(denoiser, noise, SCHEDULE, 20)
    torch.testing.assert_close(walked[:, 300:], flowed[:, 300:], rtol=0, atol=0)
    correlation = torch.corrcoef(torch.stack([walked[:, :300].flatten(), noise[:, :300].flatten()]))[0, 1]
    assert abs(correlation) < 0.05
