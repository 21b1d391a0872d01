"""Guided generation: towards the target, as measured; always valid; the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.applications.sei.generation import generate, training_quantiles
from kadi_battgen.applications.sei.quality import diversity, layers
from kadi_battgen.applications.sei.search import LatentSearch
from kadi_battgen.applications.sei.targets import SeiTarget
from kadi_battgen.errors import UserError
from kadi_battgen.sei.chemistry import CLUSTER, INORGANIC
from kadi_battgen.sei.observables import OBSERVABLES, observables
from kadi_battgen.sei.validity import is_valid


def _wanted(model):
    """Return a target in the middle of what the model was trained on."""
    low, high = (np.quantile(model.latents.observables[:, list(OBSERVABLES).index("thickness")], (0.4, 0.8))).tolist()
    return SeiTarget.parse({"thickness": f"{low}:{high}"})


def _generate(model, target, **options):
    return generate(model, target, **({"samples": 8, "seed": 2, "progress": False} | options))


def test_the_search_goes_where_the_regressor_expects_what_is_wanted(conditional):
    search, starts = LatentSearch(conditional), conditional.latents.sample[:40]
    column = conditional.properties.index("thickness")
    wanted = np.median(conditional.predict(starts)[0][:, column]) + np.zeros(40)
    before, after = (
        np.abs(conditional.predict(points)[0][:, column] - wanted)
        for points in (starts, search.run(starts, {"thickness": wanted}, 60))
    )
    assert np.median(after) < 0.3 * np.median(before)
    np.testing.assert_array_equal(search.run(starts, {"thickness": wanted}, 0), starts)
    np.testing.assert_array_equal(search.run(starts, {"closed_porosity": wanted}, 9), starts)


def test_what_is_generated_is_valid_measured_and_ranked(conditional):
    target = _wanted(conditional)
    outcome = _generate(conditional, target)
    generated, metrics = outcome.generated, outcome.metrics
    assert is_valid(generated.configurations).all()
    assert len(generated) == metrics["configurations"] == 8
    assert metrics["draws"] == 32
    thickness = observables(generated.configurations)["thickness"]
    expected = target.misses({"thickness": thickness}, training_quantiles(conditional))["thickness"]
    np.testing.assert_allclose(generated.miss, expected)
    assert metrics["observables"]["thickness"]["within_range_fraction"] == (expected == 0).mean()
    assert metrics["within_range_fraction"] == (generated.miss == 0).mean()
    assert metrics["unique_fraction"] == 1
    wanted = target.ranges["thickness"]
    assert ((generated.asked["thickness"] >= wanted.low) & (generated.asked["thickness"] <= wanted.high)).all()
    low, high = conditional.barriers_scaling.minimum, conditional.barriers_scaling.maximum
    assert ((generated.barriers >= low - 1e-6) & (generated.barriers <= high + 1e-6)).all()


def test_rounds_and_draws_bring_it_closer_as_measured(conditional):
    target = _wanted(conditional)

    def error(**options):
        outcome = _generate(conditional, target, samples=12, **options)
        return outcome.metrics["observables"]["thickness"]["median_relative_error"]

    assert error(draws=4, rounds=4) < error(draws=1, rounds=1, steps=0)


def test_the_same_seed_generates_the_same(conditional):
    first, again, other = (_generate(conditional, _wanted(conditional), seed=seed).generated for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.configurations, again.configurations)
    np.testing.assert_array_equal(first.latent, again.latent)
    assert (first.configurations != other.configurations).any()


def test_nothing_wanted_gives_configurations_like_those_of_the_training(conditional, plain):
    for model in (conditional, plain):
        outcome = _generate(model, SeiTarget())
        assert outcome.metrics["observables"] == {}
        assert outcome.metrics["within_range_fraction"] is None
        assert is_valid(outcome.generated.configurations).all()
    assert plain.properties == ()
    assert outcome.generated.barriers is None


def test_a_plain_autoencoder_chooses_among_its_draws(plain):
    target = _wanted(plain)
    few, many = (_generate(plain, target, samples=4, draws=draws).generated.miss.max() for draws in (1, 12))
    assert many <= few


def test_barriers_are_taken_in_turn(conditional):
    barriers = conditional.barriers_scaling.inverse(np.array([[0.3] * 15, [0.7] * 15]))
    generated = _generate(conditional, SeiTarget(), barriers=barriers, draws=1).generated
    turns = (np.arange(8)[None] % 2).ravel()
    order = np.argsort(generated.seeds)
    np.testing.assert_allclose(generated.barriers[order], barriers[turns])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "number of samples is 0"),
        ({"draws": 0}, "number of draws is 0"),
        ({"steps": -1}, "number of steps is -1"),
        ({"barriers": np.full((1, 15), 0.4)}, "a vae model, which does not look at barriers"),
    ],
)
def test_impossible_requests_are_refused(plain, options, message):
    with pytest.raises(UserError, match=message):
        _generate(plain, SeiTarget(), **options)


def test_diversity_counts_the_layer_alone():
    stack = np.zeros((3, 6, 4), np.uint8)
    stack[0, 1], stack[1, 1], stack[2, 2] = INORGANIC, INORGANIC, CLUSTER
    stack[1, 3] = 5  # Li2EDC in solution
    assert layers(stack)[1, 3].max() == 0
    # Of three pairs one is alike, and two have no site in common.
    assert diversity(stack) == pytest.approx(2 / 3)
    assert diversity(stack[:1]) is None
