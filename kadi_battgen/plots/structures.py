"""Crystal structures as spheres, bonds and the edges of the cell."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kadi_battgen.plots.palette import INK, MUTED
from kadi_battgen.plots.style import NOTE_SIZE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kadi_battgen.electrodes.electrode import CrystalStructure

#: Atoms count as bonded up to this multiple of the sum of their covalent radii.
_BOND_TOLERANCE = 1.15

#: Each edge of the cell is repeated up to this length in Angstrom: a tiny cell is hard to read as a crystal.
_SMALLEST_EDGE = 5.0

#: Drawn radius of an atom as a share of its covalent radius.
_DRAWN_SHARE = 0.6

#: Covalent radius in Angstrom of elements that have none in the table.
_UNKNOWN_RADIUS = 1.6

#: Turns about the vertical and then about the horizontal axis of the page, in radians, from which edges hide little.
VIEW = (0.5, 0.35)


@dataclass(frozen=True)
class StructureDrawing:
    """What is drawn of a structure: its cell, a tiny one repeated.

    Attributes
    ----------
    symbols
        Element of each atom.
    positions
        Cartesian positions in Angstrom with the middle of the cell at the origin, (atoms, 3).
    bonds
        Pairs of atoms, positions in the list.
    corners
        Corners of the cell in Angstrom, (8, 3), numbered in binary: those that differ in one digit share an edge.
    edges
        Lengths of the three edges in Angstrom.
    radii
        Drawn radius of each element in Angstrom.
    colours
        Colour of each element as ``#RRGGBB``, those of VESTA.
    """

    symbols: tuple[str, ...]
    positions: np.ndarray
    bonds: np.ndarray
    corners: np.ndarray
    edges: np.ndarray
    radii: dict[str, float]
    colours: dict[str, str]


def structure_drawing(structure: CrystalStructure) -> StructureDrawing:
    """Return what is drawn of a structure.

    Bonds are drawn between different elements; radii are covalent ones (Cordero et al., Dalton Trans. 2832 (2008)).
    """
    from pymatgen.analysis.local_env import CovalentRadius
    from pymatgen.vis.structure_vtk import EL_COLORS

    lattice = np.array(structure.lattice)
    repeats = [int(np.ceil(_SMALLEST_EDGE / length - 1e-9)) for length in np.linalg.norm(lattice, axis=1)]
    fractions = np.array(structure.fractional_coordinates) % 1.0
    cells = list(itertools.product(*map(range, repeats)))
    cell = lattice * np.array(repeats)[:, None]
    middle = cell.sum(axis=0) / 2.0
    symbols = structure.species * len(cells)
    positions = np.concatenate([(fractions + np.array(shift)) @ lattice for shift in cells]) - middle
    reach = {symbol: float(CovalentRadius.radius.get(symbol, _UNKNOWN_RADIUS)) for symbol in dict.fromkeys(symbols)}
    radius = np.array([reach[symbol] for symbol in symbols])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    different = np.array(symbols)[:, None] != np.array(symbols)[None]
    bonded = different & (distances <= _BOND_TOLERANCE * (radius[:, None] + radius[None]))
    return StructureDrawing(
        symbols,
        positions,
        np.argwhere(np.triu(bonded, k=1)),
        np.array(list(itertools.product((0.0, 1.0), repeat=3))) @ cell - middle,
        np.linalg.norm(cell, axis=1),
        {symbol: _DRAWN_SHARE * value for symbol, value in reach.items()},
        {symbol: "#" + "".join(f"{int(part):02x}" for part in EL_COLORS["VESTA"][symbol]) for symbol in reach},
    )


def structure_figure(structure: CrystalStructure, working_ion: str, title: str = "") -> Figure:
    """Draw a structure, with its elements explained.

    Parameters
    ----------
    structure
        The crystal.
    working_ion
        Symbol of the working ion, which the legend names.
    title
        Title of the figure.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle

    drawing = structure_drawing(structure)
    rotation = _rotation(*VIEW)
    atoms, corners = drawing.positions @ rotation.T, drawing.corners @ rotation.T
    figure = new_figure(4.6, 3.4, title)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_aspect("equal")
    for first, digit in itertools.product(range(8), (1, 2, 4)):
        if not first & digit:
            pair = corners[[first, first | digit]]
            axes.plot(pair[:, 0], pair[:, 1], color=MUTED, linewidth=0.8, zorder=pair[:, 2].mean())
    for first, second in drawing.bonds:
        middle = (atoms[first] + atoms[second]) / 2
        for end in (first, second):
            pair = np.stack([atoms[end], middle])
            colour = drawing.colours[drawing.symbols[end]]
            axes.plot(pair[:, 0], pair[:, 1], color=colour, linewidth=2.5, zorder=pair[:, 2].mean())
    for symbol, (x, y, depth) in zip(drawing.symbols, atoms, strict=True):
        circle = Circle((x, y), drawing.radii[symbol], facecolor=drawing.colours[symbol], edgecolor=INK, zorder=depth)
        circle.set_linewidth(0.7)
        axes.add_patch(circle)
    axes.autoscale_view()
    marks = [
        Line2D([], [], marker="o", linestyle="", markeredgecolor=INK, color=colour, label=_named(symbol, working_ion))
        for symbol, colour in drawing.colours.items()
    ]
    axes.legend(handles=marks, frameon=False, fontsize=NOTE_SIZE, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _named(symbol: str, working_ion: str) -> str:
    return f"{symbol} (working ion)" if symbol == working_ion else symbol


def _rotation(about_vertical: float, about_horizontal: float) -> np.ndarray:
    """Return the rotation matrix of the two turns, the vertical one first."""
    c, s = np.cos(about_vertical), np.sin(about_vertical)
    first = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(about_horizontal), np.sin(about_horizontal)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ first
