"""What is handed to the potentials: a discharged crystal and the ions that leave it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """An electrode whose energies are still to be computed.

    Attributes
    ----------
    key
        Unique name, used to resume a build.
    kind
        ``pair`` (both ends are crystals of the database), ``host`` (the discharged end is) or ``prototype``.
    working_ion
        Symbol of the working ion.
    framework
        Prototype or framework, in words.
    source_id
        Names of the database entries, or of the prototype.
    discharge
        Discharged cell: ``lattice`` (3x3 rows, Angstrom), ``species``, ``fractional_coordinates`` (N, 3).
    removed
        Sites of the discharged cell that are empty when charged (kinds ``host`` and ``prototype``).
    charge
        Charged cell of a ``pair``.
    dft_voltage
        Average voltage from the database's DFT energies, V (kind ``pair``).
    dft_energy
        DFT energy of the discharged crystal, eV/atom (kind ``pair``).
    """

    key: str
    kind: str
    working_ion: str
    framework: str
    source_id: str
    discharge: dict[str, Any]
    removed: tuple[int, ...] = ()
    charge: dict[str, Any] | None = None
    dft_voltage: float | None = None
    dft_energy: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return asdict(self)


def crystal(atoms: Any) -> dict[str, Any]:
    """Describe ``ase.Atoms`` as ``lattice``, ``species`` and ``fractional_coordinates`` (Angstrom, plain lists)."""
    return {
        "lattice": [[float(x) for x in row] for row in atoms.cell],
        "species": [str(s) for s in atoms.symbols],
        "fractional_coordinates": [[float(x) % 1.0 for x in row] for row in atoms.get_scaled_positions()],
    }


def ase_atoms(description: dict[str, Any]) -> Any:
    """Return the ``ase.Atoms`` of a crystal that `crystal` described."""
    from ase import Atoms

    return Atoms(
        symbols=description["species"],
        cell=description["lattice"],
        scaled_positions=description["fractional_coordinates"],
        pbc=True,
    )


def without(description: dict[str, Any], removed: tuple[int, ...] | list[int]) -> dict[str, Any]:
    """Return the crystal without the sites in `removed`."""
    gone = set(removed)
    kept = [i for i in range(len(description["species"])) if i not in gone]
    return {
        "lattice": description["lattice"],
        "species": [description["species"][i] for i in kept],
        "fractional_coordinates": [description["fractional_coordinates"][i] for i in kept],
    }


def element_counts(description: dict[str, Any]) -> dict[str, int]:
    """Count the elements of a crystal."""
    return dict(Counter(description["species"]))


def sites_to_empty(description: dict[str, Any], working_ion: str, number: int) -> tuple[int, ...]:
    """Choose which ion sites are empty in the charged cell.

    All of them where `number` is their count. Otherwise the sites are emptied one after the other so that the remaining
    ions stay as far from each other as they can: each time the ion with the largest sum of 1/d over its periodic
    neighbours goes, which is the point-charge repulsion among the ions and needs no parameter.

    Parameters
    ----------
    description
        Discharged crystal.
    working_ion
        Symbol of the ion.
    number
        How many leave.
    """
    import numpy as np

    sites = [i for i, s in enumerate(description["species"]) if s == working_ion]
    if number >= len(sites):
        return tuple(sites)
    atoms = ase_atoms(description)
    removed: list[int] = []
    while len(removed) < number:
        left = [i for i in sites if i not in removed]
        distances = np.array([[atoms.get_distance(i, j, mic=True) if i != j else np.inf for j in left] for i in left])
        repulsion = (1.0 / distances).sum(axis=1).round(6)
        removed.append(left[int(np.argmax(repulsion))])
    return tuple(sorted(removed))
