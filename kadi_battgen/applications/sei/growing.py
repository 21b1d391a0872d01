"""From the probabilities that a decoder gives each site to configurations that hang together as grown ones do.

A decoder knows how much of each species there is in each row and how much of the electrode is covered at each height, and
little of where along the electrode a cluster lies, which is chance. Where :mod:`kadi_battgen.applications.sei.lattices` shows
what the decoder thinks likeliest, here chance decides, and what is placed touches what is there: Li2CO3 stands on the
electrode, and organic clusters are clusters. What a generation makes is to be a configuration that a simulation could reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from kadi_battgen.sei.chemistry import (
    BOUNDARY,
    CLUSTER,
    DIMER,
    ELECTRODE,
    INORGANIC,
    ORGANIC,
    RADICAL,
    SOLVENT,
)
from kadi_battgen.sei.validity import SMALLEST_CLUSTER, is_valid, mended, model_tunnelling_rows

if TYPE_CHECKING:
    from kadi_battgen.applications.sei.model import PrvaeModel

#: Configurations that are decoded together; bounds the memory.
_BLOCK: Final = 256

#: What a contact with a placed site of a cluster adds to the logarithm of a site's probability.
_CONTACT: Final = 4.0

#: Sites along the electrode over which a contact fades out.
_RANGE: Final = 4

#: Width in sites of the random field that says where clusters lie, and its standard deviation in units of log probability.
_FIELD_WIDTH, _FIELD_STRENGTH = 2.0, 2.0

#: Where nothing may be placed.
_NEVER: Final = -1e9


def grown_configurations(
    model: PrvaeModel, latent: np.ndarray, barriers: np.ndarray | None = None, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decode latents to configurations that a simulation could reach.

    Parameters
    ----------
    model
        The trained model.
    latent
        (N, latent size).
    barriers
        Reaction barriers in eV, (N, 15), for a conditional model.
    seed
        Seed of where chance decides.

    Returns
    -------
    tuple
        Configurations, uint8, (N, rows, columns), all valid (:mod:`kadi_battgen.sei.validity`); sites that were mended for it,
        (N,); and which were valid without, bool, (N,).
    """
    generator = np.random.default_rng(seed)
    reach = model_tunnelling_rows({**model.card["chemistry"], "height": model.lattice_shape[0]})
    parts = []
    for start in range(0, len(latent), _BLOCK):
        given = None if barriers is None else barriers[start : start + _BLOCK]
        chances, covered = model.decode_layer(latent[start : start + _BLOCK], given)
        parts.append(grown_lattices(chances, covered, generator, tunnelling_rows=reach))
    shown = np.concatenate(parts) if parts else np.empty((0, *model.lattice_shape), dtype=np.uint8)
    configurations, changed = mended(shown, tunnelling_rows=reach)
    return configurations, changed, is_valid(shown, tunnelling_rows=reach)


def grown_lattices(
    probabilities: np.ndarray, covered: np.ndarray, generator: np.random.Generator, *, tunnelling_rows: int
) -> np.ndarray:
    """Return configurations drawn row by row with the expected numbers of sites.

    Li2CO3 is placed from the electrode up, joined with it. Organic clusters are placed from the top
    down: so many sites of a row start columns that nothing covers yet that the expected share of covered columns, hence the
    thickness, is kept; the others go beneath. Then come (Li2EDC)2 as pairs, radicals and Li2EDC at random.

    Parameters
    ----------
    probabilities
        Probability of each species at each site, (N, species, rows, columns).
    covered
        Expected share of columns whose highest SEI site lies in a row or above, (N, rows).
    generator
        Source of the draws.
    tunnelling_rows
        Highest row with Li2CO3.

    Returns
    -------
    numpy.ndarray
        uint8, (N, rows, columns).
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    count, _, rows, columns = chances.shape
    stack = np.full((count, rows, columns), SOLVENT, dtype=np.uint8)
    stack[:, 0], stack[:, -1] = ELECTRODE, BOUNDARY
    odds = np.log(np.maximum(chances, 1e-9)) + generator.gumbel(size=chances.shape)
    _place_inorganic(stack, chances, odds, tunnelling_rows)
    _place_clusters(stack, chances, covered, generator)
    _place_dimers(stack, chances, odds, generator)
    for code in (RADICAL, ORGANIC):
        quotas = _whole(chances[:, code].sum(axis=2))
        for row in range(1, rows - 1):
            stack[:, row][_best(odds[:, code, row], stack[:, row] == SOLVENT, quotas[:, row])] = code
    return stack


def _place_inorganic(stack: np.ndarray, chances: np.ndarray, odds: np.ndarray, tunnelling_rows: int) -> None:
    quotas = _whole(chances[:, INORGANIC].sum(axis=2))
    for row in range(1, min(tunnelling_rows, stack.shape[1] - 2) + 1):
        grounded = np.isin(stack[:, row - 1], (INORGANIC, ELECTRODE))
        # What is likely farther up needs its support here.
        score = odds[:, INORGANIC, row] + chances[:, INORGANIC, row + 1 : tunnelling_rows + 1].sum(axis=1)
        placed = _best(score, grounded, quotas[:, row])
        for _ in range(stack.shape[2]):
            # Where too little is beneath, it spreads sideways from what stands.
            missing = quotas[:, row] - placed.sum(axis=1)
            beside = _best(score, (_closeness(placed) == 1) & ~placed, missing)
            if not beside.any():
                break
            placed |= beside
        stack[:, row][placed] = INORGANIC


def _place_clusters(
    stack: np.ndarray, chances: np.ndarray, covering: np.ndarray, generator: np.random.Generator
) -> None:
    rows, columns = stack.shape[1:]
    odds = _cluster_odds(chances[:, CLUSTER], generator)
    columns_due = np.rint(np.asarray(covering, dtype=np.float64) * columns).astype(int)
    due = np.rint(np.cumsum(chances[:, CLUSTER, ::-1].sum(axis=2), axis=1)).astype(int)[:, ::-1]
    covered, above, young = (np.zeros((len(stack), columns), dtype=bool) for _ in range(3))
    placed_so_far = np.zeros(len(stack), dtype=int)
    for row in range(rows - 2, 0, -1):
        solid = stack[:, row] == INORGANIC
        free, pending = ~solid, due[:, row] - placed_so_far
        # A cluster is not begun before there are sites enough for it.
        wanted = np.where(above.any(axis=1) | (pending >= SMALLEST_CLUSTER) | solid.any(axis=1), pending, 0)
        # What was begun goes on first.
        growing = np.minimum((young & free).sum(axis=1), wanted)
        starting = np.clip(columns_due[:, row] - (covered | solid).sum(axis=1), 0, wanted - growing)
        score = odds[:, row] + _CONTACT * above + 2 * _CONTACT * young
        beneath = _best(score, free & covered, wanted - starting)
        score = odds[:, row] + _CONTACT * _closeness(beneath | solid)
        placed = beneath | _best(score, free & ~covered, wanted - beneath.sum(axis=1))
        placed |= _best(odds[:, row], free & ~placed, wanted - placed.sum(axis=1))
        stack[:, row][placed] = CLUSTER
        placed_so_far += placed.sum(axis=1)
        covered |= placed | solid
        young = placed & (_run_lengths(placed) + above < SMALLEST_CLUSTER) & ~(above & ~young)
        above = placed


def _cluster_odds(chances: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return where clusters rather lie, (N, rows, columns): what the decoder says, smoothed, and a random field."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(generator.standard_normal(chances.shape), (0, _FIELD_WIDTH, _FIELD_WIDTH))
    field *= _FIELD_STRENGTH / max(float(field.std()), 1e-12)
    smooth = gaussian_filter(chances, (0, 0, 1))
    return np.log(np.maximum(smooth, 1e-9)) + field


def _run_lengths(placed: np.ndarray) -> np.ndarray:
    """Return for each placed site (N, columns) how many are placed side by side with it; 0 for others."""
    forward, backward = np.zeros(placed.shape, dtype=int), np.zeros(placed.shape, dtype=int)
    for column in range(placed.shape[1]):
        before = forward[:, column - 1] if column else 0
        forward[:, column] = np.where(placed[:, column], before + 1, 0)
    for column in range(placed.shape[1] - 1, -1, -1):
        after = backward[:, column + 1] if column + 1 < placed.shape[1] else 0
        backward[:, column] = np.where(placed[:, column], after + 1, 0)
    return np.where(placed, forward + backward - 1, 0)


def _place_dimers(stack: np.ndarray, chances: np.ndarray, odds: np.ndarray, generator: np.random.Generator) -> None:
    rows, columns = stack.shape[1:]
    quotas = _whole(chances[:, DIMER].sum(axis=2) / 2.0)
    for row in range(1, rows - 1):
        # Pairs from every second site on, from the first or from the second: none share a site.
        start = int(generator.integers(2)) if columns > 2 else 0
        pairs = (columns - start) // 2
        sites = np.s_[:, start : start + 2 * pairs]
        halves = (len(stack), pairs, 2)
        free = (stack[:, row][sites] == SOLVENT).reshape(halves).all(axis=2)
        score = odds[:, DIMER, row][sites].reshape(halves).mean(axis=2)
        taken = np.repeat(_best(score, free, quotas[:, row]), 2, axis=1)
        stack[:, row][sites] = np.where(taken, DIMER, stack[:, row][sites])


def _closeness(placed: np.ndarray) -> np.ndarray:
    """Return how close each site of a row is to a placed one, 1 beside it and 0 from ``_RANGE`` + 1 sites on."""
    close = np.zeros(placed.shape)
    for distance in range(_RANGE, 0, -1):
        value = 1.0 - (distance - 1) / _RANGE
        close[:, distance:][placed[:, :-distance]] = value
        close[:, :-distance][placed[:, distance:]] = np.maximum(close[:, :-distance][placed[:, distance:]], value)
    return close


def _best(score: np.ndarray, allowed: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the `wanted` (N,) allowed sites of each row (N, sites) with the highest scores, all if there are fewer."""
    rank = np.argsort(np.argsort(np.where(allowed, -score, -_NEVER), axis=1, kind="stable"), axis=1, kind="stable")
    return allowed & (rank < np.maximum(wanted, 0)[:, None])


def _whole(expected: np.ndarray) -> np.ndarray:
    """Return integers near `expected` (N, rows) whose sums up to each row are the rounded sums."""
    sums = np.rint(np.cumsum(expected, axis=1)).astype(int)
    return np.diff(sums, axis=1, prepend=0)
