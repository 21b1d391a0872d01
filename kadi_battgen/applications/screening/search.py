"""Screening: ranked candidates for a target from the latent diffusion model (thesis section 4.2.4)."""

from __future__ import annotations

import os

import numpy as np

from kadi_battgen.applications.screening.candidates import Candidate, Expectation, GeneratedFormula
from kadi_battgen.applications.screening.drawing import DEFAULT_DRAWS
from kadi_battgen.applications.screening.model import ScreeningModel
from kadi_battgen.applications.screening.neighbours import KnownElectrodes
from kadi_battgen.applications.screening.ranking import rank_candidates
from kadi_battgen.applications.screening.sampling import DEFAULT_GUIDANCE, DEFAULT_STEPS, SAMPLERS
from kadi_battgen.applications.screening.targets import Target
from kadi_battgen.applications.seeds import candidate_seed
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError


def screen(
    model: ScreeningModel | str | os.PathLike[str],
    target: Target,
    *,
    samples: int = 16,
    seed: int = 0,
    sampler: str = SAMPLERS[0],
    steps: int = DEFAULT_STEPS,
    guidance: float = DEFAULT_GUIDANCE,
    draws: int = DEFAULT_DRAWS,
    progress: bool = True,
) -> tuple[list[Candidate], np.ndarray]:
    """Return ranked candidates for a target, with their generated descriptors.

    Parameters
    ----------
    model
        A loaded model or its folder.
    target
        What is asked for; :meth:`~kadi_battgen.applications.screening.targets.Target.parse` makes one of texts.
    samples
        Number of candidates to generate.
    seed
        Candidate k has the seed ``seed * 1,000,003 + k``, which its row states.
    sampler, steps, guidance, draws
        As in :meth:`ScreeningModel.generate`.

    Returns
    -------
    tuple
        Candidates, best first (see :func:`~kadi_battgen.applications.screening.ranking.rank_candidates`), and their scaled
        descriptors in the same order, (samples, 6, H, W).

    Raises
    ------
    UserError
        If the model folder, sampler, steps, draws or number of samples is wrong.
    """
    if samples < 1:
        raise UserError(f"{samples} samples cannot be generated: ask for at least 1.")
    loaded = model if isinstance(model, ScreeningModel) else ScreeningModel(model)
    seeds = [candidate_seed(seed, number) for number in range(samples)]
    wanted = np.stack([target.draw(loaded.training_ranges, np.random.default_rng(s)) for s in seeds])
    ion = WORKING_IONS.index(target.working_ion) if target.working_ion else -1
    ions = np.full(samples, ion)
    generated = loaded.generate(
        wanted, ions, seeds, sampler=sampler, steps=steps, guidance=guidance, draws=draws, progress=progress
    )
    interval = loaded.composition_interval(generated, wanted, ions, seeds, guidance=guidance)
    expected = loaded.predict_properties(generated, ion)
    known = KnownElectrodes(loaded.known.electrodes)
    candidates = [
        Candidate.assess(
            GeneratedFormula(
                generated.compositions[number],
                WORKING_IONS[generated.ions[number]],
                float(generated.extracted[number]),
                interval.low[number],
                interval.high[number],
                float(interval.confidence[number]),
                None if generated.regressed is None else formula_from_vector(generated.regressed[number]),
            ),
            expected=Expectation(expected.mean[number], expected.low[number], expected.high[number]),
            target=target,
            asked=wanted[number],
            known=known,
            training_ranges=loaded.training_ranges,
            seed=seeds[number],
            position=number,
        )
        for number in range(samples)
    ]
    ranked = rank_candidates(candidates)
    return ranked, generated.images[[candidate.position for candidate in ranked]]
