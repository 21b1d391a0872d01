"""Which numbers describe an SEI configuration: names, units and definitions, without anything that computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Observable:
    """A number that describes a configuration.

    Attributes
    ----------
    name
        Name in files and in Python.
    label
        Name on axes.
    unit
        Unit as on axes.
    definition
        How it is counted.
    """

    name: str
    label: str
    unit: str
    definition: str

    @property
    def column(self) -> str:
        """Name of its column in a table: name and unit."""
        return f"{self.name}_{self.unit}"

    @property
    def axis(self) -> str:
        """Label of an axis that shows it."""
        return f"{self.label} / {self.unit}"


_LAYER = "sum over the columns of the row number of the highest SEI site (electrode row 0), the layer's sites"

_TABLE = (
    Observable(
        "flux",
        "Volume fraction (flux)",
        "monolayers",
        "SEI sites over the number of columns; the volume fraction of the reference model",
    ),
    Observable("in_flux", "Inorganic volume fraction", "monolayers", "Li2CO3 sites over the number of columns"),
    Observable("or_flux", "Organic volume fraction", "monolayers", "organic cluster sites over the number of columns"),
    Observable("density", "Density", "fraction", "SEI sites over all sites, hence the flux over the number of rows"),
    Observable(
        "thickness",
        "Thickness",
        "nm",
        "mean over the columns of the row number of the highest SEI site (electrode row 0), 0 where a column has none",
    ),
    Observable("in_thickness", "Inorganic thickness", "nm", "the same of the Li2CO3 sites alone"),
    Observable("or_thickness", "Organic thickness", "nm", "thickness minus inorganic thickness"),
    Observable(
        "porosity",
        "Porosity",
        "fraction",
        "sites that are no SEI in the int(flux) + 1 rows from the electrode on, over all sites of these rows; the electrode "
        "row counts as empty, so that a perfect monolayer has 0.5 and a bare electrode 1",
    ),
    Observable(
        "in_layer_porosity",
        "In-layer porosity",
        "fraction",
        f"1 minus SEI sites over the {_LAYER}; 0 where there is no SEI, as for the first sites that form",
    ),
    Observable(
        "closed_porosity",
        "Closed porosity",
        "fraction",
        "sites above the electrode that are no SEI and that no path over such neighbouring sites (four neighbours) joins "
        f"with the absorbing row, over the {_LAYER}; 0 where there is no SEI, and never above the in-layer porosity",
    ),
)

#: All observables by name, in the order of tables.
OBSERVABLES: Final[Mapping[str, Observable]] = MappingProxyType({entry.name: entry for entry in _TABLE})

#: The four that the property regressor of the thesis predicts.
MAIN_OBSERVABLES: Final = ("flux", "density", "thickness", "porosity")
