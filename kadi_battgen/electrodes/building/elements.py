"""Energies of the elements by a potential, to refer formation energies to.

Each element is taken in its common crystal, gases as their molecules in a box.
"""

from __future__ import annotations

from typing import Any

from kadi_battgen.electrodes.building.candidates import crystal
from kadi_battgen.electrodes.building.relaxation import relax
from kadi_battgen.errors import UserError

#: Bond length in Angstrom of the elements that are taken as diatomic molecules.
_MOLECULES = {"H": 0.74, "N": 1.10, "O": 1.21, "F": 1.41, "Cl": 1.99, "Br": 2.28, "I": 2.67}

#: Edge of the box around a molecule, Angstrom.
_BOX = 10.0

#: Crystals that ase does not build: space group, lattice parameters (Angstrom, degrees), and sites. Helical chains for the
#: chalcogens, black phosphorus, and the alpha form of manganese (Wyckoff, Crystal Structures, volume 1, 1963).
_CRYSTALS: dict[str, tuple[str, tuple[float, ...], tuple[tuple[float, float, float], ...]]] = {
    "S": ("P3_121", (4.4, 4.4, 4.4, 90, 90, 120), ((0.225, 0, 1 / 3),)),
    "Se": ("P3_121", (4.37, 4.37, 4.95, 90, 90, 120), ((0.225, 0, 1 / 3),)),
    "Te": ("P3_121", (4.45, 4.45, 5.93, 90, 90, 120), ((0.269, 0, 1 / 3),)),
    "P": ("Cmce", (3.314, 10.478, 4.376, 90, 90, 90), ((0, 0.1017, 0.0806),)),
    "Mn": (
        "I-43m",
        (8.911, 8.911, 8.911, 90, 90, 90),
        ((0, 0, 0), (0.317, 0.317, 0.317), (0.356, 0.356, 0.042), (0.089, 0.089, 0.278)),
    ),
}

_STEPS = 200


class NoReferenceError(UserError):
    """An element whose crystal is not in the tables."""


def elemental_energy(symbol: str, model: str) -> float:
    """Return the energy of an element in eV/atom by one potential.

    Parameters
    ----------
    symbol
        The element.
    model
        Name of the potential.

    Raises
    ------
    NoReferenceError
        If there is no crystal to take.
    """
    description = _reference(symbol)
    if symbol in _MOLECULES:
        return _static_energy(description, model) / 2
    relaxed = relax(description, model, _STEPS, force_limit=0.03)
    return float(relaxed["energy"]) / len(relaxed["crystal"]["species"])


def _reference(symbol: str) -> dict[str, Any]:
    from ase import Atoms
    from ase.build import bulk

    if symbol in _MOLECULES:
        half = _MOLECULES[symbol] / 2
        positions = [[_BOX / 2 - half, _BOX / 2, _BOX / 2], [_BOX / 2 + half, _BOX / 2, _BOX / 2]]
        return crystal(Atoms([symbol] * 2, positions=positions, cell=[_BOX] * 3, pbc=True))
    if symbol in _CRYSTALS:
        from pymatgen.core import Lattice, Structure
        from pymatgen.io.ase import AseAtomsAdaptor

        group, lattice, sites = _CRYSTALS[symbol]
        whole = Structure.from_spacegroup(group, Lattice.from_parameters(*lattice), [symbol] * len(sites), sites)
        return crystal(AseAtomsAdaptor.get_atoms(whole.get_primitive_structure()))
    try:
        return crystal(bulk(symbol))
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        raise NoReferenceError(f"There is no reference crystal of {symbol} to take its energy from.") from error


def _static_energy(description: dict[str, Any], model: str) -> float:
    from kadi_battgen.electrodes.building.candidates import ase_atoms
    from kadi_battgen.electrodes.building.relaxation import calculator

    atoms = ase_atoms(description)
    atoms.calc = calculator(model)
    return float(atoms.get_potential_energy())
