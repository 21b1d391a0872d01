"""What the tests of the applications of the SEI autoencoder share; they do not change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.applications.sei.response import BarrierResponse


@pytest.fixture(scope="session")
def conditional(tiny_prvae: Path) -> PrvaeModel:
    """Return a tiny autoencoder with regressor, barriers and prior."""
    return PrvaeModel(tiny_prvae)


@pytest.fixture(scope="session")
def plain(train_tiny_prvae, tmp_path_factory: pytest.TempPathFactory) -> PrvaeModel:
    """Return a tiny autoencoder without regressor and barriers."""
    folder = tmp_path_factory.mktemp("tiny-vae") / "vae"
    train_tiny_prvae(folder, variant="vae")
    return PrvaeModel(folder)


@pytest.fixture(scope="session")
def response(tiny_sei_dataset: Path, one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> BarrierResponse:
    """Return the response of the tiny data set to its barriers."""
    from kadi_battgen.training.sei.barrier_response import KIND, train_barrier_response

    folder = tmp_path_factory.mktemp("tiny-response")
    train_barrier_response(tiny_sei_dataset, folder / KIND, seed=1, progress=False)
    return BarrierResponse(folder)
