"""The property model: what it learns, how wide its intervals are, and what follows from a formula by itself."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.training.screening.formulas import electrode_samples
from kadi_battgen.training.screening.property_model import (
    LEVEL,
    elemental_table,
    interval_widening,
    predict_properties,
    property_errors,
    train_property_model,
)

COLUMN = {name: number for number, name in enumerate(FUNCTIONAL_PROPERTIES)}


@pytest.fixture(scope="module")
def parts(bundled):
    """Every third electrode for training, the others for the intervals and for measuring."""
    return [electrode_samples(bundled.electrodes[start::3]) for start in range(3)]


@pytest.fixture(scope="module")
def network(parts, one_thread):
    return train_property_model(parts[0], members=3, steps=80, seed=0, progress=False)


def test_every_element_has_numbers():
    table = elemental_table()
    assert table.shape == (112, 7)
    assert np.isfinite(table).all()
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-5)


def test_a_short_training_beats_the_training_mean(parts, network):
    errors = property_errors(network, parts[2], interval_widening(network, parts[1]), parts[0])
    assert set(errors) == set(FUNCTIONAL_PROPERTIES)
    for name in ("average_voltage", "volumetric_capacity", "gravimetric_energy"):
        assert errors[name]["mean_absolute_error"] < 0.75 * errors[name]["training_mean_absolute_error"]
    assert errors["average_voltage"]["unit"] == "V"


def test_intervals_hold_what_they_say(parts, network):
    widening = interval_widening(network, parts[1])
    assert (np.delete(widening, COLUMN["gravimetric_capacity"]) > 1).all()
    errors = property_errors(network, parts[2], widening, parts[0])
    for name, entry in errors.items():
        if name != "gravimetric_capacity":
            assert entry["interval_coverage_fraction"] == pytest.approx(LEVEL, abs=0.06), name


def test_what_follows_from_the_formula_is_no_guess(parts, network):
    predicted = predict_properties(network, parts[2].tensors())
    capacity = predicted.mean[:, COLUMN["gravimetric_capacity"]]
    np.testing.assert_allclose(predicted.low[:, 1], capacity)
    np.testing.assert_allclose(predicted.high[:, 1], capacity)
    exact = np.isclose(capacity, parts[2].properties[:, 1], rtol=0.01)
    assert exact.mean() > 0.95
    assert (predicted.low <= predicted.mean).all()
    assert (predicted.high >= predicted.mean).all()
    assert (predicted.low[:, COLUMN["volume_change"]] >= 0).all()


def test_the_same_seed_gives_the_same_model(parts, one_thread):
    first, again, other = (
        train_property_model(parts[0], members=2, steps=2, seed=seed, progress=False) for seed in (0, 0, 1)
    )
    for name, tensor in first.state_dict().items():
        assert (again.state_dict()[name] == tensor).all(), name
    assert (first.weights[0] != other.weights[0]).any()
