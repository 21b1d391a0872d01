"""From a crystal structure to the cluster of atoms under the tip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENTS
from kadi_battgen.electrodes.oxidation_states import formal_charges
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.electrodes.electrode import CrystalStructure

#: Gaps between fractional coordinates that differ by less than this are the same gap.
_FRACTIONAL_TOLERANCE = 1e-4


class SampleTooLargeError(UserError):
    """A cluster that does not fit into the scan window in every orientation."""


@dataclass(frozen=True)
class Cluster:
    """The atoms of one unit cell, isolated from their periodic images.

    Attributes
    ----------
    positions
        Cartesian coordinates in Angstrom, float64, shape (atoms, 3), their mean at the origin.
    numbers
        Atomic numbers, int32, shape (atoms,).
    charges
        Charges in e, float64, shape (atoms,); None for neutral atoms.
    """

    positions: np.ndarray
    numbers: np.ndarray
    charges: np.ndarray | None = None

    @property
    def diameter(self) -> float:
        """Largest distance between two atom centres in Angstrom; no orientation is wider than this."""
        differences = self.positions[:, None] - self.positions[None]
        return float(np.sqrt((differences**2).sum(axis=-1).max()))


def cluster_from_structure(structure: CrystalStructure, *, charged: bool = False) -> Cluster:
    """Cut the unit cell of a crystal out as a compact cluster.

    The same crystal can be written in many cells. The lattice vectors are first exchanged for the shortest ones, then
    along each of them the cell is cut at its widest empty gap, so that no atom is separated from the others by an
    arbitrary cell boundary.

    Parameters
    ----------
    structure
        Lattice vectors as rows in Angstrom, species and fractional coordinates.
    charged
        Whether the atoms are to carry the charges of their oxidation states; they stay neutral where none balance.

    Returns
    -------
    Cluster
        With one atom per site of the structure, in the same order.

    Raises
    ------
    UserError
        If a species is not an element up to Z = 112.
    """
    lattice = np.array(structure.lattice, dtype=float)
    cartesian = np.array(structure.fractional_coordinates, dtype=float) @ lattice
    short = shortest_lattice(lattice)
    fractional = cartesian @ np.linalg.inv(short)
    for axis in range(3):
        fractional[:, axis] = _cut_at_widest_gap(fractional[:, axis])
    positions = fractional @ short
    charges = formal_charges(structure.species) if charged else None
    return Cluster(positions - positions.mean(axis=0), atomic_numbers(structure.species), charges)


def atomic_numbers(species: tuple[str, ...] | list[str]) -> np.ndarray:
    """Return the atomic numbers of element symbols, int32.

    Raises
    ------
    UserError
        If a symbol is not an element up to Z = 112.
    """
    unknown = sorted(set(species) - set(ELEMENTS))
    if unknown:
        raise UserError(f"Species {unknown[0]!r} is not an element up to Z = {len(ELEMENTS)}: correct the symbol.")
    return np.array([ELEMENTS.index(symbol) + 1 for symbol in species], dtype=np.int32)


def shortest_lattice(lattice: np.ndarray) -> np.ndarray:
    """Return three of the shortest vectors that span a lattice (Minkowski reduction).

    Parameters
    ----------
    lattice
        Lattice vectors as rows in Angstrom, shape (3, 3).

    Returns
    -------
    numpy.ndarray
        Lattice vectors as rows, shape (3, 3), shortest first, spanning the same lattice; the first component of each
        that is not zero is positive.
    """
    vectors = np.array(lattice, dtype=float)
    combinations = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
    improved = True
    while improved:
        vectors = vectors[np.argsort((vectors**2).sum(axis=1), kind="stable")]
        improved = False
        for longest, others in ((2, (0, 1)), (1, (0, 2)), (0, (1, 2))):
            for a, b in combinations:
                candidate = vectors[longest] + a * vectors[others[0]] + b * vectors[others[1]]
                if candidate @ candidate < vectors[longest] @ vectors[longest] - 1e-6:
                    vectors[longest] = candidate
                    improved = True
    # Of a vector and its opposite keep the one whose first component that is not zero is positive.
    for row in vectors:
        leading = row[np.abs(row) > 1e-6][0]
        row *= np.sign(leading)
    return vectors


def _cut_at_widest_gap(fractional: np.ndarray) -> np.ndarray:
    wrapped = np.round(fractional % 1.0, 6) % 1.0
    ordered = np.sort(wrapped)
    gaps = np.diff(np.append(ordered, ordered[0] + 1.0))
    widest = np.flatnonzero(gaps > gaps.max() - _FRACTIONAL_TOLERANCE)[-1]
    start = ordered[(widest + 1) % len(ordered)]
    # The small offset keeps an atom that sits exactly at the start from wrapping to the far side.
    return (wrapped - start + 1e-6) % 1.0 - 1e-6


def require_fit(cluster: Cluster, window: float, margin: float, name: str) -> None:
    """Check that a cluster fits into the scan window in every orientation.

    Parameters
    ----------
    cluster
        The atoms.
    window
        Edge of the square scan window in Angstrom.
    margin
        Room between the outermost atom centre and the edge in Angstrom.
    name
        Identifier of the electrode for the message.

    Raises
    ------
    SampleTooLargeError
        If the diameter and twice the margin exceed the window.
    """
    needed = cluster.diameter + 2.0 * margin
    if needed > window:
        wide = int(np.ceil(needed))
        raise SampleTooLargeError(
            f"Electrode {name} is larger than the scan window: its {len(cluster.numbers)} atoms span "
            f"{cluster.diameter:.1f} A and need {needed:.1f} A with a margin of {margin:g} A on each side, but the "
            f"window is {window:g} A wide: set the window to {wide} A, or skip structures that are too large."
        )


def under_the_tip(positions: np.ndarray, contact_radii: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Turn a cluster and move it under the tip.

    Parameters
    ----------
    positions
        Atom positions in Angstrom, shape (atoms, 3).
    contact_radii
        Distance of the Lennard-Jones minimum between the probe particle and each atom in Angstrom, shape (atoms,).
    rotation
        Rotation matrix, shape (3, 3).

    Returns
    -------
    numpy.ndarray
        float64, shape (atoms, 3). In x and y the bounding box of the atom centres is centred on the origin; z = 0 is
        the contact plane, which the probe particle touches first: ``max_i(z_i + contact_radius_i) = 0``.
    """
    turned = np.asarray(positions, dtype=float) @ np.asarray(rotation, dtype=float).T
    low, high = turned.min(axis=0), turned.max(axis=0)
    contact = (turned[:, 2] + contact_radii).max()
    return turned - np.array([(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0, contact])
