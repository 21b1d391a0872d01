"""A trained SEI autoencoder in physical units: shapes, units, intervals, scores, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.applications.sei.evaluation import evaluate_prvae
from kadi_battgen.applications.sei.model import PrvaeModel
from kadi_battgen.errors import UserError
from kadi_battgen.sei.chemistry import BOUNDARY, ELECTRODE
from kadi_battgen.sei.store import SeiCampaign


@pytest.fixture(scope="module")
def model(tiny_prvae):
    return PrvaeModel(tiny_prvae)


@pytest.fixture(scope="module")
def runs(tiny_sei_campaign):
    """Return configurations, barriers in eV and observables of the tiny campaign."""
    with SeiCampaign.open(tiny_sei_campaign) as campaign:
        return campaign.configurations(), campaign.barriers, campaign.observables


def test_what_goes_in_and_comes_out(model, runs):
    configurations, barriers, _ = runs
    mean, deviation = model.encode(configurations[:5])
    assert mean.shape == deviation.shape == (5, model.latent_size) == (5, 6)
    assert (deviation > 0).all()
    probabilities = model.decode(mean, barriers[:5])
    assert probabilities.shape == (5, 8, 16, 12)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    shown = model.decode_configurations(mean, barriers[:5])
    assert (shown.shape, shown.dtype) == ((5, 16, 12), np.uint8)
    predicted, spread = model.predict(mean)
    assert predicted.shape == spread.shape == (5, 4)
    assert model.properties == ("flux", "density", "thickness", "porosity")
    assert model.units == ("monolayers", "fraction", "nm", "fraction")
    expected, width = model.expected_latent(barriers[:5])
    assert expected.shape == width.shape == (5, 6)


def test_the_boundary_rows_are_where_they_belong(model):
    latents = np.random.default_rng(0).normal(scale=3, size=(20, 6))
    for seed in (None, 1):
        shown = model.decode_configurations(latents, model.barriers_scaling.inverse(np.full(15, 0.5)), seed=seed)
        assert (shown[:, 0] == ELECTRODE).all()
        assert (shown[:, -1] == BOUNDARY).all()
        assert not np.isin(shown[:, 1:-1], (ELECTRODE, BOUNDARY)).any()


def test_the_same_seed_draws_the_same_mobile_species(model, runs):
    latent, _ = model.encode(runs[0][:4])
    first, again, other = (model.decode_configurations(latent, runs[1][:4], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_intervals_widen_with_their_level_and_hold_their_share_of_the_calibration_part(model, tiny_sei_dataset):
    outcome = evaluate_prvae(model, tiny_sei_dataset, "validation", resamples=10)
    for figures in outcome["properties"].values():
        shares = list(figures["coverage"].values())
        assert shares == sorted(shares)
        # Conformal on this very part of 18 runs: ceil(19 x 0.9) / 18 of them, and as many as that for the others.
        np.testing.assert_allclose(shares, [10 / 18, 13 / 18, 1, 1], atol=1 / 18 + 1e-9)


def test_an_unlikely_configuration_scores_above_the_training_data(model, runs):
    configurations, barriers, _ = runs
    noise = np.random.default_rng(0).integers(3, 8, size=configurations[:20].shape).astype(np.uint8)
    known = model.out_of_distribution_score(configurations, barriers)
    assert (model.out_of_distribution_score(noise, barriers[:20]) > np.quantile(known, 0.95)).all()
    assert abs(np.median(known)) < 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.encode(np.zeros((2, 5, 5), np.uint8)), "lattices of 16 x 12 sites"),
        (lambda model: model.encode(np.full((1, 16, 12), 9)), "species are 0 to 7"),
        (lambda model: model.decode(np.zeros((2, 5))), r"give \(N, 6\)"),
        (lambda model: model.decode(np.zeros((2, 6))), "reaction barriers in eV"),
        (lambda model: model.decode(np.zeros((2, 6)), np.zeros((3, 15))), "do not fit 2 latents"),
        (lambda model: model.interval(np.zeros((2, 6)), 0.999), "0.05 to 0.995"),
    ],
)
def test_what_does_not_fit_is_refused(model, call, message):
    with pytest.raises(UserError, match=message):
        call(model)
