"""The trained screening model: from wanted properties to descriptors and formulas (thesis section 4.2.4)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.screening.drawing import best_draw
from kadi_battgen.applications.screening.generated import CompositionInterval, Formulas, Generated
from kadi_battgen.datasets.conditions import condition_vectors
from kadi_battgen.datasets.scaling import condition_scaling_from_json
from kadi_battgen.diffusion.dpm_solver import sample_dpm_solver
from kadi_battgen.diffusion.prediction import check_prediction, noise_from_prediction
from kadi_battgen.diffusion.samplers import Denoiser, candidate_generators, draw_noise, sample_ddim, sample_ddpm
from kadi_battgen.diffusion.schedule import NoiseSchedule
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.errors import UserError
from kadi_battgen.networks.autoencoder import TranslationAutoencoder
from kadi_battgen.networks.composition_autoencoder import FormulaTensors
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.networks.screening import ScreeningNetwork, guided
from kadi_battgen.progress import progress_bar
from kadi_battgen.training.checkpoints import CARD
from kadi_battgen.training.composition.regressor import load_composition_regressor, reads_latents
from kadi_battgen.training.latents import LatentScale
from kadi_battgen.training.screening.model import load_screening
from kadi_battgen.training.screening.property_model import PredictedProperties, predict_properties
from kadi_battgen.training.translation.translator import load_translator

#: Deterministic samplers by name, which take a number of steps.
SOLVERS: dict[str, Callable[..., Tensor]] = {"dpm-solver++": sample_dpm_solver, "ddim": sample_ddim}

#: All samplers; ddpm takes every timestep.
SAMPLERS = (*SOLVERS, "ddpm")

#: Steps of the default sampler: more of them change nothing that is measured (benchmarks/results/screening_study.md).
DEFAULT_STEPS = 20

#: Scale of classifier-free guidance.
DEFAULT_GUIDANCE = 1.5

#: Formulas drawn for each candidate of a screening.
DEFAULT_DRAWS = 32

#: Candidates that are generated at once: what bounds the memory, however many are asked for.
CHUNK = 64

#: Drawings of each formula that its interval is taken from, and the share of signal in the latents that they start from.
_REDRAWINGS, _REDRAWING_SIGNAL = 24, 0.5

#: Nominal coverage of the intervals of the compositions, a fraction.
COMPOSITION_LEVEL = 0.9


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
        self.regressor: CompositionEnsemble | None = None
        # A regressor that reads stacks has nothing to say of a generated latent.
        if (folder / "composition" / CARD).is_file() and reads_latents(folder):
            self.regressor, card = load_composition_regressor(folder)
            self._check_translator(folder, card)
            self.regressor_scale = LatentScale.from_json(card["normalisation"]["latent"])
        self.conditions_scaling = condition_scaling_from_json(self.card["normalisation"]["conditions"])
        self.schedule = NoiseSchedule(**self.card["schedule"])
        check_prediction(self.card["prediction"])
        self.training_ranges: dict[str, Any] = self.card["training_ranges"]
        self.widening = np.array(self.card["property_model"]["interval_widening"])

    def _check_translator(self, folder: Path, card: dict[str, Any]) -> None:
        if card["translation_sha256"] != self.translator_card["weights_sha256"]:
            raise UserError(
                f"{folder / card['kind']} was trained on another translator than {folder / 'translation'} holds: "
                f"train it again with battgen train-{card['kind']}."
            )

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
        """Draw one candidate per row of conditions, :data:`CHUNK` of them at a time.

        The composition branch does not look at the picture. Several formulas can therefore be drawn for a candidate at little
        cost, and the descriptors are then generated together with the one that :func:`best_draw` takes.

        Parameters
        ----------
        properties
            Wanted functional properties in their units, (samples, 6), NaN where left open.
        working_ions
            Positions in ``WORKING_IONS``, (samples,), -1 where left open.
        seeds
            One seed per candidate; the same seed and conditions give the same candidate in any batch.
        sampler
            ``dpm-solver++`` or ``ddim`` (deterministic, few steps), or ``ddpm`` (every timestep).
        steps
            Denoiser calls of the first two.
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
        if sampler not in SAMPLERS:
            raise UserError(f"Sampler {sampler!r} is not known: choose from {', '.join(SAMPLERS)}.")
        numbers = [int(seed) for seed in seeds]
        conditions = self._conditions(properties, working_ions)
        generators = candidate_generators(numbers)
        calls = self.schedule.timesteps if sampler == "ddpm" else len(self.schedule.subset(steps))
        starts = range(0, len(generators), CHUNK)
        pieces = []
        with progress_bar(
            total=calls * len(starts), description="Denoising candidates", unit="step", enabled=progress
        ) as bar:
            for start in starts:
                rows = slice(start, start + CHUNK)
                noise = draw_noise((self.network.size,), generators[rows])
                if draws > 1 and sampler != "ddpm":
                    image, composition = self.network.split(noise)
                    asked = (properties[rows], working_ions[rows])
                    solve = partial(SOLVERS[sampler], schedule=self.schedule, steps=steps)
                    composition, _ = self._best_draw(composition, numbers[rows], asked, draws, guidance, solve)
                    noise = self.network.join(image, composition)
                denoiser = self._denoiser(self.network, conditions[rows], guidance)
                if sampler == "ddpm":
                    joint = sample_ddpm(denoiser, noise, self.schedule, generators[rows], _counting(bar))
                else:
                    joint = SOLVERS[sampler](denoiser, noise, self.schedule, steps, _counting(bar))
                pieces.append(self._decode(joint))
        regressed = [piece.regressed for piece in pieces if piece.regressed is not None]
        return Generated(
            np.concatenate([piece.compositions for piece in pieces]),
            np.concatenate([piece.ions for piece in pieces]),
            np.concatenate([piece.shares for piece in pieces]),
            np.concatenate(regressed) if regressed else None,
            np.concatenate([piece.images for piece in pieces]),
            np.concatenate([piece.composition_latents for piece in pieces]),
        )

    def _conditions(self, properties: np.ndarray, working_ions: np.ndarray) -> Tensor:
        return torch.from_numpy(condition_vectors(self.conditions_scaling.transform(properties), working_ions))

    def _denoiser(
        self, network: Callable[[Tensor, Tensor, Tensor], Tensor], conditions: Tensor, guidance: float
    ) -> Denoiser:
        predict, kind = guided(network, conditions, guidance), self.card["prediction"]

        def denoise(sample: Tensor, timestep: Tensor) -> Tensor:
            return noise_from_prediction(kind, predict(sample, timestep), sample, timestep, self.schedule)

        return denoise

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
        solve = partial(sample_dpm_solver, schedule=self.schedule, steps=steps)
        pieces = []
        for start in range(0, len(numbers), CHUNK):
            rows = slice(start, start + CHUNK)
            _, noise = self.network.split(draw_noise((self.network.size,), candidate_generators(numbers[rows])))
            asked = (properties[rows], working_ions[rows])
            pieces.append(self._best_draw(noise, numbers[rows], asked, draws, guidance, solve)[1])
        return Formulas(
            *(np.concatenate([getattr(p, name) for p in pieces]) for name in ("compositions", "ions", "shares"))
        )

    def _best_draw(
        self,
        noise: Tensor,
        seeds: Sequence[int],
        asked: tuple[np.ndarray, np.ndarray],
        draws: int,
        guidance: float,
        solve: Callable[[Denoiser, Tensor], Tensor],
    ) -> tuple[Tensor, Formulas]:
        """Return the noise (candidates, size) that leads to the best of several formulas of each candidate, and those.

        The solvers are deterministic and the composition branch sees no image, so the same noise leads to the same formula
        when the descriptors are generated beside it.
        """
        starts = noise[:, None]
        if draws > 1:
            # Not the streams that the candidates themselves are drawn from; the first draw is the candidate's own.
            generators = candidate_generators([seed ^ 0xD4A3 for seed in seeds])
            starts = torch.cat([starts, draw_noise((draws - 1, noise.shape[1]), generators)], dim=1)
        conditions = self._conditions(*asked).repeat_interleave(draws, dim=0)
        denoiser = self._denoiser(self.network.denoise_composition, conditions, guidance)
        drawn = self.network.restore_composition(solve(denoiser, starts.flatten(0, 1)))
        found = self.network.composition_autoencoder.decode(drawn)
        counts = found.counts.round().numpy().reshape(len(noise), draws, -1)
        ions, shares = (part.numpy().reshape(len(noise), draws) for part in (found.ion, found.share))
        best = np.array(
            [best_draw(counts[n], ions[n], shares[n], asked[0][n], int(asked[1][n])) for n in range(len(noise))]
        )
        rows = np.arange(len(noise))
        formulas = Formulas(counts[rows, best], ions[rows, best], shares[rows, best])
        return starts[torch.from_numpy(rows), torch.from_numpy(best)], formulas

    def _decode(self, joint: Tensor) -> Generated:
        image_latent, composition_latent = self.network.restore(joint)
        formulas = self.network.composition_autoencoder.decode(composition_latent)
        regressed = None
        if self.regressor is not None:
            regressed = self.regressor(self.regressor_scale.normalise(image_latent)).numpy()
        images = torch.cat([self.translator.decode(latent[None]) for latent in image_latent])
        return Generated(
            formulas.counts.round().numpy(),
            formulas.ion.numpy(),
            formulas.share.numpy(),
            regressed,
            images.numpy(),
            self.network.split(joint)[1].numpy(),
        )

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

    @torch.no_grad()
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
        conditions = self._conditions(properties, working_ions)
        start = int((self.schedule.signal_share - _REDRAWING_SIGNAL).abs().argmin())
        share = float(self.schedule.signal_share[start])
        low, high, confidence = [], [], []
        for first in range(0, len(seeds), CHUNK):
            rows = slice(first, first + CHUNK)
            latent = torch.from_numpy(generated.composition_latents[rows])
            # Not the streams that the candidates themselves were drawn from.
            generators = candidate_generators([int(seed) ^ 0x5EED for seed in seeds[rows]])
            noise = draw_noise((_REDRAWINGS, latent.shape[1]), generators)
            noisy = (share**0.5 * latent[:, None] + (1 - share) ** 0.5 * noise).flatten(0, 1)
            repeated = conditions[rows].repeat_interleave(_REDRAWINGS, dim=0)
            denoiser = self._denoiser(self.network.denoise_composition, repeated, guidance)
            drawn = sample_ddim(denoiser, noisy, self.schedule, DEFAULT_STEPS, start=start)
            formulas = self.network.composition_autoencoder.decode(self.network.restore_composition(drawn))
            counts = formulas.counts.round().numpy().reshape(len(latent), _REDRAWINGS, -1)
            ends = np.quantile(counts, [(1 - COMPOSITION_LEVEL) / 2, (1 + COMPOSITION_LEVEL) / 2], axis=1)
            low.append(ends[0])
            high.append(ends[1])
            confidence.append((counts == generated.compositions[rows, None]).all(axis=2).mean(axis=1))
        return CompositionInterval(np.concatenate(low), np.concatenate(high), np.concatenate(confidence))


def _counting(bar: Any) -> Callable[[list[int]], Iterable[int]]:
    """Return a watch that moves a progress bar by one for each timestep."""

    def watch(timesteps: list[int]) -> Iterable[int]:
        for timestep in timesteps:
            yield timestep
            bar.update(1)

    return watch
