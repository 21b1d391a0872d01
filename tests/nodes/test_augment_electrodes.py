"""Augmented electrodes on their way into a data set: what is written, and that no copy leaks into a held-out part."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadi_battgen.datasets import PARTS, TrainingDataset
from kadi_battgen.datasets.augmentation.crystals import is_copy, origin_id
from kadi_battgen.electrodes.collection import read_electrodes, write_electrodes
from kadi_battgen.files import sha256_file
from kadi_battgen.records import LocalStore


@pytest.fixture
def electrodes(tiny_electrodes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_electrodes("electrodes.json.gz", tiny_electrodes.electrodes, tiny_electrodes.metadata)
    return tiny_electrodes


COMMAND = "augment-electrodes --electrodes electrodes.json.gz --seed 4 --output"


def test_copies_stay_with_their_originals_and_out_of_the_held_out_parts(run_battgen, electrodes):
    for command in (
        f"{COMMAND} augmented.json.gz",
        "simulate-afm --electrodes augmented.json.gz --orientations 1 --pool 4 --pixels 16 --skip-too-large --output afm.h5",
        "build-dataset --afm afm.h5 --output dataset.h5",
    ):
        outcome = run_battgen(*command.split())
        assert outcome.exit_code == 0, f"{outcome.output}\n{outcome.exception!r}"
    with TrainingDataset.open("dataset.h5") as dataset:
        owners = dataset.column("electrode_index")
        shown = {part: [dataset.electrodes[n] for n in owners[dataset.indices(part)]] for part in PARTS}
    assert any(is_copy(electrode.id) for electrode in shown["training"])
    for part in ("validation", "test"):
        assert shown[part]
        assert not any(is_copy(electrode.id) for electrode in shown[part])
    for key in (lambda e: origin_id(e.id), lambda e: tuple(e.composition)):
        sets = [{key(electrode) for electrode in shown[part]} for part in PARTS]
        assert sum(map(len, sets)) == len(set.union(*sets))


def test_the_collection_names_origins_and_settings(run_battgen, electrodes):
    outcome = run_battgen(*f"{COMMAND} a.json.gz --copies 2 --strain 0.05 --displacement 0.01".split())
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout == "a.json.gz\n"
    assert f"{len(electrodes)} electrodes and {2 * len(electrodes)} augmented copies" in outcome.stderr
    collection = read_electrodes("a.json.gz")
    assert [e for e in collection.electrodes if not is_copy(e.id)] == list(electrodes.electrodes)
    augmentation = collection.metadata["augmentation"]
    assert augmentation["strain"] == [-0.05, 0.05]
    assert (augmentation["displacement"], augmentation["seed"], augmentation["copies"]) == (0.01, 4, 2)
    assert augmentation["origins"] == {e.id: origin_id(e.id) for e in collection.electrodes if is_copy(e.id)}
    store = LocalStore(Path("battgen-records"))
    (identifier,) = store.identifiers()
    record = store.load(identifier)
    assert (record.step, record.state, record.seed) == ("augment-electrodes", "succeeded", 4)
    assert record.configuration["copies"] == 2


def test_the_same_seed_gives_the_same_bytes(run_battgen, electrodes):
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        assert run_battgen(*f"{COMMAND} {name}.json.gz --no-record --seed {seed}".split()).exit_code == 0
    assert sha256_file("a.json.gz") == sha256_file("b.json.gz") != sha256_file("c.json.gz")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--displacement 0.3", "bring atoms closer than"),
        ("--strain 0.5", "0.5 is not in the range"),
        ("--copies 0", "0 is not in the range"),
    ],
)
def test_bad_options_are_answered_and_leave_nothing(run_battgen, electrodes, tmp_path, options, message):
    outcome = run_battgen(*f"{COMMAND} a.json.gz {options}".split())
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert not (tmp_path / "a.json.gz").exists()


def test_augmented_electrodes_are_not_augmented_again(run_battgen, electrodes, tmp_path):
    assert run_battgen(*f"{COMMAND} a.json.gz --no-record".split()).exit_code == 0
    outcome = run_battgen(*"augment-electrodes --electrodes a.json.gz --no-record --output b.json.gz".split())
    assert outcome.exit_code == 2
    assert "is an augmented copy already: give the collection of the originals" in outcome.stderr
    assert not (tmp_path / "b.json.gz").exists()
