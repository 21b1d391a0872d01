"""The trained screening model: from wanted properties to descriptors and formulas (thesis section 4.2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from kadi_battgen.applications.screening.drawing import draw_best
from kadi_battgen.applications.screening.generated import CompositionInterval, Formulas, Generated, joined
from kadi_battgen.applications.screening.intervals import redrawn_interval
from kadi_battgen.applications.screening.loading import LoadedNetworks
from kadi_battgen.applications.screening.sampling import (
    DEFAULT_GUIDANCE,
    DEFAULT_STEPS,
    FORMULA_SOLVER,
    SAMPLERS,
    SOLVERS,
    STOCHASTIC_SOLVER,
    check_sampler,
    chunks,
    counting,
)
from kadi_battgen.diffusion.dpm_solver import sample_dpm_solver
from kadi_battgen.diffusion.samplers import candidate_generators, draw_noise, sample_ddpm
from kadi_battgen.errors import UserError
from kadi_battgen.networks.composition_autoencoder import FormulaTensors
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.screening.property_model import PredictedProperties, predict_properties


class ScreeningModel(LoadedNetworks):
    """A trained model folder, loaded once for any number of screenings; see :class:`LoadedNetworks` for what it holds."""

    @torch.no_grad()
    def generate(
        self,
        properties: np.ndarray,
        working_ions: np.ndarray,
        seeds: Iterable[int],
        *,
        sampler: str = SAMPLERS[0],
        steps: int = DEFAULT_STEPS,
        guidance: float = DEFAULT_GUIDANCE,
        draws: int = 1,
        progress: bool = True,
    ) -> Generated:
        """Draw one candidate per row of conditions.

        The composition branch does not look at the picture. Several formulas can therefore be drawn for a candidate at little
        cost, and the descriptors are then generated together with the one that
        :func:`~kadi_battgen.applications.screening.drawing.best_draw` takes.

        Parameters
        ----------
        properties
            Wanted functional properties in their units, (samples, 6), NaN where left open.
        working_ions
            Positions in ``WORKING_IONS``, (samples,), -1 where left open.
        seeds
            One seed per candidate; the same seed and conditions give the same candidate in any batch.
        sampler
            ``dpm-solver++`` or ``ddim`` (deterministic, few steps), ``sde-dpm-solver++`` (few steps, adds noise to the image
            on the way) or ``ddpm`` (every timestep).
        steps
            Denoiser calls of the first three.
        guidance
            Scale of classifier-free guidance; 1 is plain conditioning, and more follows the conditions more closely.
        draws
            Formulas drawn for each candidate; ``ddpm``, which adds noise on the way, draws one.

        Raises
        ------
        UserError
            If the sampler is unknown or the number of steps or draws impossible.
        """
        if draws < 1:
            raise UserError(f"{draws} draws of a formula are impossible: choose at least 1.")
        check_sampler(sampler)
        numbers = [int(seed) for seed in seeds]
        conditions = self.conditions(properties, working_ions)
        generators = candidate_generators(numbers)
        calls = self.schedule.timesteps if sampler == "ddpm" else len(self.schedule.subset(steps))
        parts, pieces = chunks(len(numbers)), []
        with progress_bar(
            total=calls * len(parts), description="Denoising candidates", unit="step", enabled=progress
        ) as bar:
            for rows in parts:
                noise = draw_noise((self.network.size,), generators[rows])
                if draws > 1 and sampler != "ddpm":
                    image, composition = self.network.split(noise)
                    composition, _ = draw_best(
                        self,
                        composition,
                        numbers[rows],
                        properties[rows],
                        working_ions[rows],
                        draws=draws,
                        guidance=guidance,
                        sampler=FORMULA_SOLVER if sampler == STOCHASTIC_SOLVER else sampler,
                        steps=steps,
                    )
                    noise = self.network.join(image, composition)
                denoiser = self.denoiser(self.network, conditions[rows], guidance)
                if sampler == "ddpm":
                    joint = sample_ddpm(denoiser, noise, self.schedule, generators[rows], counting(bar))
                elif sampler == STOCHASTIC_SOLVER:
                    # The formula was chosen for what its noise leads to: it gets no more.
                    own, image = generators[rows], self.network.image_elements
                    joint = sample_dpm_solver(denoiser, noise, self.schedule, steps, counting(bar), own, image)
                else:
                    joint = SOLVERS[sampler](denoiser, noise, self.schedule, steps, counting(bar))
                pieces.append(self.decode(joint))
        return joined(pieces)

    @torch.no_grad()
    def draw_formulas(
        self,
        properties: np.ndarray,
        working_ions: np.ndarray,
        seeds: Iterable[int],
        *,
        steps: int = DEFAULT_STEPS,
        guidance: float = DEFAULT_GUIDANCE,
        draws: int = 1,
    ) -> Formulas:
        """Draw formulas without descriptors, by ``dpm-solver++``: those that :meth:`generate` gives, and faster.

        Parameters
        ----------
        properties, working_ions, seeds, steps, guidance, draws
            As in :meth:`generate`. With a guidance of 0 the conditions do not reach the model, and only the choice among the
            draws follows them.
        """
        numbers = [int(seed) for seed in seeds]
        pieces = []
        for rows in chunks(len(numbers)):
            _, noise = self.network.split(draw_noise((self.network.size,), candidate_generators(numbers[rows])))
            _, formulas = draw_best(
                self,
                noise,
                numbers[rows],
                properties[rows],
                working_ions[rows],
                draws=draws,
                guidance=guidance,
                sampler=FORMULA_SOLVER,
                steps=steps,
            )
            pieces.append(formulas)
        return joined(pieces)

    def predict_properties(self, generated: Formulas, working_ion: int = -1) -> PredictedProperties:
        """Return what the property model says of generated formulas, with intervals.

        Parameters
        ----------
        generated
            What :meth:`generate` returned.
        working_ion
            Position of the ion that moves; -1 takes each formula's own.
        """
        formulas = generated.tensors()
        if working_ion >= 0:
            formulas = FormulaTensors(formulas.counts, torch.full_like(formulas.ion, working_ion), formulas.share)
        return predict_properties(self.network.properties, formulas, self.widening)

    def composition_interval(
        self,
        generated: Generated,
        properties: np.ndarray,
        working_ions: np.ndarray,
        seeds: Sequence[int],
        *,
        guidance: float = DEFAULT_GUIDANCE,
    ) -> CompositionInterval:
        """Return how far formulas move when their latents are noised half way and denoised again.

        An element that comes back at the same count each time is what the model is sure of under these conditions; where it
        wavers between metals of one kind, the interval shows them. It is the model's own doubt, not an error against any
        material. Only the composition branch runs, so this costs little.

        Parameters
        ----------
        generated
            What :meth:`generate` returned.
        properties, working_ions, seeds, guidance
            What it was asked for.
        """
        return redrawn_interval(self, generated, properties, working_ions, seeds, guidance)
