"""How a model tells configurations like those of its training from others, and which ones are nearest to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.metrics.latent_space import nearest
from kadi_battgen.metrics.regression import presence_auc
from kadi_battgen.sei.chemistry import SOLVENT

#: Share of the sites above the electrode that a spoilt configuration has exchanged.
_EXCHANGED = 0.05


def familiarity_metrics(
    model: PrvaeModel, configurations: np.ndarray, barriers: np.ndarray | None, scores: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Return out-of-distribution scores of configurations, and how well the score finds spoilt ones among them.

    Parameters
    ----------
    model
        The trained model.
    configurations
        (N, rows, columns).
    barriers
        In eV, (N, 15), for a conditional model.
    scores
        Out-of-distribution scores of the configurations, (N,).
    seed
        Seed of the spoiling.

    Returns
    -------
    dict
        ``median``, ``quantile_95`` and ``familiar_fraction`` (scores up to 1, those of 95 % of held-out configurations);
        under ``area_under_curve`` how often a spoilt configuration scores above one that is not: with 5 % of its sites
        exchanged, with its rows in another order, and turned upside down.
    """
    generator = np.random.default_rng(seed)
    spoilt = {
        "sites_exchanged": _exchanged(configurations, generator),
        "rows_shuffled": _rows_shuffled(configurations, generator),
        "upside_down": np.concatenate(
            [configurations[:, :1], configurations[:, -2:0:-1], configurations[:, -1:]], axis=1
        ),
    }
    areas = {}
    for name, stack in spoilt.items():
        changed = (stack != configurations).any(axis=(1, 2))
        found = model.out_of_distribution_score(stack[changed], None if barriers is None else barriers[changed])
        labels = np.repeat([False, True], [len(scores), len(found)])
        areas[name] = presence_auc(labels, np.concatenate([scores, found]))
    return {
        "median": float(np.median(scores)),
        "quantile_95": float(np.quantile(scores, 0.95)),
        "familiar_fraction": float((scores <= 1).mean()),
        "area_under_curve": areas,
    }


def nearest_configurations(
    latents: np.ndarray, queries: np.ndarray, count: int, *, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and distances of the configurations nearest to queries in the latent space, (queries, count) each.

    Distances count each unit in its standard deviation over `latents`; units that hardly vary do not decide.

    Parameters
    ----------
    latents
        Latent means of the configurations that are looked among, (N, latent size).
    queries
        Latent means of the queries, (queries, latent size).
    count
        Neighbours of each, fewer where there are not so many.
    exclude_self
        Whether the queries are `latents` themselves.
    """
    spread = latents.std(axis=0)
    kept = spread > 0.05 * spread.max()
    if not kept.any():
        kept[:] = True
        spread = np.ones_like(spread)
    tables = (latents[:, kept] / spread[kept], queries[:, kept] / spread[kept])
    return nearest(*tables, min(count, len(latents) - exclude_self), exclude_self=exclude_self)


def _exchanged(configurations: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return configurations in which some sites hold what another site of the same configuration holds."""
    stack = configurations.copy()
    inner = stack[:, 1:-1].reshape(len(stack), -1)
    sites = inner.shape[1]
    for row in inner:
        where = generator.choice(sites, max(1, int(_EXCHANGED * sites)), replace=False)
        other = row[generator.permutation(sites)[: len(where)]]
        row[where] = np.where(other == row[where], SOLVENT, other)
    stack[:, 1:-1] = inner.reshape(stack[:, 1:-1].shape)
    return stack


def _rows_shuffled(configurations: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    stack = configurations.copy()
    for lattice in stack:
        lattice[1:-1] = lattice[1:-1][generator.permutation(len(lattice) - 2)]
    return stack
