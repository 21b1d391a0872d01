"""From the text of a structure file to a crystal structure: a pure function of text and name, fit for any process."""

from __future__ import annotations

import re
import shlex
import warnings
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.electrode import CrystalStructure
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Most atoms in a cell: far beyond what fits under an AFM tip, and what a CIF reader still handles in seconds.
LARGEST_CELL = 2000

#: Most positions that the symmetry operations of a CIF may generate before equal ones are joined.
_MOST_POSITIONS = 100_000

#: Endings of structure files; POSCAR and CONTCAR have none.
STRUCTURE_ENDINGS = (".cif", ".vasp", ".poscar", ".contcar", ".xyz", ".extxyz")

_EXTENDED_XYZ = re.compile(r"\s*\d+\s*\n[^\n]*\bLattice\s*=", re.IGNORECASE)


def parse_structure(text: str, name: str) -> CrystalStructure:
    """Return the crystal structure that a text describes.

    Parameters
    ----------
    text
        A CIF, a POSCAR or an extended XYZ with a periodic cell. Its ending tells which one where it has one of
        ``STRUCTURE_ENDINGS``, else the content.
    name
        File name, for the format and for errors.

    Raises
    ------
    UserError
        If the text does not parse, holds several structures, has partially occupied sites or more than
        ``LARGEST_CELL`` atoms, or its cell is no crystal.
    """
    readers = {"cif": _from_cif, "poscar": _from_poscar, "xyz": _from_extended_xyz}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structure = readers[structure_format(text, name)](text)
        if len(structure) > LARGEST_CELL:
            raise UserError(f"the cell has {len(structure)} atoms, {LARGEST_CELL} are read: give the primitive cell.")
        crystal = CrystalStructure.from_pymatgen(structure)
        unknown = sorted(set(crystal.species) - ELEMENT_INDEX.keys())
        if unknown:
            raise UserError(f"the structure holds {', '.join(unknown)}, no element: mend its symbols")
        return crystal
    except (UserError, ValidationError) as error:
        raise UserError(f"{name}: {describe_validation(error)}.") from error
    except RecursionError as error:
        raise UserError(f"{name} does not parse as a crystal structure: it is nested too deeply.") from error
    except Exception as error:
        # The readers fail in many ways on what is no crystal structure.
        raise UserError(
            f"{name} does not parse as a crystal structure: check that it is a valid CIF, POSCAR or extended XYZ."
        ) from error


def structure_format(text: str, name: str) -> str:
    """Return ``cif``, ``poscar`` or ``xyz``, by the ending of the name or else by the content."""
    ending = PurePosixPath(name.lower().removesuffix(".gz")).suffix
    if ending in (".xyz", ".extxyz"):
        return "xyz"
    if ending == ".cif":
        return "cif"
    if ending in STRUCTURE_ENDINGS:
        return "poscar"
    if re.search(r"^\s*(data_|loop_|_cell_)", text, re.MULTILINE | re.IGNORECASE):
        return "cif"
    return "xyz" if _EXTENDED_XYZ.match(text) else "poscar"


def _from_cif(text: str) -> Structure:
    from pymatgen.io.cif import CifParser

    parser = CifParser.from_str(text, check_cif=False)
    blocks = [block.data for block in parser._cif.data.values() if "_atom_site_fract_x" in block.data]
    if len(blocks) > 1:
        raise UserError(f"the file holds {len(blocks)} structures: keep one of them")
    # Joining equal positions takes the square of their number: what is too large is refused before.
    atoms = sum(len(block["_atom_site_fract_x"]) for block in blocks if isinstance(block["_atom_site_fract_x"], list))
    operations = [
        len(value)
        for block in blocks
        for key, value in block.items()
        if isinstance(value, list) and key.endswith(("_as_xyz", "operation_xyz"))
    ]
    if atoms > LARGEST_CELL or atoms * max(operations, default=1) > _MOST_POSITIONS:
        raise UserError(f"the file lists {atoms} atoms, {LARGEST_CELL} are read: give the primitive cell")
    return parser.parse_structures(primitive=False)[0]


def _from_poscar(text: str) -> Structure:
    from pymatgen.io.vasp import Poscar

    lines = text.splitlines()
    counts = [line.split() for line in lines[5:7] if re.fullmatch(r"\s*\d+(\s+\d+)*\s*", line)]
    if counts and sum(map(int, counts[0])) > LARGEST_CELL:
        raise UserError(
            f"the file lists {sum(map(int, counts[0]))} atoms, {LARGEST_CELL} are read: give the primitive cell"
        )
    poscar = Poscar.from_str(text)
    if not poscar.true_names:
        raise UserError("the file names no elements: add the line with their symbols above the numbers of atoms")
    return poscar.structure


def _from_extended_xyz(text: str) -> Structure:
    """Read the one frame of an extended XYZ; lines after an empty line are no part of it."""
    from pymatgen.core import Lattice, Structure

    lines = text.splitlines()
    count = int(lines[0])
    if count > LARGEST_CELL:
        raise UserError(f"the file lists {count} atoms, {LARGEST_CELL} are read: give the primitive cell")
    facts = {
        key.lower(): value
        for key, equals, value in (word.partition("=") for word in shlex.split(lines[1].replace("\\", " ")))
        if equals
    }
    if "lattice" not in facts or set(facts.get("pbc", "T T T").upper().split()) - {"T", "TRUE", "1"}:
        raise UserError('the structure is not periodic: give Lattice="..." and pbc="T T T" in the second line')
    if len(lines) < count + 2 or (len(lines) > count + 2 and lines[count + 2].strip()):
        raise UserError(f"the file does not hold one structure of {count} atoms: keep a single frame")
    columns = _xyz_columns(facts.get("properties", "species:S:1:pos:R:3"))
    rows = [line.split() for line in lines[2 : count + 2]]
    symbols = [row[columns["species"]] for row in rows]
    positions = [[float(value) for value in row[columns["pos"] : columns["pos"] + 3]] for row in rows]
    cell = [float(value) for value in facts["lattice"].split()]
    lattice = Lattice([cell[0:3], cell[3:6], cell[6:9]])
    return Structure(lattice, symbols, positions, coords_are_cartesian=True)


def _xyz_columns(properties: str) -> dict[str, int]:
    """Return the first column of each property of an extended XYZ."""
    parts = properties.split(":")
    columns, start = {}, 0
    for name, width in zip(parts[0::3], parts[2::3], strict=True):
        columns[name.lower()] = start
        start += int(width)
    return columns
