"""What an electrode is, and where electrodes come from."""

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
