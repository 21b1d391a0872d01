"""A correct electrode whose parts a test can change one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kadi_battgen.electrodes.composition import theoretical_gravimetric_capacity
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode


@pytest.fixture(scope="session")
def olivine() -> CrystalStructure:
    """LiFePO4 from the refinement behind ICSD 154117: 28 atoms, 3.6 g/cm3."""
    from pymatgen.core import Lattice, Structure

    sites = [
        ("Li", (0.0, 0.0, 0.0)),
        ("Fe", (0.2822, 0.25, 0.9747)),
        ("P", (0.0950, 0.25, 0.4179)),
        ("O", (0.0968, 0.25, 0.7428)),
        ("O", (0.4573, 0.25, 0.2060)),
        ("O", (0.1656, 0.0465, 0.2848)),
    ]
    lattice = Lattice.orthorhombic(10.332, 6.010, 4.692)
    return CrystalStructure.from_pymatgen(Structure.from_spacegroup("Pnma", lattice, *zip(*sites, strict=True)))


@pytest.fixture(scope="session")
def document(olivine: CrystalStructure) -> Callable[..., dict[str, Any]]:
    """Return a function that gives a correct LiFePO4 electrode as plain values, with changes by dotted name."""

    def make(**changes: Any) -> dict[str, Any]:
        capacity = theoretical_gravimetric_capacity("LiFePO4", "Li")
        values: dict[str, Any] = {
            "id": "olivine",
            "working_ion": "Li",
            "formula_charge": "FePO4",
            "formula_discharge": "LiFePO4",
            "properties": {
                "average_voltage": 3.45,
                "gravimetric_capacity": capacity,
                "volumetric_capacity": capacity * olivine.density,
                "gravimetric_energy": 3.45 * capacity,
                "volumetric_energy": 3.45 * capacity * olivine.density,
                "volume_change": 0.072,
            },
            "structure": olivine.model_dump(mode="json"),
            "source": "test",
            "source_id": "ICSD 154117",
            "method": "experiment",
        }
        for name, value in changes.items():
            target = values["properties"] if name in values["properties"] else values
            target[name] = value
        return values

    return make


@pytest.fixture(scope="session")
def electrode(document: Callable[..., dict[str, Any]]) -> Electrode:
    return Electrode.model_validate(document())
