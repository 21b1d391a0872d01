"""Data set files that are refused, with the file's name."""

from __future__ import annotations

import h5py
import pytest

from kadi_battgen.datasets import TrainingDataset
from kadi_battgen.datasets.store import REQUIRED
from kadi_battgen.errors import UserError


@pytest.mark.parametrize(
    ("share", "message"),
    [(0.0, "is empty, truncated or not HDF5"), (0.01, "truncated"), (0.5, "truncated"), (0.999, "truncated")],
)
def test_a_truncated_file_is_refused(tiny_dataset, tmp_path, share, message):
    content = tiny_dataset.read_bytes()
    path = tmp_path / "dataset.h5"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=rf"dataset\.h5 .*{message}.*battgen build-dataset"):
        TrainingDataset.open(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.attrs.modify("schema", "other"), "has schema 'other', not 'kadi-battgen/training-dataset'"),
        (lambda file: file.attrs.__delitem__("schema"), "has schema None"),
        (lambda file: file.attrs.modify("schema_version", 2), "has schema version 2, but version 1 is read here"),
        (lambda file: file.attrs.__delitem__("schema_version"), "has schema version None"),
        *((lambda file, name=name: file.__delitem__(name), f"lacks the data set '{name}'") for name in REQUIRED),
    ],
)
def test_a_file_of_another_layout_is_refused(tiny_dataset, tmp_path, change, message):
    path = tmp_path / "dataset.h5"
    path.write_bytes(tiny_dataset.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(UserError, match=rf"dataset\.h5 {message}"):
        TrainingDataset.open(path)


def test_a_campaign_is_no_data_set(tiny_campaign):
    with pytest.raises(UserError, match="has schema 'kadi-battgen/afm-campaign'"):
        TrainingDataset.open(tiny_campaign)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.h5 does not exist"):
        TrainingDataset.open(tmp_path / "nowhere.h5")
    with pytest.raises(UserError, match="is a folder"):
        TrainingDataset.open(tmp_path)


def test_an_unknown_part_is_refused(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset, pytest.raises(UserError, match="'train' is not known: choose"):
        dataset.indices("train")


def test_the_file_is_closed_after_use(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as dataset:
        assert len(dataset) == 24
        assert (dataset.image_shape, dataset.slices) == ((32, 32), 10)
    assert not dataset.file
