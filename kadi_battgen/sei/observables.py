"""Observables of SEI configurations, from any two-dimensional lattice: simulated, read from a picture, or generated.

Volume fraction (flux), density, thickness and porosity are those of the reference model (Esmaeilpour et al., Adv. Energy
Mater. 13 (2023) 2203966; Rajagopal et al., Adv. Energy Mater. 13 (2023) 2301985), symbol by symbol. In-layer and closed
porosity are two more, which do not degenerate to a function of the volume fraction.

A configuration has its rows parallel to the electrode, in the order of their distance from it. Row 0 (y = 1) is the
electrode and never counts as SEI, whatever stands there; the last row is the absorbing boundary, which the electrolyte
is connected to. A configuration that lacks both rows gets them with ``boundary_rows=False``. SEI sites are those of
Li2CO3 (inorganic, code F) and of organic clusters (code C); a site is a square with an edge of 1 nm.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kadi_battgen.sei.chemistry import BOUNDARY, CLUSTER, ELECTRODE, INORGANIC, SITE_SIZE
from kadi_battgen.sei.properties import MAIN_OBSERVABLES, OBSERVABLES, Observable

__all__ = ["MAIN_OBSERVABLES", "OBSERVABLES", "Observable", "closed_pores", "observables"]

#: Configurations that are worked on together; bounds the memory.
_BLOCK: Final = 512


def observables(configurations: np.ndarray, *, boundary_rows: bool = True) -> dict[str, np.ndarray]:
    """Return all observables of configurations.

    Parameters
    ----------
    configurations
        Codes of the species, integers of shape (N, rows, columns), or (rows, columns) for one; row 0 is the electrode
        and the last row the absorbing boundary.
    boundary_rows
        False if these two rows are missing and are to be added.

    Returns
    -------
    dict
        float64 array of shape (N,) for each name in ``OBSERVABLES``, in that order.

    Raises
    ------
    ValueError
        If the shape or the type does not fit, or fewer than two rows and one column are there.
    """
    stack = _as_stack(configurations, boundary_rows)
    parts = [_block(stack[start : start + _BLOCK], boundary_rows) for start in range(0, len(stack), _BLOCK)]
    return {name: np.concatenate([part[name] for part in parts] or [np.empty(0)]) for name in OBSERVABLES}


def closed_pores(configurations: np.ndarray, *, boundary_rows: bool = True) -> np.ndarray:
    """Return which sites are closed pores.

    Parameters
    ----------
    configurations, boundary_rows
        As for :func:`observables`.

    Returns
    -------
    numpy.ndarray
        bool, shape (N, rows, columns), with the two rows that were added where they were missing; the electrode row holds
        none.

    Raises
    ------
    ValueError
        As for :func:`observables`.
    """
    stack = _as_stack(configurations, boundary_rows)
    inorganic, organic = _sei(_with_rows(stack, boundary_rows))
    return _closed(inorganic | organic)


def _as_stack(configurations: np.ndarray, boundary_rows: bool) -> np.ndarray:
    stack = np.asarray(configurations)
    stack = stack[None] if stack.ndim == 2 else stack
    if stack.ndim != 3 or not np.issubdtype(stack.dtype, np.integer):
        raise ValueError(
            f"configurations of shape {stack.shape} and type {stack.dtype} are not integers of shape (N, rows, columns)."
        )
    if stack.shape[1] < (2 if boundary_rows else 1) or stack.shape[2] < 1:
        raise ValueError(f"configurations of shape {stack.shape} have too few rows or columns for a lattice.")
    return stack


def _with_rows(stack: np.ndarray, boundary_rows: bool) -> np.ndarray:
    if boundary_rows:
        return stack
    row = np.full((len(stack), 1, stack.shape[2]), ELECTRODE, dtype=stack.dtype)
    return np.concatenate([row, stack, np.full_like(row, BOUNDARY)], axis=1)


def _sei(stack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where inorganic and organic SEI is, without the electrode row."""
    inorganic, organic = stack == INORGANIC, stack == CLUSTER
    inorganic[:, 0] = organic[:, 0] = False
    return inorganic, organic


def _block(stack: np.ndarray, boundary_rows: bool) -> dict[str, np.ndarray]:
    inorganic, organic = _sei(_with_rows(stack, boundary_rows))
    sei = inorganic | organic
    count, rows, columns = sei.shape
    sites, inorganic_sites = sei.sum(axis=(1, 2)), inorganic.sum(axis=(1, 2))
    flux = sites / columns
    heights = _heights(sei)
    thickness, inorganic_thickness = (SITE_SIZE * part.mean(axis=1) for part in (heights, _heights(inorganic)))
    # The layer ends at its mean height: at or below the last row, since int(flux) < rows.
    depth = flux.astype(int) + 1
    below = sei.sum(axis=2).cumsum(axis=1)[np.arange(count), depth - 1]
    layer = np.maximum(heights.sum(axis=1), 1)
    return {
        "flux": flux,
        "in_flux": inorganic_sites / columns,
        "or_flux": (sites - inorganic_sites) / columns,
        "density": flux / rows,
        "thickness": thickness,
        "in_thickness": inorganic_thickness,
        "or_thickness": thickness - inorganic_thickness,
        "porosity": 1.0 - below / (depth * columns),
        "in_layer_porosity": np.where(sites > 0, 1.0 - sites / layer, 0.0),
        "closed_porosity": _closed(sei).sum(axis=(1, 2)) / layer,
    }


def _heights(mask: np.ndarray) -> np.ndarray:
    """Return the row number of the highest marked site of each column, (N, columns), 0 where there is none."""
    highest = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    return np.where(mask.any(axis=1), highest, 0)


def _closed(sei: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    free = ~sei
    # The electrode is no pore and no way around the layer.
    free[:, 0] = False
    # Neighbours within a lattice, none from one configuration to the next.
    cross = np.zeros((3, 3, 3), dtype=bool)
    cross[1] = ndimage.generate_binary_structure(2, 1)
    labels, count = ndimage.label(free, structure=cross)
    is_open = np.zeros(count + 1, dtype=bool)
    is_open[labels[:, -1]] = True
    return free & ~is_open[labels]
