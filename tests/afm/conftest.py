"""Two real electrodes and a quick scan."""

from __future__ import annotations

import pytest

from kadi_battgen.afm.settings import ScanSettings
from kadi_battgen.electrodes.composition import theoretical_gravimetric_capacity
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode

# Space group, lattice parameters, and the asymmetric unit, from the refinements behind ICSD 154117 and 51381.
CRYSTALS = {
    "LiFePO4": (
        ("Pnma", (10.332, 6.010, 4.692), (90.0, 90.0, 90.0)),
        {
            "Li": [(0.0, 0.0, 0.0)],
            "Fe": [(0.2822, 0.25, 0.9747)],
            "P": [(0.0950, 0.25, 0.4179)],
            "O": [(0.0968, 0.25, 0.7428), (0.4573, 0.25, 0.2060), (0.1656, 0.0465, 0.2848)],
        },
        ("FePO4", 3.45, 1.0, 0.072),
    ),
    "LiCoO2": (
        ("R-3m", (2.816, 2.816, 14.054), (90.0, 90.0, 120.0)),
        {"Li": [(0.0, 0.0, 0.5)], "Co": [(0.0, 0.0, 0.0)], "O": [(0.0, 0.0, 0.2395)]},
        ("CoO2", 3.90, 1.0, 0.03),
    ),
}


def make_electrode(formula: str, **changes: object) -> Electrode:
    from pymatgen.core import Lattice, Structure

    (group, lengths, angles), sites, (charged, voltage, ions, volume_change) = CRYSTALS[formula]
    species = [symbol for symbol, coordinates in sites.items() for _ in coordinates]
    coordinates = [c for group_of_sites in sites.values() for c in group_of_sites]
    crystal = Structure.from_spacegroup(group, Lattice.from_parameters(*lengths, *angles), species, coordinates)
    structure = CrystalStructure.from_pymatgen(crystal)
    capacity = theoretical_gravimetric_capacity(formula, "Li", ions)
    values = {
        "id": formula,
        "working_ion": "Li",
        "formula_charge": charged,
        "formula_discharge": formula,
        "properties": {
            "average_voltage": voltage,
            "gravimetric_capacity": capacity,
            "volumetric_capacity": capacity * structure.density,
            "gravimetric_energy": voltage * capacity,
            "volumetric_energy": voltage * capacity * structure.density,
            "volume_change": volume_change,
        },
        "structure": structure,
        "source": "test",
        "source_id": formula,
        "method": "experiment",
    }
    return Electrode.model_validate(values | changes)


@pytest.fixture(scope="session")
def lithium_iron_phosphate() -> Electrode:
    return make_electrode("LiFePO4")


@pytest.fixture(scope="session")
def lithium_cobalt_oxide() -> Electrode:
    return make_electrode("LiCoO2")


@pytest.fixture(scope="session")
def quick_scan() -> ScanSettings:
    """Return the default physics on fewer pixels."""
    return ScanSettings(pixels=64)
