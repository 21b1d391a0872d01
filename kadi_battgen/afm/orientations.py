"""Orientations of a sample under the tip: a Fibonacci sphere of directions, ranked by the depth profile."""

from __future__ import annotations

import numpy as np

from kadi_battgen.errors import UserError

_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))

#: Entropies closer than this count as equal, so that rounding errors never decide an order.
_ENTROPY_DECIMALS = 9


def fibonacci_rotations(count: int) -> np.ndarray:
    """Return rotations whose viewing directions lie on a Fibonacci spiral over the sphere.

    The construction is the tangent-space sampling of ppafm: the third row of each matrix is the viewing direction,
    the first two rows span its tangent plane, the first one parallel to the equator.

    Parameters
    ----------
    count
        Number of directions, at least 1.

    Returns
    -------
    numpy.ndarray
        Rotation matrices R, float64, shape (count, 3, 3); a position x of the sample is turned to ``R @ x``, and the
        direction ``R[2]`` of the sample then points along +z, towards the tip.

    Raises
    ------
    UserError
        If `count` is less than 1.
    """
    if count < 1:
        raise UserError(f"{count} orientations were asked for: give 1 or more.")
    index = np.arange(count)
    angle = _GOLDEN_ANGLE * index
    z = 1.0 - (2.0 * index + 1.0) / count
    radius = np.sqrt(1.0 - z * z)
    towards_tip = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
    first = np.stack([-np.sin(angle), np.cos(angle), np.zeros(count)], axis=1)
    return np.stack([first, np.cross(towards_tip, first), towards_tip], axis=1)


def depth_entropy(positions: np.ndarray, rotations: np.ndarray, beta: float = 1.0) -> np.ndarray:
    """Return the entropy of the depth profile that each orientation shows the tip.

    It is ``sum_i exp(beta (z_i - z_max))`` over the heights z of the atoms after the rotation: the effective number of
    atoms within reach of the tip. A flat face seen from above scores high, a single protruding atom close to 1.

    Parameters
    ----------
    positions
        Atom positions in Angstrom, shape (atoms, 3).
    rotations
        Rotation matrices, shape (count, 3, 3).
    beta
        Inverse depth in 1/Angstrom over which an atom drops out of sight.

    Returns
    -------
    numpy.ndarray
        float64, shape (count,), between 1 and the number of atoms.
    """
    heights = np.asarray(positions, dtype=float) @ np.asarray(rotations, dtype=float)[:, 2].T
    return np.exp(beta * (heights - heights.max(axis=0))).sum(axis=0)


def best_rotations(positions: np.ndarray, count: int, pool: int) -> np.ndarray:
    """Return the `count` rotations of highest depth entropy among a Fibonacci sphere of `pool` directions.

    The order is that of ppafm's ``sortRotationsByEntropy``: highest entropy first, equal entropies in the order of the
    spiral.

    Parameters
    ----------
    positions
        Atom positions in Angstrom, shape (atoms, 3).
    count
        Number of rotations kept.
    pool
        Number of directions on the sphere, at least `count`.

    Returns
    -------
    numpy.ndarray
        Rotation matrices, float64, shape (count, 3, 3), best first.

    Raises
    ------
    UserError
        If `pool` is smaller than `count` or either is less than 1.
    """
    if count < 1:
        raise UserError(f"{count} orientations were asked for: give 1 or more.")
    if pool < count:
        raise UserError(f"{count} orientations cannot be kept of a pool of {pool}: give a pool of {count} or more.")
    rotations = fibonacci_rotations(pool)
    entropy = np.round(depth_entropy(positions, rotations), _ENTROPY_DECIMALS)
    order = np.argsort(-entropy, kind="stable")
    return rotations[order[:count]]
