"""From the probabilities that a decoder gives each site to configurations."""

from __future__ import annotations

import numpy as np

from kadi_battgen.sei.chemistry import SPECIES

#: Species that form the layer, most immobile first, and the mobile ones with the solvent.
_ORDER = sorted(SPECIES, key=lambda entry: (entry.mobile, entry.code))


def likeliest_lattices(probabilities: np.ndarray) -> np.ndarray:
    """Return configurations with the expected number of sites of each species in each row, at their likeliest places.

    Taking the likeliest species of each site by itself loses whatever is rare or spread out: a species with a probability of
    0.3 everywhere would never be seen. Here each row holds of each species as many sites as the probabilities sum to,
    rounded so that the row is full, and the sites of the rarest species are chosen first.

    Parameters
    ----------
    probabilities
        (N, species, rows, columns), summing to 1 over the species.

    Returns
    -------
    numpy.ndarray
        uint8, (N, rows, columns).
    """
    count, species, rows, columns = probabilities.shape
    lines = probabilities.transpose(0, 2, 1, 3).reshape(count * rows, species, columns).astype(np.float64)
    quotas = _rounded(lines.sum(axis=2), columns)
    result = np.zeros((len(lines), columns), dtype=np.uint8)
    free = np.ones((len(lines), columns), dtype=bool)
    every = np.arange(len(lines))
    for step in range(species):
        # In each row the species with the fewest sites that is not placed yet; the last one takes what is left.
        code = np.argsort(quotas, axis=1, kind="stable")[:, step]
        wanted = quotas[every, code]
        odds = np.where(free, lines[every, code], -1.0)
        rank = np.argsort(np.argsort(-odds, axis=1, kind="stable"), axis=1, kind="stable")
        taken = (rank < wanted[:, None]) & free
        result[taken] = np.broadcast_to(code[:, None], taken.shape)[taken]
        free &= ~taken
    return result.reshape(count, rows, columns)


def sampled_lattices(probabilities: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return configurations whose immobile layer is the likeliest one and whose other sites are drawn at random.

    Parameters
    ----------
    probabilities
        (N, species, rows, columns).
    generator
        Source of the draws.
    """
    layer = likeliest_lattices(probabilities)
    fixed = [entry.code for entry in SPECIES if not entry.mobile and entry.code] + [SPECIES[-1].code]
    kept = np.isin(layer, fixed)
    odds = probabilities.astype(np.float64).copy()
    odds[:, fixed] = 0.0
    total = odds.sum(axis=1, keepdims=True)
    odds[:, 0] += (total[:, 0] <= 0) * 1.0
    cumulative = np.cumsum(odds, axis=1)
    drawn = generator.random(layer.shape)[:, None] * cumulative[:, -1:]
    codes = (drawn >= cumulative).sum(axis=1).clip(max=len(SPECIES) - 1).astype(np.uint8)
    return np.where(kept, layer, codes)


def _rounded(expected: np.ndarray, total: int) -> np.ndarray:
    """Return integers near `expected` (lines, species) that sum to `total`, by the largest remainders."""
    whole = np.floor(expected).astype(int)
    missing = total - whole.sum(axis=1)
    rank = np.argsort(np.argsort(-(expected - whole), axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (rank < missing[:, None])
