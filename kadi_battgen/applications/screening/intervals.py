"""How sharply a screening model knows the formulas that it drew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from kadi_battgen.applications.screening.generated import CompositionInterval, Generated, joined
from kadi_battgen.applications.screening.loading import LoadedNetworks
from kadi_battgen.applications.screening.sampling import DEFAULT_STEPS, chunks
from kadi_battgen.diffusion.samplers import candidate_generators, draw_noise, sample_ddim

#: Nominal coverage of the intervals of the compositions, a fraction.
COMPOSITION_LEVEL = 0.9

#: Drawings of each formula that its interval is taken from, and the share of signal in the latents that they start from.
_REDRAWINGS, _REDRAWING_SIGNAL = 24, 0.5


@torch.no_grad()
def redrawn_interval(
    networks: LoadedNetworks,
    generated: Generated,
    properties: np.ndarray,
    working_ions: np.ndarray,
    seeds: Sequence[int],
    guidance: float,
) -> CompositionInterval:
    """Return how far formulas move when their latents are noised half way and denoised again.

    Parameters
    ----------
    networks
        What drew the formulas.
    generated
        The formulas, with their latents.
    properties
        Wanted functional properties in their units, (samples, 6), NaN where left open.
    working_ions
        Positions in ``WORKING_IONS``, (samples,), -1 where left open.
    seeds
        Of the candidates, (samples,).
    guidance
        Scale of classifier-free guidance.
    """
    conditions = networks.conditions(properties, working_ions)
    start = int((networks.schedule.signal_share - _REDRAWING_SIGNAL).abs().argmin())
    share = float(networks.schedule.signal_share[start])
    pieces = []
    for rows in chunks(len(seeds)):
        latent = torch.from_numpy(generated.composition_latents[rows])
        # Not the streams that the candidates themselves were drawn from.
        generators = candidate_generators([int(seed) ^ 0x5EED for seed in seeds[rows]])
        noise = draw_noise((_REDRAWINGS, latent.shape[1]), generators)
        noisy = (share**0.5 * latent[:, None] + (1 - share) ** 0.5 * noise).flatten(0, 1)
        repeated = conditions[rows].repeat_interleave(_REDRAWINGS, dim=0)
        denoiser = networks.denoiser(networks.network.denoise_composition, repeated, guidance)
        drawn = sample_ddim(denoiser, noisy, networks.schedule, DEFAULT_STEPS, start=start)
        formulas = networks.network.composition_autoencoder.decode(networks.network.restore_composition(drawn))
        counts = formulas.counts.round().numpy().reshape(len(latent), _REDRAWINGS, -1)
        low, high = np.quantile(counts, [(1 - COMPOSITION_LEVEL) / 2, (1 + COMPOSITION_LEVEL) / 2], axis=1)
        confidence = (counts == generated.compositions[rows, None]).all(axis=2).mean(axis=1)
        pieces.append(CompositionInterval(low, high, confidence))
    return joined(pieces)
