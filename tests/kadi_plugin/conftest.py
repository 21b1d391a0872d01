"""One real file of each kind that has a preview, written by the library itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

#: What the trained model of the tests was trained with; enough for every part of a card.
CARD: dict[str, Any] = {
    "architecture": {"latent_channels": 4, "channels": [4, 4], "dense": [8], "dropout": 0.1},
    "normalisation": {"latent": {"mean": 0.1, "deviation": 1.2}},
    "dataset_sha256": "ab" * 32,
    "settings": {"loop": {"epochs": 3, "learning_rate": 1e-3}, "loss": "huber"},
    "best": {"epoch": 3.0, "validation_loss": 0.25},
    "preset": "tiny",
    "seed": 7,
    "device": "cpu",
    "a_field_of_later_versions": {"note": "kept"},
}


@pytest.fixture(scope="session")
def sei_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a real SEI campaign of 14 short runs on lattices of 16 x 16 sites."""
    from kadi_battgen.parallel import ClusterSettings
    from kadi_battgen.sei.campaign import run_campaign
    from kadi_battgen.sei.chemistry import SeiModel
    from kadi_battgen.sei.design import named_design

    path = tmp_path_factory.mktemp("sei") / "sei.h5"
    design = named_design("wide")
    model = SeiModel(width=16, height=16, max_events=2000, max_time=design.max_time)
    run_campaign(design.sample(14, 2), path, model, seed=2, design=design, cluster=ClusterSettings(1), progress=False)
    return path


@pytest.fixture(scope="session")
def sei_dataset(sei_campaign: Path) -> Path:
    """Path of the training data set of that campaign."""
    from kadi_battgen.datasets.sei import build_sei_dataset

    path = sei_campaign.with_name("sei_dataset.h5")
    build_sei_dataset([sei_campaign], path, progress=False)
    return path


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model: weights, card and metrics per epoch, written as trainings write them."""
    from torch import nn

    from kadi_battgen.training.checkpoints import save_model
    from kadi_battgen.training.loop import write_history

    folder = tmp_path_factory.mktemp("model") / "composition"
    save_model(folder, "composition", nn.Sequential(nn.Conv2d(4, 4, 3), nn.Linear(4, 8)), CARD, {})
    history = [
        {"epoch": float(epoch), "loss": 1 / epoch, "validation_loss": 0.75 / epoch, "validation_error": 0.5}
        for epoch in (1, 2, 3)
    ]
    write_history(folder / "metrics.csv", history)
    return folder


@pytest.fixture(scope="session")
def candidates_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a table of candidates: two with a target, in the columns of the writer and in some of later versions."""
    path = tmp_path_factory.mktemp("candidates") / "candidates.csv"
    path.write_text(
        "rank,formula,working_ion,charge_balanced,target_miss_fraction,theoretical_gravimetric_capacity_mAh_per_g,"
        "target_average_voltage_V,asked_average_voltage_V,predicted_average_voltage_V,predicted_average_voltage_V_low,"
        "predicted_average_voltage_V_high,target_gravimetric_capacity_mAh_per_g,nearest_known_id,nearest_known_formula,"
        "nearest_known_distance_fraction,nearest_known_average_voltage_V,colour_of_the_crystal,composition_vector\n"
        "1,LiFePO4,Li,True,0.0,169.9,3:4,3.5,3.45,3.2,3.7,150:,mp-1,LiFePO4,0.0,3.4,grey,1;0;4\n"
        "2,Li2O2,Li,True,0.2,1168.3,3:4,3.2,2.9,2.5,3.3,150:,mp-2,LiCoO2,0.4667,3.9,<b>white</b>,1;0;2\n"
        "10,MgO,,False,0.9,0.0,3:4,3.9,,,,150:,mp-3,MgMn2O4,0.1,2.9,white,\n"
    )
    return path


@pytest.fixture(scope="session")
def candidate_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of generated descriptors of two candidates."""
    import json

    import h5py

    from kadi_battgen.applications.screening.candidate_files import IMAGES_SCHEMA, IMAGES_SCHEMA_VERSION
    from kadi_battgen.hdf5 import FORMAT

    path = tmp_path_factory.mktemp("images") / "images.h5"
    with h5py.File(path, "w", libver=FORMAT) as file:
        file.attrs.update({"schema": IMAGES_SCHEMA, "schema_version": IMAGES_SCHEMA_VERSION})
        file.attrs["target"] = json.dumps({"average_voltage": "3:4 V"})
        file["descriptors"] = np.random.default_rng(0).uniform(size=(2, 6, 8, 8)).astype(np.float16)
        file.create_dataset("formulas", data=["LiFePO4", "MgO"], dtype=h5py.string_dtype())
    return path


@pytest.fixture(scope="session")
def files(
    tiny_campaign: Path, tiny_dataset: Path, candidate_images: Path, sei_campaign: Path, sei_dataset: Path
) -> dict[str, Path]:
    """Return the HDF5 files by kind."""
    return {
        "afm-campaign": tiny_campaign,
        "training-dataset": tiny_dataset,
        "candidate-images": candidate_images,
        "sei-campaign": sei_campaign,
        "sei-dataset": sei_dataset,
    }


@pytest.fixture
def page(files: dict[str, Path]) -> Callable[..., dict[str, Any]]:
    """Return a function that reads a page of the file of a kind, in a process of its own as on a server."""
    from kadi_battgen.kadi_plugin.hdf5.process import read_page

    def read(kind: str, start: int = 0, path: Path | None = None, **filters: str) -> dict[str, Any]:
        with open(path or files[kind], "rb") as stream:
            return read_page(stream, {"kind": kind, "start": start, "filters": filters})

    return read
