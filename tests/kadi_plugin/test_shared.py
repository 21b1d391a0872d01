"""What the plugin repeats, since a server cannot import it, is what the library says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from kadi_battgen.kadi_plugin import appearance, kinds
from kadi_battgen.kadi_plugin.candidate_table import property_column
from kadi_battgen.kadi_plugin.pictures import viridis


def test_schemas() -> None:
    from kadi_battgen.afm.store import SCHEMA as CAMPAIGN
    from kadi_battgen.applications.screening.candidate_files import IMAGES_SCHEMA, TABLE_SCHEMA
    from kadi_battgen.applications.translation import SCHEMA as TRANSLATION
    from kadi_battgen.datasets.sei import SCHEMA as SEI_DATASET
    from kadi_battgen.datasets.store import SCHEMA as DATASET
    from kadi_battgen.records.model import SCHEMA as RECORD
    from kadi_battgen.sei.store import SCHEMA as SEI_CAMPAIGN
    from kadi_battgen.training.checkpoints import SCHEMA as MODEL

    written = {CAMPAIGN, DATASET, IMAGES_SCHEMA, TRANSLATION, SEI_CAMPAIGN, SEI_DATASET}
    assert set(kinds.HDF5_KINDS) == written
    assert kinds.CARD.schema == MODEL
    assert kinds.CANDIDATES_JSON.schema == TABLE_SCHEMA
    assert kinds.RECORD_SCHEMA == RECORD


def test_species() -> None:
    from kadi_battgen.plots.sei import SPECIES_COLOURS
    from kadi_battgen.sei.chemistry import SPECIES

    assert {symbol: colour for symbol, (colour, _) in appearance.SPECIES.items()} == dict(SPECIES_COLOURS)
    assert list(appearance.SPECIES) == [entry.symbol for entry in SPECIES]
    assert all(appearance.SPECIES[entry.symbol][1].startswith(entry.name) for entry in SPECIES)


def test_observables_and_properties() -> None:
    from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
    from kadi_battgen.sei.observables import OBSERVABLES

    assert {name: (entry.label, entry.unit) for name, entry in OBSERVABLES.items()} == appearance.OBSERVABLES
    assert {
        name: (entry.label, entry.unit.replace("^3", "³")) for name, entry in FUNCTIONAL_PROPERTIES.items()
    } == appearance.PROPERTIES
    assert [property_column(name) for name in FUNCTIONAL_PROPERTIES] == [
        entry.column for entry in FUNCTIONAL_PROPERTIES.values()
    ]


def test_descriptors_and_type_map() -> None:
    from kadi_battgen.plots.images import GREY_DESCRIPTORS, TYPE_MAP, TYPE_MAP_CLASSES

    assert tuple(name for name, _ in appearance.DESCRIPTORS) == (*GREY_DESCRIPTORS, TYPE_MAP)
    assert appearance.TYPE_MAP_CLASSES == TYPE_MAP_CLASSES


def test_colours_of_images() -> None:
    truth = np.array(matplotlib.colormaps["viridis"].colors) * 255
    assert np.abs(viridis() - truth).max() <= 5.5


@pytest.mark.parametrize("environment", ["ours", "kadi"])
def test_the_reader_loads_nothing_else(environment: str, request: pytest.FixtureRequest) -> None:
    """It starts for every page; and a server has nothing else."""
    python = sys.executable if environment == "ours" else request.getfixturevalue("kadi_environment") / "bin" / "python"
    script = (
        "import sys; sys.path = [*sys.argv[1:], *sys.path]; import kadi_battgen.kadi_plugin.hdf5.worker; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    root = str(Path(kinds.__file__).resolve().parents[2])
    done = subprocess.run([python, "-c", script, root], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"h5py", "numpy"} <= loaded
    assert not loaded & {"torch", "pymatgen", "ppafm", "matplotlib", "flask", "kadi", "pydantic", "scipy", "PIL"}
