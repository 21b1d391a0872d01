from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kadi_battgen.applications import sensitivity
from kadi_battgen.applications.screening.generated import Generated
from kadi_battgen.applications.screening.model import ScreeningModel
from kadi_battgen.datasets.store import TrainingDataset
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.errors import UserError

#: Root-mean-square change of the descriptors per unit of each normalised property, and of each pair of different ions.
SLOPES = {name: 0.1 * (place + 1) for place, name in enumerate(FUNCTIONAL_PROPERTIES)}
BETWEEN_IONS = 0.023


class LinearModel(ScreeningModel):
    """What it generates is a known linear function of the conditions, plus noise that depends on the seed alone."""

    def __init__(self, dataset: TrainingDataset, ions: Iterable[str], bend: float = 0.0) -> None:
        self.conditions_scaling = dataset.conditions_scaling
        self.training_ranges = dict.fromkeys(ions)
        self.bend = bend

    def generate(
        self, properties: np.ndarray, working_ions: np.ndarray, seeds: Iterable[int], **options: Any
    ) -> Generated:
        scaled = self.conditions_scaling.transform(properties)
        scaled = scaled + self.bend * np.maximum(scaled - scaled[0], 0)
        # Each property has a channel of its own; a uniform change of one of six channels has the RMS change / sqrt(6).
        images = np.stack([np.random.default_rng(seed).normal(size=(6, 4, 4)) for seed in seeds])
        images += (scaled * list(SLOPES.values()) * np.sqrt(6))[:, :, None, None]
        for row, ion in enumerate(working_ions):
            images[row].flat[ion] += BETWEEN_IONS * np.sqrt(images[row].size / 2)
        counts = np.zeros((len(properties), 112))
        counts[:, 7] = 1.0
        counts[np.arange(len(properties)), working_ions + 20] = 1.0
        none = np.zeros(len(counts), dtype=np.int64)
        return Generated(counts, working_ions, none, None, images, np.zeros((len(counts), 1)))


@pytest.fixture
def ions(tiny_dataset: Path) -> set[str]:
    with TrainingDataset.open(tiny_dataset) as dataset:
        return {electrode.working_ion for electrode in dataset.electrodes}


@pytest.mark.parametrize(("perturbation", "seeds"), [(0.05, 1), (0.05, 3), (0.2, 2)])
def test_a_linear_model_has_the_sensitivities_it_was_built_with(
    tiny_dataset: Path, ions: set[str], perturbation: float, seeds: int
) -> None:
    with TrainingDataset.open(tiny_dataset) as dataset:
        model = LinearModel(dataset, ions)
    study = sensitivity(
        model, tiny_dataset, part="training", electrodes=5, seeds=seeds, perturbation=perturbation, progress=False
    )
    assert (study.electrodes, study.seeds) == (5, seeds)
    expected = {name: slope * perturbation for name, slope in SLOPES.items()}
    expected["working_ion"] = BETWEEN_IONS
    found = {entry.condition: entry.response for entry in study.sensitivities["descriptors"]}
    assert list(found) == sorted(expected, key=lambda name: -expected[name])
    for name, response in found.items():
        assert response.change.estimate == pytest.approx(expected[name], rel=1e-5)
        assert response.change.high == pytest.approx(expected[name], rel=1e-5)
        if name != "working_ion":
            assert response.asymmetry is not None
            assert response.asymmetry.estimate == pytest.approx(0.0, abs=1e-5)
    # Half of the atoms are another element: (1/2, 1/2, 0) against (1/2, 0, 1/2).
    composition = study.sensitivities["composition"]
    assert composition[0].condition == "working_ion"
    assert composition[0].response.change.estimate == pytest.approx(np.sqrt(0.5))
    assert all(entry.response.change.estimate == 0.0 for entry in composition[1:])
    # Noise of variance 1 lies sqrt(2) apart.
    assert set(study.seed_change) == (set() if seeds == 1 else {"descriptors", "composition"})
    if seeds > 1:
        assert study.seed_change["descriptors"].estimate == pytest.approx(np.sqrt(2), rel=0.15)
        assert study.seed_change["composition"].estimate == 0.0


def test_a_response_that_bends_is_asymmetric(tiny_dataset: Path, ions: set[str]) -> None:
    with TrainingDataset.open(tiny_dataset) as dataset:
        model = LinearModel(dataset, ions, bend=1.0)  # twice the slope above the first row's conditions
    study = sensitivity(model, tiny_dataset, part="test", electrodes=2, seeds=1, progress=False)
    # One electrode a batch would make all of it (2 - 1) / (2 + 1); with several the others are linear or bent alike.
    asymmetry = [entry.response.asymmetry for entry in study.sensitivities["descriptors"] if entry.step is not None]
    assert all(value is not None and -1e-6 <= value.estimate <= 1 / 3 + 1e-6 for value in asymmetry)
    assert max(value.estimate for value in asymmetry if value is not None) > 0.05


def test_the_table_states_steps_in_their_units(tiny_dataset: Path, ions: set[str], tmp_path: Path) -> None:
    with TrainingDataset.open(tiny_dataset) as dataset:
        model, span = LinearModel(dataset, ions), dataset.conditions_scaling.span
    path = tmp_path / "sensitivity.csv"
    sensitivity(model, tiny_dataset, part="training", electrodes=4, seeds=2, progress=False).write(path)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * (len(FUNCTIONAL_PROPERTIES) + 1)
    first = rows[0]
    assert (first["output"], first["rank"], first["condition"]) == ("descriptors", "1", "volume_change")
    assert float(first["step"]) == pytest.approx(0.05 * span[-1], rel=1e-4)
    assert first["step_unit"] == "fraction"
    assert float(first["relative_change_fraction"]) == 1.0
    ion = next(row for row in rows if row["condition"] == "working_ion")
    assert ion["step"] == ion["l2_increase"] == ion["asymmetry"] == ""


def test_a_model_of_one_ion_has_none_to_substitute(tiny_dataset: Path) -> None:
    with TrainingDataset.open(tiny_dataset) as dataset:
        owner = dataset.electrodes[int(dataset.column("electrode_index")[dataset.indices("training")][0])]
        model = LinearModel(dataset, [ion for ion in WORKING_IONS if ion == owner.working_ion])
    study = sensitivity(model, tiny_dataset, part="training", electrodes=6, seeds=1, progress=False)
    assert "working_ion" not in {entry.condition for entry in study.sensitivities["descriptors"]}


@pytest.mark.parametrize(
    "wrong", [{"seeds": 0}, {"electrodes": 1}, {"perturbation": 0.0}, {"perturbation": float("nan")}]
)
def test_a_study_of_nothing_is_refused(tiny_dataset: Path, ions: set[str], wrong: dict[str, Any]) -> None:
    with TrainingDataset.open(tiny_dataset) as dataset:
        model = LinearModel(dataset, ions)
    with pytest.raises(UserError, match="make no study"):
        sensitivity(model, tiny_dataset, progress=False, **wrong)
