"""The sensitivity of a trained model, as a user types it and through its own network."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from torch import Tensor
from torch.nn import Module

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.records import LocalStore

WORDS = "sensitivity --model model/ --dataset dataset.h5 --part training --electrodes 3 --seeds 2 --steps 4".split()


def test_the_study_of_a_trained_model(chain_copy: Path, run_battgen: Callable[..., Result]) -> None:
    outcome = run_battgen(*WORDS, "--figure", "sensitivity.png", "--output", "sensitivity.csv")
    assert outcome.exit_code == 0, outcome.output
    with open("sensitivity.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for output in ("descriptors", "composition"):
        own = [row for row in rows if row["output"] == output]
        assert {row["condition"] for row in own} == {*FUNCTIONAL_PROPERTIES, "working_ion"}
        changes = [float(row["l2_change"]) for row in own]
        assert changes == sorted(changes, reverse=True)
        assert all(float(row["change_low"]) <= float(row["l2_change"]) <= float(row["change_high"]) for row in own)
    assert Path("sensitivity.png").read_bytes().startswith(b"\x89PNG")
    store = LocalStore(Path("battgen-records"))
    record = store.load(next(name for name in store.identifiers() if name.startswith("sensitivity")))
    assert record.state == "succeeded"
    metrics = {metric.name: metric.value for metric in record.metrics}
    assert metrics["descriptors.working_ion.l2_change"] > 0
    again = run_battgen(*WORDS, "--no-record", "--output", "again.csv")
    assert again.exit_code == 0, again.output
    assert Path("again.csv").read_bytes() == Path("sensitivity.csv").read_bytes()


@pytest.mark.parametrize("name", FUNCTIONAL_PROPERTIES)
def test_a_network_that_does_not_hear_a_condition_is_not_sensitive_to_it(recorded_chain: Path, name: str) -> None:
    from kadi_battgen.applications import ScreeningModel, sensitivity

    model = ScreeningModel(recorded_chain / "model")
    column = list(FUNCTIONAL_PROPERTIES).index(name)

    def deafen(network: Module, arguments: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        sample, timestep, conditions = arguments
        muffled = conditions.clone()
        muffled[:, column] = 0.0
        return sample, timestep, muffled

    model.network.register_forward_pre_hook(deafen)
    dataset = recorded_chain / "dataset.h5"
    study = sensitivity(model, dataset, part="training", electrodes=2, seeds=1, steps=3, progress=False)
    changes = {entry.condition: entry.response.change.estimate for entry in study.sensitivities["descriptors"]}
    assert changes.pop(name) < 1e-6
    assert min(changes.values()) > 1e-6
