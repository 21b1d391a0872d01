"""Colours, names and units as the figures have them, which cannot be imported on a server; a test compares them."""

from __future__ import annotations

from typing import Final

#: Colour and name of each species of an SEI lattice, by symbol, in the order of the codes.
SPECIES: Final = {
    "S": ("#FFFFFF", "solvent"),
    "E": ("#1A1A1A", "electrode"),
    "A": ("#BDBDBD", "absorbing boundary"),
    "P": ("#2CA02C", "open-ring radical salt (C₂H₄OCOOLi)"),
    "F": ("#D7261E", "lithium carbonate (Li₂CO₃)"),
    "O": ("#F5A623", "lithium ethylene dicarbonate (Li₂EDC)"),
    "OO": ("#2F6DD0", "two bonded lithium ethylene dicarbonates ((Li₂EDC)₂)"),
    "C": ("#8E44AD", "organic cluster"),
}
#: Species that later versions may add.
UNKNOWN_SPECIES: Final = "#FF00FF"

#: Label and unit of each functional property of an electrode, by name.
PROPERTIES: Final = {
    "average_voltage": ("Average voltage", "V"),
    "gravimetric_capacity": ("Gravimetric capacity", "mAh/g"),
    "volumetric_capacity": ("Volumetric capacity", "mAh/cm³"),
    "gravimetric_energy": ("Gravimetric energy", "Wh/kg"),
    "volumetric_energy": ("Volumetric energy", "Wh/L"),
    "volume_change": ("Volume change", "fraction"),
}

#: Label and unit of each observable of an SEI configuration, by name, in the order of tables.
OBSERVABLES: Final = {
    "flux": ("Volume fraction (flux)", "monolayers"),
    "in_flux": ("Inorganic volume fraction", "monolayers"),
    "or_flux": ("Organic volume fraction", "monolayers"),
    "density": ("Density", "fraction"),
    "thickness": ("Thickness", "nm"),
    "in_thickness": ("Inorganic thickness", "nm"),
    "or_thickness": ("Organic thickness", "nm"),
    "porosity": ("Porosity", "fraction"),
    "in_layer_porosity": ("In-layer porosity", "fraction"),
    "closed_porosity": ("Closed porosity", "fraction"),
}

#: The descriptors: name and channels of each; three channels are red, green and blue.
DESCRIPTORS: Final = (
    ("Height map", (0,)),
    ("Van der Waals spheres", (1,)),
    ("Atomic disks", (2,)),
    ("Type map", (3, 4, 5)),
)
#: What the colours of the type map stand for.
TYPE_MAP_CLASSES: Final = (
    ("#0000FF", "working ion"),
    ("#00B400", "H, N, O, F, Cl, noble gas"),
    ("#FF0000", "other element"),
)

#: Every fifteenth colour of viridis, between which is interpolated; within 5 of 255 of the 256 colours themselves.
VIRIDIS: Final = (
    "440154", "481769", "472a7a", "433d84", "3d4e8a", "355e8d", "2e6d8e", "297b8e", "23898e",
    "1f978b", "21a585", "2eb37c", "46c06f", "65cb5e", "89d548", "b0dd2f", "d8e219", "fde725",
)  # fmt: skip
