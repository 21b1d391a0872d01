"""From what a decoder says of sites and rows to configurations.

A decoder knows how many sites of a species a row holds far better than which ones they are. Taking the likeliest species of
each site by itself would show none of a species that is unlikely everywhere, and an SEI that is too thin; drawing each site by
itself would show stray sites far above the layer. Here the layer is built to the expected numbers instead.
"""

from __future__ import annotations

import numpy as np

from kadi_battgen.sei.chemistry import BOUNDARY, CLUSTER, ELECTRODE, INORGANIC, SOLVENT

#: Species of the layer, and those between them that move.
_LAYER = (INORGANIC, CLUSTER)
_FIXED = (ELECTRODE, BOUNDARY, *_LAYER)


def layered_lattices(
    probabilities: np.ndarray, covered: np.ndarray, generator: np.random.Generator | None = None
) -> np.ndarray:
    """Return configurations whose rows hold as many sites of each species as expected, at their likeliest places.

    The SEI is built from the boundary down: each row gets as many new columns as rise just to it, and as many further sites
    below those that rise higher, that volume fraction, density, thickness and porosity are the expected ones but for the
    rounding to whole sites, whose remainder the next row takes over.

    Parameters
    ----------
    probabilities
        Probability of each species at each site, (N, species, rows, columns); the electrode row and the boundary row certain.
    covered
        Expected share of columns whose highest SEI site lies in a row or above, (N, rows).
    generator
        If given, the species between the SEI sites are drawn at random from their probabilities.

    Returns
    -------
    numpy.ndarray
        uint8, (N, rows, columns).
    """
    odds = probabilities.astype(np.float64)
    sei = _layer(odds[:, list(_LAYER)].sum(axis=1), covered)
    layer = _species_of_layer(odds, sei)
    free = odds.copy()
    free[:, list(_LAYER)] = 0.0
    # A site that the layer left but the decoder gave to it for certain holds solvent.
    free[:, SOLVENT] += free.sum(axis=1) <= 1e-12
    free /= free.sum(axis=1, keepdims=True)
    others = _rows_to_quota(free, ~sei) if generator is None else _drawn(free, generator)
    return np.where(sei, layer, others).astype(np.uint8)


def _layer(odds: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Return where SEI is, bool (N, rows, columns), from the odds of each site to be SEI and the covered columns."""
    count, rows, columns = odds.shape
    sei = np.zeros(odds.shape, dtype=bool)
    reached = np.zeros((count, columns), dtype=bool)
    sites_left, columns_left = np.zeros(count), np.zeros(count)
    for row in range(rows - 2, 0, -1):
        wanted = covered[:, row] * columns + columns_left
        before = reached.sum(axis=1)
        new = np.clip(np.rint(wanted).astype(int), before, columns) - before
        columns_left = np.clip(wanted - before - new, -1.0, 1.0)
        tops = _likeliest(odds[:, row], ~reached, new)
        sites = odds[:, row].sum(axis=1) + sites_left
        further = np.clip(np.rint(sites).astype(int) - new, 0, before)
        sites_left = np.clip(sites - new - further, -columns, columns)
        sei[:, row] = tops | _likeliest(odds[:, row], reached, further)
        reached |= tops
    return sei


def _species_of_layer(odds: np.ndarray, sei: np.ndarray) -> np.ndarray:
    """Return the species of the SEI sites: in each row as many inorganic ones as expected, where they are likeliest."""
    first, second = (odds[:, code] for code in _LAYER)
    share = first / np.maximum(first + second, 1e-12)
    result = np.full(sei.shape, CLUSTER, dtype=np.uint8)
    left = np.zeros(len(sei))
    for row in range(sei.shape[1] - 1, 0, -1):
        wanted = np.where(sei[:, row], share[:, row], 0.0).sum(axis=1) + left
        chosen = np.clip(np.rint(wanted).astype(int), 0, sei[:, row].sum(axis=1))
        left = wanted - chosen
        result[:, row][_likeliest(share[:, row], sei[:, row], chosen)] = INORGANIC
    return result


def _rows_to_quota(odds: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return species of the places: in each row as many of each as expected, the rarest first at their likeliest ones."""
    count, species, rows, columns = odds.shape
    lines = odds.transpose(0, 2, 1, 3).reshape(count * rows, species, columns)
    free = places.reshape(count * rows, columns).copy()
    quotas = _rounded((lines * free[:, None]).sum(axis=2), free.sum(axis=1))
    result = np.zeros((len(lines), columns), dtype=np.uint8)
    every = np.arange(len(lines))
    for step in range(species):
        code = np.argsort(quotas, axis=1, kind="stable")[:, step]
        taken = _likeliest(lines[every, code], free, quotas[every, code])
        result[taken] = np.broadcast_to(code[:, None], taken.shape)[taken]
        free &= ~taken
    return result.reshape(count, rows, columns)


def _drawn(odds: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    cumulative = np.cumsum(odds, axis=1)
    draws = generator.random((odds.shape[0], 1, *odds.shape[2:])) * cumulative[:, -1:]
    return (draws >= cumulative).sum(axis=1).clip(max=odds.shape[1] - 1)


def _likeliest(odds: np.ndarray, allowed: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the `numbers` (lines,) likeliest allowed places of each line, bool (lines, places)."""
    order = np.argsort(np.where(allowed, -odds, np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    return (rank < numbers[:, None]) & allowed


def _rounded(expected: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return integers near `expected` (lines, species) that sum to `totals` (lines,), by the largest remainders."""
    whole = np.floor(expected + 1e-9).astype(int)
    missing = totals - whole.sum(axis=1)
    rank = np.argsort(np.argsort(whole - expected, axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (rank < missing[:, None])
