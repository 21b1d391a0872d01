"""Characterising configurations: every number of the thesis's figures, and neighbours that are neighbours."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kadi_battgen.applications.sei.characterization import Configurations, characterize, correlations
from kadi_battgen.applications.sei.familiarity import nearest_configurations
from kadi_battgen.applications.sei.latent_space import LatentSpace
from kadi_battgen.applications.sei.walks import barrier_walks, component_walks
from kadi_battgen.datasets.sei import SeiDataset
from kadi_battgen.errors import UserError
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.validity import is_valid


@pytest.fixture(scope="module")
def sample(tiny_sei_campaign):
    return Configurations.read(tiny_sei_campaign, 60, seed=1)


@pytest.fixture(scope="module")
def found(conditional, plain, sample):
    return characterize(conditional, sample, other=plain)


def test_a_sample_is_drawn_without_repetition(sample, tiny_sei_campaign):
    assert len(sample) == len(set(sample.runs.tolist())) == 60
    whole = Configurations.read(tiny_sei_campaign)
    assert len(whole) == 120
    np.testing.assert_array_equal(whole.configurations[sample.runs], sample.configurations)
    np.testing.assert_array_equal(whole.observables["flux"][sample.runs], sample.observables["flux"])
    assert len(sample.first(3)) == 3


def test_the_metrics_are_json_and_say_what_was_asked(found, conditional, tmp_path):
    document = json.loads(found.save(tmp_path / "out").read_text())
    assert document == json.loads(json.dumps(found.metrics))
    assert set(document["r2"]) == set(conditional.properties)
    for name, entry in document["properties"].items():
        assert entry["r2"] == document["r2"][name]
        assert 0 <= entry["coverage_90"] <= 1
    assert document["latent"]["other"]["variant"] == "vae"
    for space in ("model", "other"):
        assert document["latent"][space]["usage"]["units"] == 6
        assert set(document["latent"][space]["ordering"]["thickness"]) == {
            "linear_r2",
            "linear_r2_in_plane",
            "smoothness",
            "smoothness_in_plane",
        }
    assert document["correlations"]["density"]["flux"] == pytest.approx(1)
    assert set(document["barrier_walks"]) == {"fixed", "following"}
    assert len(document["barrier_walks"]["fixed"]) == 15
    assert set(document["out_of_distribution"]["area_under_curve"]) == {
        "sites_exchanged",
        "rows_shuffled",
        "upside_down",
    }
    # In a configuration turned upside down the electrolyte is at the electrode.
    assert document["out_of_distribution"]["area_under_curve"]["upside_down"] > 0.8


def test_walks_start_and_end_where_the_data_do(conditional, found, sample):
    space = LatentSpace.of(conditional.encode(sample.configurations)[0])
    walks = component_walks(conditional, space, sample.barriers.mean(axis=0), steps=3)
    for walk, column in zip(walks, space.scores.T, strict=True):
        assert walk.positions[[0, -1]].tolist() == [column.min(), column.max()]
        assert is_valid(walk.configurations).all()
        np.testing.assert_array_equal(walk.measured["flux"], observables(walk.configurations)["flux"])
        assert walk.change("flux") == np.ptp(walk.measured["flux"])
    fixed = barrier_walks(conditional, sample.barriers, space.components.mean, steps=2)
    assert [walk.label for walk in fixed][:2] == ["Barrier e1 / eV", "Barrier e2 / eV"]
    assert fixed[4].positions.tolist() == [sample.barriers[:, 4].min(), sample.barriers[:, 4].max()]
    changes = [walk.change("thickness") for walk in found.barrier_walks["following"]]
    assert changes == sorted(changes, reverse=True)


def test_neighbours_are_the_nearest_and_not_the_query(found, conditional, sample):
    mean, _ = conditional.encode(sample.configurations)
    for hood in found.neighbourhoods:
        run = int(hood.label.rpartition(" ")[2])
        assert run not in hood.runs
        assert (np.diff(hood.distances) >= 0).all()
        np.testing.assert_array_equal(hood.query, sample.configurations[np.flatnonzero(sample.runs == run)[0]])
    positions, distances = nearest_configurations(mean, mean[:3], 1)
    assert positions[:, 0].tolist() == [0, 1, 2]
    np.testing.assert_allclose(distances, 0, atol=1e-5)


def test_queries_are_looked_for_among_the_sample(conditional, sample):
    queries = sample.first(2)
    hoods = characterize(conditional, sample, queries=queries).neighbourhoods
    assert [hood.runs[0] for hood in hoods] == queries.runs.tolist()


def test_a_plain_autoencoder_has_no_predictions(plain, sample):
    found = characterize(plain, sample)
    assert "r2" not in found.metrics
    assert found.predicted == {}
    assert found.barrier_walks == {}
    assert set(found.metrics["latent"]["model"]["ordering"]) == {"flux", "density", "thickness", "porosity"}


def test_what_cannot_be_characterised_is_refused(conditional, sample):
    with pytest.raises(UserError, match="5 configurations are too few"):
        characterize(conditional, sample.first(5))
    bare = Configurations(
        sample.runs, sample.configurations, np.full_like(sample.barriers, np.nan), sample.observables, sample.regimes
    )
    with pytest.raises(UserError, match="no reaction barriers"):
        characterize(conditional, bare)


def test_correlations_of_what_does_not_vary_are_none():
    rng = np.random.default_rng(0)
    found = correlations({"flux": rng.normal(size=9), "porosity": np.ones(9)})
    assert found["flux"] == {"flux": pytest.approx(1), "porosity": None}
    assert found["porosity"]["porosity"] is None


def test_a_part_of_a_data_set_holds_the_same_as_its_campaign(tiny_sei_dataset, tiny_sei_campaign):
    part, whole = (
        Configurations.of_part(tiny_sei_dataset, "training", 30, seed=2),
        Configurations.read(tiny_sei_campaign),
    )
    with SeiDataset.open(tiny_sei_dataset) as dataset:
        assert set(part.runs) < set(dataset.indices("training"))
        runs = dataset.column("run")[part.runs]
    assert len(part) == len(set(runs)) == 30
    np.testing.assert_array_equal(part.configurations, whole.configurations[runs])
    np.testing.assert_array_equal(part.regimes, whole.regimes[runs])
    np.testing.assert_allclose(part.barriers, whole.barriers[runs], atol=1e-6)
