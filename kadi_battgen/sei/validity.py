"""Whether a lattice is an SEI that the model could have grown, and the smallest mending of one that is not.

The checks are invariants of the model: every configuration that the engine reaches passes them, whatever the barriers, so that
they tell nothing of a simulated campaign but that it is whole, and much of a picture, a file of others or a generated
configuration. That organic clusters need not touch anything is part of the model; how much of an SEI is joined with the
electrode is therefore a number (:func:`joined_fraction`) and no check.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from kadi_battgen.sei.chemistry import (
    BOUNDARY,
    CLUSTER,
    DIMER,
    ELECTRODE,
    INORGANIC,
    ORGANIC,
    SITE_SIZE,
    SOLVENT,
    SPECIES,
    SeiModel,
)

#: Fewest sites of an organic cluster: it starts as one O and one OO (process 6).
SMALLEST_CLUSTER: Final = 3

#: The checks by name, with what holds where they pass.
CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "species": "every code is that of a species",
        "boundaries": "the first row is electrode and the last one absorbing boundary, and no other site is either",
        "inorganic_joined": "Li2CO3 joins every Li2CO3 site with the electrode (four neighbours), as it never moves",
        "inorganic_within_reach": "no Li2CO3 is farther from the electrode than electrons tunnel",
        "dimers_paired": "the (Li2EDC)2 sites can be divided into neighbouring pairs",
        "clusters_whole": f"no organic cluster has fewer than {SMALLEST_CLUSTER} sites",
    }
)


def checks(configurations: np.ndarray, *, tunnelling_rows: int | None = None) -> dict[str, np.ndarray]:
    """Return which of ``CHECKS`` each configuration passes.

    Parameters
    ----------
    configurations
        Codes of the species, integers, (N, rows, columns), row 0 the electrode.
    tunnelling_rows
        Highest row (0 is the electrode) that electrons tunnel to; None for that of the default model.

    Returns
    -------
    dict
        bool array of shape (N,) by the name of the check.

    Raises
    ------
    ValueError
        If the shape or the type does not fit.
    """
    stack = _checked(configurations)
    reach = SeiModel().tunnelling_rows() if tunnelling_rows is None else tunnelling_rows
    inside = stack[:, 1:-1]
    return {
        "species": ((stack >= 0) & (stack < len(SPECIES))).all(axis=(1, 2)),
        "boundaries": (stack[:, 0] == ELECTRODE).all(axis=1)
        & (stack[:, -1] == BOUNDARY).all(axis=1)
        & ~np.isin(inside, (ELECTRODE, BOUNDARY)).any(axis=(1, 2)),
        "inorganic_joined": ~_apart(stack == INORGANIC).any(axis=(1, 2)),
        "inorganic_within_reach": ~(stack[:, reach + 1 :] == INORGANIC).any(axis=(1, 2)),
        "dimers_paired": ~_unpaired(stack == DIMER).any(axis=(1, 2)),
        "clusters_whole": ~_fragments(stack == CLUSTER).any(axis=(1, 2)),
    }


def is_valid(configurations: np.ndarray, *, tunnelling_rows: int | None = None) -> np.ndarray:
    """Return which configurations pass all ``CHECKS``, bool, (N,); arguments as for :func:`checks`."""
    return np.logical_and.reduce(list(checks(configurations, tunnelling_rows=tunnelling_rows).values()))


def joined_fraction(configurations: np.ndarray) -> np.ndarray:
    """Return the fraction of each configuration's SEI sites that SEI sites join with the electrode, float64, (N,).

    It is 1 where there is no SEI. Simulated configurations have less than 1 where organic clusters drift.
    """
    stack = _checked(configurations)
    sei = np.isin(stack, (INORGANIC, CLUSTER))
    sei[:, 0] = False
    count = sei.sum(axis=(1, 2))
    joined = (sei & ~_apart(sei)).sum(axis=(1, 2))
    return np.where(count > 0, joined / np.maximum(count, 1), 1.0)


def mended(configurations: np.ndarray, *, tunnelling_rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return configurations that pass all ``CHECKS``, and the number of sites that were changed for it.

    What breaks an invariant becomes the nearest thing that does not: Li2CO3 out of reach or apart from the electrode becomes
    solvent, (Li2EDC)2 without a partner becomes Li2EDC, an organic cluster of one site Li2EDC and of two (Li2EDC)2.

    Parameters
    ----------
    configurations, tunnelling_rows
        As for :func:`checks`.

    Returns
    -------
    tuple
        Configurations, uint8, (N, rows, columns), and changed sites, int64, (N,).
    """
    given = _checked(configurations)
    stack = np.where((given >= 0) & (given < len(SPECIES)), given, SOLVENT).astype(np.uint8)
    reach = SeiModel().tunnelling_rows() if tunnelling_rows is None else tunnelling_rows
    stack[:, 1:-1][np.isin(stack[:, 1:-1], (ELECTRODE, BOUNDARY))] = SOLVENT
    stack[:, 0], stack[:, -1] = ELECTRODE, BOUNDARY
    stack[:, reach + 1 :][stack[:, reach + 1 :] == INORGANIC] = SOLVENT
    stack[_apart(stack == INORGANIC)] = SOLVENT
    stack[_unpaired(stack == DIMER)] = ORGANIC
    labels, sizes = _components(stack == CLUSTER)
    stack[(sizes[labels] == 1) & (labels > 0)] = ORGANIC
    # A pair more does not change whether the other dimers are paired.
    stack[(sizes[labels] == 2) & (labels > 0)] = DIMER
    return stack, (stack != given).sum(axis=(1, 2))


def model_tunnelling_rows(model: Mapping[str, Any]) -> int:
    """Return the highest row that electrons tunnel to, from the chemistry of a campaign or data set."""
    return min(int(model["height"]) - 1, math.floor(float(model["tunnelling_depth"]) / SITE_SIZE))


def _checked(configurations: np.ndarray) -> np.ndarray:
    stack = np.asarray(configurations)
    if stack.ndim != 3 or not np.issubdtype(stack.dtype, np.integer) or stack.shape[1] < 2:
        raise ValueError(
            f"configurations of shape {stack.shape} and type {stack.dtype} are not integers of shape (N, rows, columns)."
        )
    return stack


def _components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the component of each site (0 for none) and the size of each, with four neighbours in one lattice."""
    from scipy import ndimage

    cross = np.zeros((3, 3, 3), dtype=bool)
    cross[1] = ndimage.generate_binary_structure(2, 1)
    labels, _ = ndimage.label(mask, structure=cross)
    return labels, np.bincount(labels.ravel(), minlength=1)


def _apart(mask: np.ndarray) -> np.ndarray:
    """Return the marked sites above the electrode row that marked sites do not join with it."""
    grounded = mask.copy()
    grounded[:, 0] = True
    labels, sizes = _components(grounded)
    joined = np.zeros(len(sizes), dtype=bool)
    joined[labels[:, 0]] = True
    apart = mask & ~joined[labels]
    apart[:, 0] = False
    return apart


def _fragments(mask: np.ndarray) -> np.ndarray:
    """Return the marked sites in components too small for a cluster."""
    labels, sizes = _components(mask)
    return mask & (sizes[labels] < SMALLEST_CLUSTER)


def _unpaired(mask: np.ndarray) -> np.ndarray:
    """Return the marked sites that a largest division into neighbouring pairs leaves alone."""
    from scipy import ndimage

    labels, sizes = _components(mask)
    unpaired = mask & (sizes[labels] == 1)
    if len(sizes) < 2:
        return unpaired
    # Of two sites in a component each has a partner; larger ones need a matching.
    boxes = ndimage.find_objects(labels)
    for number in range(1, len(sizes)):
        if sizes[number] > 2:
            sites = np.argwhere(labels[boxes[number - 1]] == number)
            unpaired[boxes[number - 1]][tuple(sites[_without_partner(sites)].T)] = True
    return unpaired


def _without_partner(sites: np.ndarray) -> np.ndarray:
    """Return which sites (n, 3) of a component a largest matching of neighbours leaves alone."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    even = sites[:, 1:].sum(axis=1) % 2 == 0
    first, second = np.flatnonzero(even), np.flatnonzero(~even)
    distance = np.abs(sites[first, None, 1:] - sites[None, second, 1:]).sum(axis=2)
    partners = maximum_bipartite_matching(csr_array(distance == 1), perm_type="column")
    alone = np.ones(len(sites), dtype=bool)
    alone[first[partners >= 0]] = False
    alone[second[partners[partners >= 0]]] = False
    return alone
