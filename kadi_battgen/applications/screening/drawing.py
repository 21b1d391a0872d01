"""Drawing several formulas for a candidate, and which of them it gets: the one that by itself meets best what was asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.applications.screening.generated import Formulas
from kadi_battgen.applications.screening.loading import LoadedNetworks
from kadi_battgen.applications.screening.sampling import SOLVERS
from kadi_battgen.diffusion.samplers import candidate_generators, draw_noise
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.training.screening.formulas import ION_COLUMNS, SHARES, extractable_share, formula_capacities

#: Formulas drawn for each candidate of a screening.
DEFAULT_DRAWS = 32

_CAPACITY = list(FUNCTIONAL_PROPERTIES).index("gravimetric_capacity")


@torch.no_grad()
def draw_best(
    networks: LoadedNetworks,
    noise: Tensor,
    seeds: Sequence[int],
    properties: np.ndarray,
    working_ions: np.ndarray,
    *,
    draws: int,
    guidance: float,
    sampler: str,
    steps: int,
) -> tuple[Tensor, Formulas]:
    """Return the noise that leads to the best of several formulas of each candidate, and those formulas.

    The solvers are deterministic and the composition branch sees no image, so the same noise leads to the same formula when
    the descriptors are generated beside it.

    Parameters
    ----------
    networks
        What draws.
    noise
        Each candidate's own, which its first formula starts from, (candidates, size).
    seeds
        Of the candidates, (candidates,).
    properties
        Wanted functional properties in their units, (candidates, 6), NaN where left open.
    working_ions
        Positions in ``WORKING_IONS``, (candidates,), -1 where left open.
    draws
        Formulas drawn for each candidate.
    guidance
        Scale of classifier-free guidance.
    sampler, steps
        One of the deterministic samplers ``SOLVERS``, and its denoiser calls.
    """
    starts = noise[:, None]
    if draws > 1:
        # Not the streams that the candidates themselves are drawn from; the first draw is the candidate's own.
        generators = candidate_generators([seed ^ 0xD4A3 for seed in seeds])
        starts = torch.cat([starts, draw_noise((draws - 1, noise.shape[1]), generators)], dim=1)
    conditions = networks.conditions(properties, working_ions).repeat_interleave(draws, dim=0)
    denoiser = networks.denoiser(networks.network.denoise_composition, conditions, guidance)
    solved = SOLVERS[sampler](denoiser, starts.flatten(0, 1), networks.schedule, steps)
    found = networks.network.composition_autoencoder.decode(networks.network.restore_composition(solved))
    counts = found.counts.round().numpy().reshape(len(noise), draws, -1)
    ions, shares = (part.numpy().reshape(len(noise), draws) for part in (found.ion, found.share))
    best = np.array(
        [best_draw(counts[n], ions[n], shares[n], properties[n], int(working_ions[n])) for n in range(len(noise))]
    )
    rows = np.arange(len(noise))
    formulas = Formulas(counts[rows, best], ions[rows, best], shares[rows, best])
    return starts[torch.from_numpy(rows), torch.from_numpy(best)], formulas


def best_draw(compositions: np.ndarray, ions: np.ndarray, shares: np.ndarray, asked: np.ndarray, asked_ion: int) -> int:
    """Return the position of the drawn formula that meets best what a formula alone can tell.

    That is, in this order: it holds the working ion; its redox metals can pay for the ions that leave; and the capacity that
    follows is nearest to the asked one, if one was asked. Voltage, volumes and energies do not follow from a formula and play
    no part, so that what the property model says of them later is not what the formula was chosen by. Among equals the first
    is taken.

    Parameters
    ----------
    compositions
        Drawn atoms per formula, whole numbers, (draws, 112).
    ions, shares
        Positions of each draw's working ion in ``WORKING_IONS`` and of its extracted share in ``EXTRACTED_SHARES``, (draws,).
    asked
        Wanted functional properties in their units, (6,), NaN where left open.
    asked_ion
        Position of the wanted ion; -1 for any.
    """
    own = ions if asked_ion < 0 else np.full_like(ions, asked_ion)
    held = compositions[np.arange(len(own)), ION_COLUMNS[own]] > 0
    paid = np.array(
        [
            there and extractable_share(row, int(ion)) >= share
            for row, ion, share, there in zip(compositions, own, shares, held, strict=True)
        ]
    )
    miss = np.zeros(len(own))
    if not np.isnan(asked[_CAPACITY]):
        miss = np.abs(formula_capacities(compositions, own, SHARES[shares]) - asked[_CAPACITY])
    return int(np.lexsort((miss.round(6), ~paid, ~held))[0])
