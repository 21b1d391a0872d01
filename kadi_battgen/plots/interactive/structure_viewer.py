"""A crystal structure to turn around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from kadi_battgen.electrodes.electrode import CrystalStructure
from kadi_battgen.plots.interactive.widget import Widget
from kadi_battgen.plots.report import ReportFigure
from kadi_battgen.plots.structures import VIEW, structure_drawing, structure_figure
from kadi_battgen.plots.style import formula_label


@dataclass(frozen=True)
class StructureViewer(Widget):
    """One unit cell (a tiny one repeated) with its atoms, bonds and edges.

    Attributes
    ----------
    structure
        The crystal.
    working_ion
        Symbol of the working ion.
    """

    script: ClassVar[str] = "structure_viewer"

    structure: CrystalStructure
    working_ion: str

    @classmethod
    def of(cls, structure: CrystalStructure, working_ion: str, formula: str) -> StructureViewer:
        """Return the viewer of a structure, with its still figure."""
        label = formula_label(formula)
        still = ReportFigure(structure_figure(structure, working_ion), f"Unit cell of {label}, atoms as spheres.")
        return cls(f"Structure of {label}", still, structure, working_ion)

    def data(self) -> dict[str, Any]:
        """Return atoms and bonds in Angstrom around the middle of the cell, and colours of the elements."""
        drawing = structure_drawing(self.structure)
        elements = list(drawing.radii)
        return {
            "elements": [
                {
                    "symbol": symbol,
                    "colour": drawing.colours[symbol],
                    "radius": round(drawing.radii[symbol], 3),
                    "count": drawing.symbols.count(symbol),
                    "working_ion": symbol == self.working_ion,
                }
                for symbol in elements
            ],
            "atoms": [
                [elements.index(symbol), *np.round(position, 3).tolist()]
                for symbol, position in zip(drawing.symbols, drawing.positions, strict=True)
            ],
            "bonds": drawing.bonds.tolist(),
            "corners": np.round(drawing.corners, 3).tolist(),
            "cell": np.round(drawing.edges, 2).tolist(),
            "view": list(VIEW),
        }
