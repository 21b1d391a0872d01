"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

# Read by OpenMP when torch loads: threads that spin while they wait stall the tests on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("BATTGEN_PROGRESS", "0")

# No deadline on machines that others use too, and the same examples on all of them.
settings.register_profile("battgen", deadline=None, derandomize=True, database=None)
settings.load_profile("battgen")

if TYPE_CHECKING:
    from kadi_battgen.electrodes.collection import ElectrodeCollection

#: Orientations per electrode in the tiny campaign.
TINY_ORIENTATIONS = 2


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference data beside the checkout; tests that compare with it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the reference data folder ../shared is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def one_thread() -> None:
    """Let torch compute on one thread: faster for tiny networks, and the same on every machine."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bundled() -> ElectrodeCollection:
    """Return the electrodes that ship with the package."""
    from kadi_battgen.electrodes.sources.bundled import bundled_electrodes

    return bundled_electrodes()


@pytest.fixture(scope="session")
def tiny_electrodes(bundled: ElectrodeCollection) -> ElectrodeCollection:
    """Four small electrodes of each of three working ions: enough that every part of a split holds some."""
    from kadi_battgen.electrodes.collection import ElectrodeCollection

    small = [electrode for electrode in bundled.electrodes if len(electrode.structure.species) <= 16]
    return ElectrodeCollection(tuple(small), bundled.metadata).select(("Li", "Na", "Mg"), limit=12)


@pytest.fixture(scope="session")
def tiny_campaign(tiny_electrodes: ElectrodeCollection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a real AFM campaign of 24 stacks of 32 x 32 pixels."""
    from kadi_battgen.afm.campaign import run_campaign
    from kadi_battgen.afm.settings import ScanSettings

    path = tmp_path_factory.mktemp("tiny") / "afm.h5"
    run_campaign(
        tiny_electrodes.electrodes,
        path,
        ScanSettings(pixels=32),
        orientations=TINY_ORIENTATIONS,
        pool=20,
        progress=False,
    )
    return path


@pytest.fixture(scope="session")
def tiny_dataset(tiny_campaign: Path) -> Path:
    """Path of the training data set of the tiny campaign."""
    from kadi_battgen.datasets import build_dataset

    path = tiny_campaign.with_name("dataset.h5")
    build_dataset(tiny_campaign, path, progress=False)
    return path
