"""From a target to barriers, to simulations of them, and back."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from kadi_battgen.applications.sei.closed_loop import (
    Obtained,
    closed_loop_metrics,
    resimulate,
    spearman,
    write_proposals,
)
from kadi_battgen.applications.sei.response import BarrierResponse, Proposals
from kadi_battgen.applications.sei.targets import SeiTarget
from kadi_battgen.errors import UserError
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.sei.chemistry import BARRIER_NAMES
from kadi_battgen.sei.design import read_barriers
from kadi_battgen.sei.observables import OBSERVABLES
from kadi_battgen.sei.store import SeiCampaign


def _target(response, low=1, high=3):
    quantiles = response.campaign(0)["observable_quantiles"]["thickness"]
    return SeiTarget.parse({"thickness": f"{quantiles[low]}:{quantiles[high]}"})


def test_the_response_knows_its_campaigns_and_predicts_in_units(response, tiny_sei_campaign):
    with SeiCampaign.open(tiny_sei_campaign) as campaign:
        barriers, true = campaign.barriers, campaign.observables
        assert response.model(0).max_events == campaign.settings["max_events"] == 3000
        assert response.model(0).width == 12
    mean, deviation = response.predict(barriers)
    assert set(mean) == set(deviation) == set(OBSERVABLES)
    assert all((values > 0).all() for values in deviation.values())
    assert np.corrcoef(mean["flux"], true["flux"])[0, 1] > 0.7
    assert set(response.card["test"]) == set(OBSERVABLES)
    with pytest.raises(UserError, match="Campaign 1 is not one of the training: give 0 to 0"):
        response.campaign(1)


def test_proposals_lie_in_the_ranges_and_are_expected_to_do_as_asked(response):
    target = _target(response)
    proposals, again = (response.propose(target, 12, seed=3) for _ in range(2))
    np.testing.assert_array_equal(proposals.barriers, again.barriers)
    entry = response.campaign(0)
    assert (proposals.barriers >= entry["lowest_barriers_eV"]).all()
    assert (proposals.barriers <= entry["highest_barriers_eV"]).all()
    asked, expected = proposals.asked["thickness"], proposals.expected["thickness"]
    anything = response.predict(response.barriers.inverse(response.runs["barriers"][:12]))[0]["thickness"]
    assert np.abs(expected - asked).mean() < 0.5 * np.abs(anything - asked).mean()
    mean, deviation = response.predict(proposals.barriers)
    np.testing.assert_allclose(expected, mean["thickness"])
    np.testing.assert_allclose(proposals.deviation["thickness"], deviation["thickness"])
    with pytest.raises(UserError, match="No observable is wanted"):
        response.propose(SeiTarget(), 3)


def test_the_loop_closes_and_its_table_can_be_simulated_again(response, tmp_path):
    target, repeats = _target(response), 2
    proposals = response.propose(target, 10, seed=1)
    obtained = resimulate(
        proposals,
        tmp_path / "loop.h5",
        response.model(0),
        repeats=repeats,
        seed=4,
        cluster=ClusterSettings(1),
        progress=False,
    )
    assert obtained.repeats == repeats
    with SeiCampaign.open(tmp_path / "loop.h5") as campaign:
        np.testing.assert_array_equal(campaign.barriers, np.repeat(proposals.barriers, repeats, axis=0))
        np.testing.assert_array_equal(campaign.observables["flux"], obtained.observables["flux"].ravel())
    quantiles = response.campaign(0)["observable_quantiles"]
    numbers = closed_loop_metrics(proposals, obtained, target, quantiles)["observables"]["thickness"]
    means = obtained.observables["thickness"].mean(axis=1)
    assert numbers["spearman"] == pytest.approx(spearman(proposals.asked["thickness"], means))
    assert -1 <= numbers["spearman_between_seeds"] <= 1
    write_proposals(tmp_path / "barriers.csv", proposals, obtained)
    np.testing.assert_array_equal(read_barriers(tmp_path / "barriers.csv"), proposals.barriers)
    with (tmp_path / "barriers.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        *BARRIER_NAMES,
        *(
            f"{kind}_thickness_nm"
            for kind in ("asked", "expected", "expected_deviation", "obtained", "obtained_deviation")
        ),
    ]
    assert [float(row["obtained_thickness_nm"]) for row in rows] == means.tolist()


def test_the_metrics_of_a_known_loop():
    asked = np.arange(1.0, 11.0)
    proposals = Proposals(np.zeros((10, 15)), {"thickness": asked}, {"thickness": asked}, {"thickness": asked * 0})
    runs = np.stack([asked * 1.1, asked * 0.9], axis=1)
    target = SeiTarget.parse({"thickness": "1:9.5"})
    found = closed_loop_metrics(proposals, Obtained({"thickness": runs}), target, {"thickness": [0, 1, 5, 9, 10]})
    numbers = found["observables"]["thickness"]
    assert (
        numbers["spearman"]
        == numbers["spearman_of_single_runs"]
        == numbers["spearman_between_seeds"]
        == pytest.approx(1)
    )
    assert numbers["median_relative_error"] == pytest.approx(0)
    assert numbers["median_relative_error_of_single_runs"] == pytest.approx(0.1)
    assert numbers["within_range_fraction"] == 0.9
    assert spearman(asked, np.ones(10)) is None


def test_a_folder_without_response_says_how_to_get_one(tiny_prvae):
    with pytest.raises(UserError, match="train it again with battgen train-prvae"):
        BarrierResponse(tiny_prvae)
