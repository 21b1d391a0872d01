"""Records that several tests look at."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from kadi_battgen.records import LocalStore, Record, Run


@dataclass(frozen=True)
class Chain:
    """Five linked records, from electrodes to a screening that failed, the latest first."""

    store: LocalStore
    records: tuple[Record, ...]

    @property
    def identifiers(self) -> list[str]:
        return [record.identifier for record in self.records]


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    """Five linked records, anew for each test."""
    return _record_chain(tmp_path)


@pytest.fixture(scope="module")
def module_chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Five linked records for the tests of a module that only look at them."""
    return _record_chain(tmp_path_factory.mktemp("chain"))


def _record_chain(folder: Path) -> Chain:
    """Make five linked records with inputs, metrics, a folder of files, odd names, a licence and a failure."""
    store, work = LocalStore(folder / "records"), folder / "work"
    model = work / "model" / "screening"
    model.mkdir(parents=True)
    source = work / "own data #1, 50 % größer.csv"
    source.write_text("formula,average_voltage_V\nLiCoO2,3.9\n")
    electrodes, stacks, dataset = (work / name for name in ("electrodes.json", "afm.h5", "dataset.h5"))
    with Run(
        store,
        step="fetch-electrodes",
        record_type="electrodes",
        title="Electrodes with Li",
        configuration={"limit": 12, "source": "files", "since": None, "ions": ["Li", "Na"]},
        tags=["battery", "Li"],
        license="CC-BY-4.0",
        project="thesis",
    ) as first:
        first.add_input("table", source, description="Own measurements")
        electrodes.write_text('["LiCoO2"]')
        first.add_file(electrodes, description="Electrodes")
        first.add_metric("electrodes", 12)
    with Run(store, step="simulate-afm", record_type="afm-campaign", title="AFM stacks", seed=3) as second:
        second.add_input("electrodes", electrodes)
        stacks.write_bytes(bytes(range(256)))
        second.add_file(stacks, description="Stacks")
    with Run(store, step="build-dataset", record_type="dataset", title="Training data") as third:
        third.add_input("afm", stacks)
        dataset.write_bytes(bytes(range(255, -1, -1)))
        third.add_file(dataset, description="Samples")
    with Run(store, step="train-screening", record_type="model-training", title="Training", seed=1) as fourth:
        fourth.add_input("dataset", dataset)
        (model / "weights.safetensors").write_bytes(b"\0" * 64)
        (model / "metrics.csv").write_text("epoch,training_loss,validation_loss\n1,2.0,3.0\n2,1.0,2.0\n")
        fourth.add_file(model, description="Trained screening model")
        fourth.add_metric("validation_loss", 2.0, part="validation", term="https://example.org/loss")
        fourth.add_metric("r2", float("nan"), part="test")
    with (
        contextlib.suppress(ValueError),
        Run(store, step="screen", record_type="screening", title="Candidates", command=["battgen", "screen"]) as fifth,
    ):
        fifth.add_input("model", model)
        fifth.add_input("electrodes", electrodes)
        raise ValueError("the latent diverged")
    return Chain(store, tuple(run.record for run in (fifth, fourth, third, second, first)))
