"""The samplers that candidates are denoised by, and how they run unless something else is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor

from kadi_battgen.diffusion.dpm_solver import sample_dpm_solver
from kadi_battgen.diffusion.samplers import sample_ddim
from kadi_battgen.errors import UserError

#: Deterministic samplers by name, which take a number of steps.
SOLVERS: dict[str, Callable[..., Tensor]] = {"dpm-solver++": sample_dpm_solver, "ddim": sample_ddim}

#: The deterministic solver that formulas are drawn by without an image, or beside one that noise is added to on its way.
FORMULA_SOLVER = "dpm-solver++"

#: The solver that adds this noise.
STOCHASTIC_SOLVER = "sde-dpm-solver++"

#: All samplers; ddpm takes every timestep.
SAMPLERS = (*SOLVERS, STOCHASTIC_SOLVER, "ddpm")

#: Steps of the default sampler: more of them change nothing that is measured (benchmarks/results/screening_study.md).
DEFAULT_STEPS = 20

#: Scale of classifier-free guidance.
DEFAULT_GUIDANCE = 1.5

#: Candidates that are generated at once: what bounds the memory, however many are asked for.
CHUNK = 64


def check_sampler(sampler: str) -> None:
    """Check the name of a sampler.

    Raises
    ------
    UserError
        If it is unknown.
    """
    if sampler not in SAMPLERS:
        raise UserError(f"Sampler {sampler!r} is not known: choose from {', '.join(SAMPLERS)}.")


def chunks(count: int) -> list[slice]:
    """Return the positions of `count` candidates, :data:`CHUNK` of them at a time."""
    return [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]


def counting(bar: Any) -> Callable[[list[int]], Iterable[int]]:
    """Return a watch that moves a progress bar by one for each timestep."""

    def watch(timesteps: list[int]) -> Iterable[int]:
        for timestep in timesteps:
            yield timestep
            bar.update(1)

    return watch
