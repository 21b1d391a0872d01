"""Screening: candidates for a target from the latent diffusion model (thesis section 4.2.4)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.candidates import Candidate, rank_candidates
from kadi_battgen.applications.neighbours import KnownElectrodes
from kadi_battgen.applications.targets import Target
from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.datasets.scaling import condition_scaling_from_json
from kadi_battgen.diffusion.samplers import candidate_generators, draw_noise, sample_ddim, sample_ddpm
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.composition_regressor import CompositionRegressor
from kadi_battgen.networks.screening import ScreeningNetwork
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.checkpoints import CARD
from kadi_battgen.training.composition import load_composition_regressor
from kadi_battgen.training.latents import LatentScale
from kadi_battgen.training.screening import load_screening
from kadi_battgen.training.translation import load_translator

#: Samplers by name.
SAMPLERS = ("ddim", "ddpm")

#: A little guidance makes more candidates hold the asked ion; much of it makes their capacities overshoot.
DEFAULT_GUIDANCE = 1.25


@dataclass(frozen=True)
class Generated:
    """What the diffusion model drew.

    Attributes
    ----------
    compositions
        Atoms per formula from the composition latent, rounded, (samples, 112).
    regressed
        Atoms per formula regressed from the image latent (the thesis's way), not rounded, (samples, 112); None where the
        model folder holds no composition regressor.
    images
        Scaled descriptors, (samples, 6, H, W).
    """

    compositions: np.ndarray
    regressed: np.ndarray | None
    images: np.ndarray


class ScreeningModel:
    """A trained model folder, loaded once for any number of screenings.

    Parameters
    ----------
    model_folder
        Folder with ``translation/`` and ``screening/``, and ``composition/`` if the thesis's way is wanted beside.

    Raises
    ------
    UserError
        If a model is missing, broken, or was trained on another translator.
    """

    def __init__(self, model_folder: str | os.PathLike[str]) -> None:
        folder = Path(model_folder)
        self.translator: TranslationAutoencoder
        self.translator, self.translator_card = load_translator(folder)
        self.network: ScreeningNetwork
        self.known: ElectrodeCollection
        self.network, self.card, self.known = load_screening(folder)
        self._check_translator(folder, self.card)
        self.regressor: CompositionRegressor | None = None
        if (folder / "composition" / CARD).is_file():
            self.regressor, card = load_composition_regressor(folder)
            self._check_translator(folder, card)
            self.regressor_scale = LatentScale.from_json(card["normalisation"]["latent"])
        self.conditions_scaling = condition_scaling_from_json(self.card["normalisation"]["conditions"])
        self.schedule = NoiseSchedule(**self.card["schedule"])
        self.training_ranges: dict[str, Any] = self.card["training_ranges"]

    def _check_translator(self, folder: Path, card: dict[str, Any]) -> None:
        if card["translation_sha256"] != self.translator_card["weights_sha256"]:
            raise UserError(
                f"{folder / card['kind']} was trained on another translator than {folder / 'translation'} holds: "
                f"train it again with battgen train-{card['kind']}."
            )

    def generate(
        self,
        properties: np.ndarray,
        working_ions: np.ndarray,
        seeds: Iterable[int],
        *,
        sampler: str = "ddim",
        steps: int = 100,
        guidance: float = DEFAULT_GUIDANCE,
        progress: bool = True,
    ) -> Generated:
        """Draw one candidate per row of conditions.

        Parameters
        ----------
        properties
            Wanted functional properties in their units, (samples, 6), NaN where left open.
        working_ions
            Positions in ``WORKING_IONS``, (samples,), -1 where left open.
        seeds
            One seed per candidate; the same seed and conditions give the same candidate in any batch.
        sampler
            ``ddim`` (deterministic, few steps) or ``ddpm`` (every timestep).
        steps
            Denoiser calls of ``ddim``.
        guidance
            Scale of classifier-free guidance; 1 is plain conditioning, and more follows the conditions more closely.

        Raises
        ------
        UserError
            If the sampler is unknown or the number of steps impossible.
        """
        if sampler not in SAMPLERS:
            raise UserError(f"Sampler {sampler!r} is not known: choose from {', '.join(SAMPLERS)}.")
        conditions = torch.from_numpy(condition_vectors(self.conditions_scaling.transform(properties), working_ions))
        generators = candidate_generators(list(seeds))
        noise = draw_noise((self.network.size,), generators)
        denoiser = self.network.denoiser(conditions, guidance)

        def watch(timesteps: list[int]) -> Iterable[int]:
            return progress_bar(timesteps, description="Denoising candidates", unit="step", enabled=progress)

        with torch.no_grad():
            if sampler == "ddim":
                joint = sample_ddim(denoiser, noise, self.schedule, steps, watch)
            else:
                joint = sample_ddpm(denoiser, noise, self.schedule, generators, watch)
            return self._decode(joint)

    def _decode(self, joint: Tensor) -> Generated:
        image_latent, composition_latent = self.network.restore(joint)
        compositions = self.network.composition_autoencoder.decode(composition_latent).round()
        regressed = None
        if self.regressor is not None:
            regressed = self.regressor(self.regressor_scale.normalise(image_latent)).numpy()
        images = torch.cat([self.translator.decode(latent[None]) for latent in image_latent])
        return Generated(compositions.numpy(), regressed, images.numpy())


def candidate_seed(seed: int, number: int) -> int:
    """Return the seed of one candidate of a run: distinct for all candidates of neighbouring seeds."""
    return seed * 1_000_003 + number


def screen(
    model: ScreeningModel | str | os.PathLike[str],
    target: Target,
    *,
    samples: int = 16,
    seed: int = 0,
    sampler: str = "ddim",
    steps: int = 100,
    guidance: float = DEFAULT_GUIDANCE,
    progress: bool = True,
) -> tuple[list[Candidate], np.ndarray]:
    """Return ranked candidates for a target, with their generated descriptors.

    Parameters
    ----------
    model
        A loaded model or its folder.
    target
        What is asked for; draw a :class:`~kadi_battgen.applications.targets.Target` from texts with ``Target.parse``.
    samples
        Number of candidates to generate.
    seed
        Candidate k has the seed ``seed * 1,000,003 + k``, which its row states.
    sampler, steps, guidance
        As in :meth:`ScreeningModel.generate`.

    Returns
    -------
    tuple
        Candidates, best first (see :func:`~kadi_battgen.applications.candidates.rank_candidates`), and their scaled
        descriptors in the same order, (samples, 6, H, W).

    Raises
    ------
    UserError
        If the model folder, sampler, steps or number of samples is wrong.
    """
    if samples < 1:
        raise UserError(f"{samples} samples cannot be generated: ask for at least 1.")
    loaded = model if isinstance(model, ScreeningModel) else ScreeningModel(model)
    seeds = [candidate_seed(seed, number) for number in range(samples)]
    wanted = np.stack([target.draw(loaded.training_ranges, np.random.default_rng(s)) for s in seeds])
    ion = WORKING_IONS.index(target.working_ion) if target.working_ion else -1
    generated = loaded.generate(
        wanted,
        np.full(samples, ion),
        seeds,
        sampler=sampler,
        steps=steps,
        guidance=guidance,
        progress=progress,
    )
    known = KnownElectrodes(loaded.known.electrodes)
    candidates = []
    for number in range(samples):
        composition = generated.compositions[number]
        regressed = None if generated.regressed is None else formula_from_vector(generated.regressed[number])
        candidates.append(
            Candidate.assess(
                composition,
                formula=formula_from_vector(composition),
                formula_from_image=regressed,
                target=target,
                asked=wanted[number],
                known=known,
                seed=seeds[number],
                position=number,
            )
        )
    ranked = rank_candidates(candidates)
    return ranked, generated.images[[candidate.position for candidate in ranked]]
