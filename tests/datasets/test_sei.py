"""The SEI data set: encoding, scaling, a split that leaks nothing, and campaigns that do not fit together."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.datasets.sei import SeiDataset, build_sei_dataset, from_one_hot, one_hot
from kadi_battgen.datasets.sei_card import write_card
from kadi_battgen.datasets.splitting import PARTS
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.sei.campaign import run_campaign
from kadi_battgen.sei.chemistry import BARRIER_NAMES, SeiModel
from kadi_battgen.sei.design import named_design
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.regimes import REGIMES
from kadi_battgen.sei.store import SeiCampaign


def _campaign(path, barriers, **fields):
    model = SeiModel(**({"max_events": 1500, "width": 16, "height": 16} | fields))
    run_campaign(barriers, path, model, seed=3, cluster=ClusterSettings(1), progress=False)
    return path


@pytest.fixture(scope="module")
def campaigns(tmp_path_factory):
    """Return a wide campaign in which every set of barriers occurs twice, and a published one."""
    folder = tmp_path_factory.mktemp("sei")
    wide = named_design("wide").sample(30, 1)
    first = _campaign(folder / "wide.h5", np.concatenate([wide, wide[::-1]]), max_time=1e-3)
    return first, _campaign(folder / "published.h5", named_design("published").sample(20, 2))


@pytest.fixture(scope="module")
def built(campaigns, tmp_path_factory):
    path = tmp_path_factory.mktemp("dataset") / "sei_dataset.h5"
    return path, build_sei_dataset(campaigns, path, seed=5, progress=False)


def test_samples_are_the_runs_of_all_campaigns(built, campaigns):
    path, summary = built
    with SeiDataset.open(path) as dataset:
        assert len(dataset) == 80
        assert dataset.lattice_shape == (16, 16)
        assert dataset.categories == ("S", "E", "A", "P", "F", "O", "OO", "C")
        assert np.bincount(dataset.column("campaign")).tolist() == [60, 20]
        assert [entry["max_time"] for entry in dataset.campaign_settings] == [1e-3, None]
        assert [entry["max_events"] for entry in dataset.campaign_settings] == [1500, 1500]
        opened = [SeiCampaign.open(campaign) for campaign in campaigns]
        observables = dataset.observables_scaling.inverse(dataset.column("observables"))
        barriers = dataset.barriers_scaling.inverse(dataset.column("barriers"))
        for index in range(80):
            owner, run = opened[dataset.column("campaign")[index]], dataset.column("run")[index]
            np.testing.assert_array_equal(dataset.configuration(index), owner.configuration(run))
            np.testing.assert_allclose(barriers[index], owner.barriers[run], rtol=1e-6)
            expected = [owner.observables[name][run] for name in OBSERVABLES]
            np.testing.assert_allclose(observables[index], expected, atol=1e-5)
        assert sum(sum(counts.values()) for counts in summary.values()) == 80
        assert [sum(summary[part].values()) for part in PARTS] == [len(dataset.indices(part)) for part in PARTS]


def test_nothing_of_the_held_out_barriers_is_in_training(built):
    with SeiDataset.open(built[0]) as dataset:
        sets = [{tuple(row) for row in dataset.column("barriers")[dataset.indices(part)].tolist()} for part in PARTS]
        assert sum(map(len, sets)) == 50
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not sets[one] & sets[other]
        assert [len(entry) / 50 for entry in sets] == pytest.approx([0.7, 0.15, 0.15], abs=0.03)
        training = dataset.indices("training")
        for name in ("observables", "barriers"):
            scaled = dataset.column(name)[training]
            constant = np.ptp(scaled, axis=0) == 0
            np.testing.assert_allclose(scaled.min(axis=0), 0, atol=1e-6)
            np.testing.assert_allclose(scaled.max(axis=0)[~constant], 1, atol=1e-6)


def test_scalings_name_their_columns_and_units(built):
    with SeiDataset.open(built[0]) as dataset:
        assert dataset.observables_scaling.names == tuple(OBSERVABLES)
        assert dataset.observables_scaling.units == tuple(entry.unit for entry in OBSERVABLES.values())
        assert dataset.barriers_scaling.names == BARRIER_NAMES
        assert set(dataset.barriers_scaling.units) == {"eV"}
        assert dataset.model["temperature"] == 300.0


def test_one_hot_and_back(built):
    with SeiDataset.open(built[0]) as dataset:
        encoded = dataset.one_hot(3)
        assert encoded.shape == (8, 16, 16)
        assert encoded.dtype == np.float32
        np.testing.assert_array_equal(encoded.sum(axis=0), 1)
        np.testing.assert_array_equal(from_one_hot(encoded), dataset.configuration(3))
        some = dataset.configurations([7, 2])
        np.testing.assert_array_equal(from_one_hot(one_hot(some)), some)
        assert dataset.configurations().shape == (80, 16, 16)
        with pytest.raises(UserError, match="training, validation, test"):
            dataset.indices("all")


def test_same_seed_same_bytes_and_another_split_with_another(built, campaigns, tmp_path):
    build_sei_dataset(campaigns, tmp_path / "again.h5", seed=5, progress=False)
    assert sha256_file(tmp_path / "again.h5") == sha256_file(built[0])
    build_sei_dataset(campaigns, tmp_path / "other.h5", seed=6, progress=False)
    with SeiDataset.open(built[0]) as one, SeiDataset.open(tmp_path / "other.h5") as other:
        assert (one.column("part") != other.column("part")).any()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"temperature": 320.0}, r"other\.h5 was simulated with temperature 320.0 and .* 300.0"),
        ({"width": 17}, r"other\.h5 has lattices of 16 x 17 sites"),
    ],
)
def test_campaigns_that_do_not_fit_together_are_refused(fields, says, campaigns, tmp_path):
    other = _campaign(tmp_path / "other.h5", named_design("wide").sample(2, 1), **fields)
    with pytest.raises(UserError, match=says):
        build_sei_dataset([campaigns[0], other], tmp_path / "dataset.h5", progress=False)
    assert not (tmp_path / "dataset.h5").exists()


def test_what_cannot_be_split_is_refused(campaigns, tmp_path):
    few = _campaign(tmp_path / "few.h5", np.repeat(named_design("wide").sample(6, 1), 3, axis=0))
    with pytest.raises(UserError, match="6 different sets of barriers are too few"):
        build_sei_dataset([few], tmp_path / "dataset.h5", progress=False)
    with pytest.raises(UserError, match="given twice"):
        build_sei_dataset([campaigns[0], campaigns[0]], tmp_path / "dataset.h5", progress=False)
    with pytest.raises(UserError, match="No SEI campaign"):
        build_sei_dataset([], tmp_path / "dataset.h5", progress=False)
    with pytest.raises(UserError, match="sum to 1"):
        build_sei_dataset(campaigns, tmp_path / "dataset.h5", shares=(0.5, 0.1, 0.1), progress=False)


def test_another_file_is_named(campaigns):
    with pytest.raises(UserError, match="build-sei-dataset"):
        SeiDataset.open(campaigns[0])


def test_the_card_counts_what_is_there(built, tmp_path):
    path, summary = built
    write_card(tmp_path / "sei_dataset.card.md", path)
    card = (tmp_path / "sei_dataset.card.md").read_text()
    assert "80 simulated configurations" in card
    assert "lattices of 16 x 16 sites" in card
    for regime in REGIMES:
        assert f"| {regime} | {' | '.join(str(summary[part][regime]) for part in PARTS)} |" in card
    assert " | 60 | `" in card
    assert " | 20 | `" in card
    assert card.count(" | eV | ") == 15
