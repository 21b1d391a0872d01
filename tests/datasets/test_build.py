"""A real tiny campaign becomes a data set: layout, ranges, constants, split and bytes."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from kadi_battgen.afm.store import AfmCampaign
from kadi_battgen.datasets import PARTS, TrainingDataset, build_dataset
from kadi_battgen.datasets.card import write_card
from kadi_battgen.electrodes.composition import formula_from_vector
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file


@pytest.fixture
def dataset(tiny_dataset):
    with TrainingDataset.open(tiny_dataset) as opened:
        yield opened


@pytest.fixture
def campaign(tiny_campaign):
    with AfmCampaign.open(tiny_campaign) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("stacks", (10, 32, 32), "float16"),
        ("descriptors", (6, 32, 32), "float16"),
        ("conditions", (6,), "float32"),
        ("working_ion", (), "int8"),
        ("composition", (112,), "float32"),
        ("rotation", (3, 3), "float64"),
        ("orientation_rank", (), "int32"),
        ("part", (), "int8"),
        ("weight", (), "float32"),
        ("electrode_index", (), "int32"),
    ],
)
def test_layout(dataset, campaign, name, shape, dtype):
    stored = dataset.file[name]
    assert stored.shape == (int(campaign.valid.sum()), *shape)
    assert stored.dtype == dtype
    if name in ("stacks", "descriptors"):
        assert stored.chunks == (1, *shape)
        assert stored.compression is None


def test_every_sample_is_the_campaign_s_own(dataset, campaign):
    np.testing.assert_array_equal(dataset.column("rotation"), campaign.rotation[campaign.valid])
    np.testing.assert_array_equal(dataset.column("electrode_index"), campaign.electrode_index[campaign.valid])
    assert list(dataset.electrodes) == list(campaign.electrodes)
    for row, index in enumerate(np.flatnonzero(campaign.valid)):
        electrode = campaign.electrodes[campaign.electrode_index[index]]
        np.testing.assert_allclose(
            dataset.stack(row) * dataset.stack_scale, campaign.stack(index), atol=2e-3 * dataset.stack_scale
        )
        restored = dataset.descriptor_scaling.inverse(np.moveaxis(dataset.descriptors(row), 0, -1).astype(np.float64))
        np.testing.assert_allclose(restored, np.moveaxis(campaign.descriptors(index), 0, -1), atol=5e-3)
        np.testing.assert_array_equal(dataset.column("composition")[row], electrode.composition)
        assert WORKING_IONS[dataset.column("working_ion")[row]] == electrode.working_ion
        physical = dataset.conditions_scaling.inverse(dataset.column("conditions")[row])
        np.testing.assert_allclose(physical, electrode.properties.as_vector(), rtol=1e-4, atol=1e-4)


def test_the_training_part_fills_its_ranges(dataset):
    training = dataset.indices("training")
    stacks = np.stack([dataset.stack(index) for index in training]).astype(np.float64)
    descriptors = np.stack([dataset.descriptors(index) for index in training]).astype(np.float64)
    conditions = dataset.column("conditions")[training]
    assert np.abs(stacks).max() == 1.0
    assert descriptors.min() == 0.0
    assert descriptors.max() == 1.0
    for channels in (slice(0, 1), slice(1, 2), slice(2, 3), slice(3, 6)):
        assert (descriptors[:, channels].min(), descriptors[:, channels].max()) == (0.0, 1.0)
    np.testing.assert_array_equal(conditions.min(axis=0), 0.0)
    np.testing.assert_array_equal(conditions.max(axis=0), 1.0)
    assert np.isfinite(stacks).all()


def test_scaling_constants_come_from_the_training_part_alone(dataset, campaign):
    rows = np.flatnonzero(campaign.valid)[dataset.indices("training")]
    assert dataset.stack_scale == max(np.abs(campaign.stack(index)).max() for index in rows)
    assert dataset.stack_unit == "Hz"
    values = np.stack([campaign.electrodes[campaign.electrode_index[row]].properties.as_vector() for row in rows])
    np.testing.assert_array_equal(dataset.conditions_scaling.minimum, values.min(axis=0))
    np.testing.assert_array_equal(dataset.conditions_scaling.maximum, values.max(axis=0))
    lowest = np.min([campaign.descriptors(index).min(axis=(1, 2)) for index in rows], axis=0)
    highest = np.max([campaign.descriptors(index).max(axis=(1, 2)) for index in rows], axis=0)
    np.testing.assert_allclose(dataset.descriptor_scaling.minimum[:3], lowest[:3])
    np.testing.assert_allclose(dataset.descriptor_scaling.maximum[:3], highest[:3])
    # The colours of the type map share one scale.
    np.testing.assert_allclose(dataset.descriptor_scaling.minimum[3:], lowest[3:].min())
    np.testing.assert_allclose(dataset.descriptor_scaling.maximum[3:], highest[3:].max())


def test_no_composition_is_in_two_parts(dataset):
    formulas = {
        part: {formula_from_vector(dataset.column("composition")[index]) for index in dataset.indices(part)}
        for part in PARTS
    }
    assert all(formulas[part] for part in PARTS)
    assert not formulas["training"] & formulas["validation"]
    assert not formulas["training"] & formulas["test"]
    assert not formulas["validation"] & formulas["test"]


#: What must not be in two parts under each rule: a function of a data set and the owner and orientation of a sample.
TOGETHER = {
    "image": lambda dataset, owner, rank: (dataset.electrodes[owner].id, rank),
    "composition": lambda dataset, owner, rank: formula_from_vector(dataset.electrodes[owner].composition),
    "chemical-system": lambda dataset, owner, rank: dataset.electrodes[owner].chemical_system,
}


@pytest.mark.parametrize("rule", TOGETHER)
def test_the_rule_of_the_split_is_stored_and_leaks_nothing(tiny_campaign, tmp_path, rule):
    summary = build_dataset(tiny_campaign, tmp_path / "dataset.h5", split_by=rule, progress=False)
    with TrainingDataset.open(tmp_path / "dataset.h5") as dataset:
        assert dataset.split_rule == rule
        owners, ranks = dataset.column("electrode_index"), dataset.column("orientation_rank")
        parts = {part: {TOGETHER[rule](dataset, owners[n], ranks[n]) for n in dataset.indices(part)} for part in PARTS}
        assert all(parts.values())
        assert sum(map(len, parts.values())) == len(set.union(*parts.values()))
        for number, part in enumerate(PARTS):
            assert summary["electrodes"][part] == len(np.unique(owners[dataset.column("part") == number]))
    write_card(tmp_path / "card.md", tmp_path / "dataset.h5")
    assert f"Split by {rule}, seed 0, shares 0.7, 0.15, 0.15." in (tmp_path / "card.md").read_text()


def test_an_unknown_rule_is_refused(tiny_campaign, tmp_path):
    with pytest.raises(UserError, match="The split by 'colour' is not known: choose from image, composition, chemical"):
        build_dataset(tiny_campaign, tmp_path / "dataset.h5", split_by="colour", progress=False)


def test_weights_balance_the_working_ions_within_a_part(dataset):
    for part in PARTS:
        indices = dataset.indices(part)
        weights, ions = dataset.column("weight")[indices], dataset.column("working_ion")[indices]
        assert weights.mean() == pytest.approx(1.0, rel=1e-5)
        totals = [weights[ions == ion].sum() for ion in np.unique(ions)]
        np.testing.assert_allclose(totals, totals[0], rtol=1e-5)


def test_what_it_was_made_from_is_recorded(dataset, tiny_campaign, campaign):
    assert dataset.file.attrs["campaign_sha256"] == sha256_file(tiny_campaign)
    assert dataset.conventions == campaign.conventions
    assert dataset.file.attrs["split_seed"] == 0
    assert list(dataset.file.attrs["split_shares"]) == [0.70, 0.15, 0.15]


def test_a_second_build_gives_the_same_bytes_and_another_seed_another_split(tiny_campaign, tiny_dataset, tmp_path):
    summary = build_dataset(tiny_campaign, tmp_path / "again.h5", progress=False)
    assert (tmp_path / "again.h5").read_bytes() == tiny_dataset.read_bytes()
    assert sum(summary["samples"].values()) + summary["invalid_samples"] == 24
    assert sum(summary["electrodes"].values()) == 12
    assert {ion: n for ion, n in summary["working_ions"].items() if n} == {"Li": 4, "Na": 4, "Mg": 4}
    build_dataset(tiny_campaign, tmp_path / "other.h5", seed=1, progress=False)
    with TrainingDataset.open(tiny_dataset) as first, TrainingDataset.open(tmp_path / "other.h5") as second:
        assert (first.column("part") != second.column("part")).any()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.h5", "other.h5"]


def _changed(campaign, path, change):
    path.write_bytes(campaign.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def test_invalid_samples_are_left_out_and_counted(tiny_campaign, tmp_path):
    def spoil(file):
        file["valid"][:3] = False

    summary = build_dataset(
        _changed(tiny_campaign, tmp_path / "afm.h5", spoil), tmp_path / "dataset.h5", progress=False
    )
    assert summary["invalid_samples"] == 3
    with TrainingDataset.open(tmp_path / "dataset.h5") as dataset:
        assert len(dataset) == 21
        assert 0 not in dataset.column("electrode_index")


def test_a_held_out_sample_does_not_change_the_scales_however_bright_it_is(tiny_campaign, dataset, tmp_path):
    held_out = int(dataset.indices("test")[0])

    def brighten(file):
        file["stacks"][held_out] = 50 * file["stacks"][held_out]
        file["descriptors"][held_out] = file["descriptors"][held_out] - 20

    build_dataset(_changed(tiny_campaign, tmp_path / "afm.h5", brighten), tmp_path / "dataset.h5", progress=False)
    with TrainingDataset.open(tmp_path / "dataset.h5") as changed:
        assert changed.stack_scale == dataset.stack_scale
        assert changed.descriptor_scaling.to_json() == dataset.descriptor_scaling.to_json()
        assert np.abs(changed.stack(held_out)).max() > 1
        assert changed.descriptors(held_out).min() < 0
        np.testing.assert_array_equal(changed.column("part"), dataset.column("part"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file["valid"].write_direct(np.zeros(24, dtype=bool)), "holds no valid image"),
        (
            lambda file: file["stacks"].write_direct(np.zeros(file["stacks"].shape, dtype="f2")),
            "holds only empty images",
        ),
        (lambda file: file["valid"].write_direct(np.arange(24) < 2), "1 compositions are too few"),
    ],
)
def test_a_campaign_without_content_is_refused_and_nothing_is_written(tiny_campaign, tmp_path, change, message):
    path = _changed(tiny_campaign, tmp_path / "afm.h5", change)
    with pytest.raises(UserError, match=message):
        build_dataset(path, tmp_path / "dataset.h5", progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["afm.h5"]


@pytest.mark.parametrize("kind", ["missing", "empty", "truncated", "text", "dataset"])
def test_what_is_no_campaign_is_refused(tiny_campaign, tiny_dataset, tmp_path, kind):
    path = tmp_path / "input.h5"
    contents = {
        "empty": b"",
        "truncated": tiny_campaign.read_bytes()[:5000],
        "text": b"not a campaign",
        "dataset": tiny_dataset.read_bytes(),
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    with pytest.raises(UserError, match=r"input\.h5"):
        build_dataset(path, tmp_path / "dataset.h5", progress=False)
    assert not (tmp_path / "dataset.h5").exists()
