"""What a user may ask of an SEI: parsing, warnings that say how far, draws, and misses."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kadi_battgen.applications.sei.targets import SeiTarget, observed_quantiles
from kadi_battgen.errors import UserError

SEEN = observed_quantiles(
    {"thickness": np.linspace(0, 20, 101), "porosity": np.linspace(0.2, 1, 101), "flux": np.linspace(0, 10, 101)}
)


def test_a_target_is_parsed_and_described():
    target = SeiTarget.parse({"thickness": "8:10", "porosity": ":0.5", "flux": None, "density": " "})
    assert target.describe() == {"thickness": "8:10 nm", "porosity": ":0.5 fraction"}
    assert SeiTarget.parse({}).describe() == {}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"thickness": "thick"}, r"write a value \(9\) or a range \(8:10, 8:, :10\) in nm"),
        ({"thickness": "10:8"}, "wrong order: write 8:10 nm"),
        ({"thickness": "-1"}, "is negative"),
        ({"porosity": "40"}, "above 1: write a fraction such as 0.4, not per cent"),
        ({"porosity": "0.4:40"}, "above 1"),
        ({"voltage": "3"}, "Observable 'voltage' is not known: choose from flux,"),
    ],
)
def test_what_is_no_target_is_refused(texts, message):
    with pytest.raises(UserError, match=message):
        SeiTarget.parse(texts)


@pytest.mark.parametrize(
    ("texts", "warnings"),
    [
        ({"thickness": "8:10"}, []),
        ({"thickness": "0:20"}, []),
        ({"thickness": "15:26"}, [r"thickness 15:26 nm reaches 6 nm beyond the training range 0 to 20 nm"]),
        ({"thickness": "30:"}, [r"reaches 10 nm beyond"]),
        ({"porosity": "0.1", "flux": "12"}, [r"porosity 0\.1 fraction reaches 0\.1", r"flux 12 monolayers reaches 2"]),
    ],
)
def test_warnings_say_how_far_a_target_leaves_the_training_range(texts, warnings):
    sentences = SeiTarget.parse(texts).warnings(SEEN)
    assert len(sentences) == len(warnings)
    for sentence, expected in zip(sentences, warnings, strict=True):
        assert re.search(expected, sentence), sentence


def test_draws_lie_in_the_range_and_open_ends_close_where_data_are():
    drawn = SeiTarget.parse({"thickness": "15:", "porosity": "0.4"}).draw(200, SEEN, np.random.default_rng(0))
    assert 15 <= drawn["thickness"].min() < 15.5
    assert 18.5 < drawn["thickness"].max() <= 19
    assert (drawn["porosity"] == 0.4).all()


@pytest.mark.parametrize(
    ("texts", "value", "miss"),
    [
        ({"thickness": "8:10"}, 9.0, 0.0),
        ({"thickness": "8:10"}, 12.0, 0.2),
        ({"thickness": "8:10"}, 4.0, 0.5),
        ({"thickness": ":0"}, 0.1, 0.5),  # of 1 % of the range that was seen, 0.2 nm
    ],
)
def test_a_miss_is_a_fraction_of_the_bound(texts, value, miss):
    found = SeiTarget.parse(texts).misses({"thickness": np.array([value])}, SEEN)
    assert found["thickness"][0] == pytest.approx(miss)


def test_values_are_brought_into_their_ranges():
    target = SeiTarget.parse({"thickness": "8:10", "flux": ":2"})
    clipped = target.clipped({"thickness": np.array([1.0, 9.0, 20.0]), "flux": np.array([1.0, 2.0, 3.0])})
    assert clipped["thickness"].tolist() == [8, 9, 10]
    assert clipped["flux"].tolist() == [1, 2, 2]
