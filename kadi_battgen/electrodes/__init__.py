"""What an electrode is, and where electrodes come from.

The names below are loaded when first used: the nodes ask for property names alone, and NumPy takes its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kadi_battgen.lazy import lazy_names

if TYPE_CHECKING:
    from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes, write_electrodes
    from kadi_battgen.electrodes.composition import (
        COMPOSITION_LENGTH,
        ELEMENTS,
        composition_vector,
        formula_from_vector,
        theoretical_gravimetric_capacity,
    )
    from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode, FunctionalPropertyValues
    from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS

__all__ = [
    "COMPOSITION_LENGTH",
    "ELEMENTS",
    "FUNCTIONAL_PROPERTIES",
    "WORKING_IONS",
    "CrystalStructure",
    "Electrode",
    "ElectrodeCollection",
    "FunctionalPropertyValues",
    "composition_vector",
    "formula_from_vector",
    "read_electrodes",
    "theoretical_gravimetric_capacity",
    "write_electrodes",
]

__getattr__ = lazy_names(
    __name__,
    {
        "COMPOSITION_LENGTH": "composition",
        "ELEMENTS": "composition",
        "FUNCTIONAL_PROPERTIES": "properties",
        "WORKING_IONS": "properties",
        "CrystalStructure": "electrode",
        "Electrode": "electrode",
        "ElectrodeCollection": "collection",
        "FunctionalPropertyValues": "electrode",
        "composition_vector": "composition",
        "formula_from_vector": "composition",
        "read_electrodes": "collection",
        "theoretical_gravimetric_capacity": "composition",
        "write_electrodes": "collection",
    },
)
