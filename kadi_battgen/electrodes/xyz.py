"""Crystal structures as extended XYZ, in the one flavour that Kadi4Mat's 3D preview shows too.

That preview draws a small black point for every line that has three or six columns and starts with coordinates, looks at
the origin, and skips all other lines, so also the usual ones with the symbol in front. Extended XYZ names its columns, and
readers of it such as ASE end at an empty line. So the atoms come first, six columns each, and after an empty line points
that draw them as spheres and rings, with the edges of the cell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENT_INDEX
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode

#: Position in Angstrom, symbol, atomic number, and 1 for an atom of the working ion, else 0: six columns.
COLUMNS = "pos:R:3:species:S:1:Z:I:1:working_ion:I:1"

#: Distance of the points of a drawing, somewhat less than the size of a point in the preview.
_SPACING = 0.09

_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


def electrode_xyz(electrode: Electrode, smallest_edge: float = 5.0) -> str:
    """Return the discharge structure of an electrode as extended XYZ.

    Parameters
    ----------
    electrode
        The electrode.
    smallest_edge
        Length in Angstrom that each edge of the cell is repeated to: a tiny cell is hard to read as a crystal.

    Returns
    -------
    str
        The file's text; coordinates in Angstrom, with the middle of the cell at the origin.
    """
    facts = {
        "id": electrode.id,
        "formula": electrode.formula_discharge,
        "working_ion_symbol": electrode.working_ion,
        "source": f"{electrode.source} {electrode.source_id}",
    }
    return structure_xyz(electrode.structure, electrode.working_ion, facts, smallest_edge)


def structure_xyz(
    structure: CrystalStructure, working_ion: str, facts: Mapping[str, str], smallest_edge: float = 5.0
) -> str:
    """Return a structure as extended XYZ.

    Parameters
    ----------
    structure
        The structure.
    working_ion
        Symbol of the element whose atoms are marked; they are drawn as full spheres, all others as rings.
    facts
        What else the comment line tells, by name.
    smallest_edge
        Length in Angstrom that each edge of the cell is repeated to.
    """
    lattice = np.array(structure.lattice)
    repeats = [max(1, math.ceil(smallest_edge / length - 1e-9)) for length in np.linalg.norm(lattice, axis=1)]
    cell = lattice * np.array(repeats)[:, None]
    shifts = np.array(list(itertools.product(*(range(count) for count in repeats))), dtype=float)
    fractional = np.array(structure.fractional_coordinates) % 1.0
    positions = (fractional[None] + shifts[:, None]).reshape(-1, 3) @ lattice - cell.sum(axis=0) / 2
    symbols = structure.species * len(shifts)
    comment = {
        "Lattice": " ".join(f"{value:.6f}" for value in cell.ravel()),
        "pbc": "T T T",
        **facts,
        "note": "the points after the empty line only draw the atoms and the cell",
    }
    lines = [str(len(symbols)), f"Properties={COLUMNS} {' '.join(f'{k}={_quoted(v)}' for k, v in comment.items())}"]
    # Adding zero makes a negative zero an ordinary one.
    for (x, y, z), symbol in zip(np.round(positions, 6) + 0.0, symbols, strict=True):
        marked = int(symbol == working_ion)
        lines.append(f"{x:12.6f} {y:12.6f} {z:12.6f} {symbol:2s} {ELEMENT_INDEX[symbol] + 1:3d} {marked}")
    lines.append("")
    for x, y, z in np.round(np.concatenate([*_atoms(positions, symbols, working_ion), _edges(cell)]), 3) + 0.0:
        lines.append(f"{x:.3f} {y:.3f} {z:.3f}")
    return "\n".join(lines) + "\n"


def _atoms(positions: np.ndarray, symbols: tuple[str, ...], working_ion: str) -> list[np.ndarray]:
    """Return points around each atom: a sphere for the working ion, else three rings, larger for heavier elements."""
    drawn = []
    for position, symbol in zip(positions, symbols, strict=True):
        radius = 0.17 * (ELEMENT_INDEX[symbol] + 1) ** (1 / 3)
        shape = _sphere(max(radius, 0.35)) if symbol == working_ion else _rings(radius)
        drawn.append(position + shape)
    return drawn


def _sphere(radius: float) -> np.ndarray:
    """Return points that are spread evenly over a sphere."""
    count = math.ceil(4.0 * math.pi * (radius / _SPACING) ** 2)
    heights = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    angles = _GOLDEN_ANGLE * np.arange(count)
    across = np.sqrt(1.0 - heights**2)
    return radius * np.column_stack([across * np.cos(angles), across * np.sin(angles), heights])


def _rings(radius: float) -> np.ndarray:
    """Return points on three rings around the axes."""
    angles = np.linspace(0.0, 2.0 * math.pi, math.ceil(2.0 * math.pi * radius / _SPACING), endpoint=False)
    ring = radius * np.column_stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)])
    return np.concatenate([np.roll(ring, shift, axis=1) for shift in range(3)])


def _edges(cell: np.ndarray) -> np.ndarray:
    """Return points on the twelve edges of a cell around the origin."""
    drawn = []
    for axis in range(3):
        others = [cell[other] for other in range(3) if other != axis]
        steps = np.linspace(0.0, 1.0, math.ceil(float(np.linalg.norm(cell[axis])) / (2.0 * _SPACING)) + 1)
        for first, second in itertools.product((0, 1), repeat=2):
            drawn.append(first * others[0] + second * others[1] + steps[:, None] * cell[axis])
    return np.concatenate(drawn) - cell.sum(axis=0) / 2


def _quoted(text: str) -> str:
    plain = " ".join(text.replace("\\", " ").replace('"', "'").split())
    return f'"{plain}"'
