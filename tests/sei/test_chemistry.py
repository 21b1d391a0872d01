from __future__ import annotations

import math

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.sei.chemistry import (
    BARRIER_NAMES,
    BOLTZMANN_CONSTANT,
    PLANCK_CONSTANT,
    PROCESSES,
    SPECIES,
    SeiModel,
    model_yaml,
    published_minimum,
    read_model,
)


def test_codes_and_numbers_are_their_positions():
    assert [species.code for species in SPECIES] == list(range(8))
    assert [process.number for process in PROCESSES] == list(range(1, 20))
    assert list(BARRIER_NAMES) == [f"e{number}" for number in range(1, 16)]


@pytest.mark.parametrize("temperature", [100.0, 300.0, 1500.0])
def test_rate_constants_are_those_of_transition_state_theory(temperature):
    model = SeiModel(temperature=temperature)
    thermal = BOLTZMANN_CONSTANT * temperature
    expected = [thermal / PLANCK_CONSTANT * math.exp(-e / thermal) for e in model.barriers + model.escape_barriers]
    assert model.rate_constants() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("fields", "process", "factor"),
    [
        ({"reduction_multipliers": (50.0, 1.0)}, 1, 50.0),
        ({"reduction_multipliers": (1.0, 30.0)}, 3, 30.0),
        ({"like_pairs": "once"}, 4, 0.5),
        ({"like_pairs": "once"}, 5, 0.5),
        ({"like_pairs": "once"}, 10, 0.5),
        ({"like_pairs": "once"}, 14, 1.0),
    ],
)
def test_options_that_change_rates(fields, process, factor):
    before, after = SeiModel().rate_constants(), SeiModel(**fields).rate_constants()
    assert after[process - 1] / before[process - 1] == pytest.approx(factor)


@pytest.mark.parametrize(("depth", "row"), [(0.0, 0), (0.9, 0), (4.0, 4), (500.0, 49)])
def test_tunnelling_depth_in_rows(depth, row):
    assert SeiModel(tunnelling_depth=depth).tunnelling_rows() == row


def test_published_ranges_begin_below_where_the_reference_runs_do(shared):
    import csv

    with open(shared / "data" / "sei_kmc" / "reference_runs.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for name in BARRIER_NAMES:
        values = [float(row[name]) for row in rows]
        assert published_minimum(name) == pytest.approx(min(values), rel=0.01)
        assert max(values) <= published_minimum(name) * 10**0.25 * 1.001


def test_yaml_brings_a_model_back(tmp_path):
    model = SeiModel(cluster_rule="B", width=80, cluster_anchors=("E",), max_time=1e-3, barriers=(0.41,) * 15)
    path = tmp_path / "model.yaml"
    path.write_text(model_yaml(model), encoding="utf-8")
    assert read_model(path) == model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("width: 4", "width"),
        ("width: 2000", "less than or equal to 1000"),
        ("wide: 40", "wide"),
        ("temperature: .nan", "temperature"),
        ("cluster_rule: C", "cluster_rule"),
        ("barriers: [0.4]", "1 barriers were given: give 15"),
        ("escape_barriers: [0.01, 0.01, 0.01, 3.5]", "process 19 .* is 3.5 eV: give 0 to 3 eV"),
        ("max_time: 0", "max_time"),
        ("[1, 2]", "holds no fields"),
        ("width: [", "not YAML"),
    ],
)
def test_wrong_models_are_told_in_a_sentence(tmp_path, text, message):
    path = tmp_path / "model.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message) as raised:
        read_model(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
