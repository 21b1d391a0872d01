"""Splits by composition and weights by working ion."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kadi_battgen.datasets.splitting import (
    DEFAULT_SHARES,
    PARTS,
    inverse_frequency_weights,
    split_by_composition,
    split_samples,
)
from kadi_battgen.errors import UserError

#: Samples as (composition, stratum), many of them of one composition.
SAMPLES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from("ABC")), min_size=40, max_size=150)


def columns(samples):
    return [f"c{number}" for number, _ in samples], [stratum for _, stratum in samples]


@given(SAMPLES, st.integers(0, 5))
def test_no_composition_is_in_two_parts(samples, seed):
    assume(len({number for number, _ in samples}) >= 20)
    compositions, strata = columns(samples)
    part = split_by_composition(compositions, strata, seed)
    assert part.dtype == np.int8
    assert part.shape == (len(samples),)
    of_composition = {}
    for composition, number in zip(compositions, part, strict=True):
        assert of_composition.setdefault(composition, number) == number
    assert set(part) == {0, 1, 2}


@given(SAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(samples, random):
    assume(len({number for number, _ in samples}) >= 20)
    shuffled = list(samples)
    random.shuffle(shuffled)
    parts = [
        dict(zip(columns(s)[0], split_by_composition(*columns(s), seed=3), strict=True)) for s in (samples, shuffled)
    ]
    assert parts[0] == parts[1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("image", lambda electrode, rank: (electrode.id, rank)),
        ("composition", lambda electrode, rank: tuple(electrode.composition)),
        ("chemical-system", lambda electrode, rank: electrode.chemical_system),
    ],
)
def test_what_the_rule_keeps_together_is_in_one_part(bundled, rule, key, seed):
    electrodes = bundled.electrodes[seed::5]
    formulas = [electrode.formula_discharge for electrode in electrodes]
    owners, ranks = np.repeat(np.arange(len(electrodes)), 4), np.tile(np.arange(4), len(electrodes))
    part = split_samples(rule, electrodes, formulas, owners, ranks, seed)
    members = [{key(electrodes[n], rank) for n, rank in zip(owners[p], ranks[p], strict=True)} for p in masks(part)]
    assert sum(map(len, members)) == len(set.union(*members))
    np.testing.assert_allclose([mask.mean() for mask in masks(part)], DEFAULT_SHARES, atol=0.05)
    # Turned round, the same images are in the same parts.
    back = split_samples(rule, electrodes[::-1], formulas[::-1], len(electrodes) - 1 - owners[::-1], ranks[::-1], seed)
    np.testing.assert_array_equal(back[::-1], part)
    if rule == "image":
        # Recognition is asked for: nearly every crystal of the test part was seen in training.
        assert np.isin(owners[part == 2], owners[part == 0]).mean() > 0.9


def masks(part):
    return [part == number for number in range(len(PARTS))]


def test_the_same_seed_gives_the_same_split_and_another_another():
    compositions, strata = [f"c{n}" for n in range(50)], ["A"] * 50
    first, again, other = (split_by_composition(compositions, strata, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("strata", "per_stratum"), [(1, 200), (3, 60), (10, 30)])
def test_every_stratum_is_split_in_the_asked_shares(strata, per_stratum, seed):
    names = [f"s{n}" for n in range(strata) for _ in range(per_stratum)]
    part = split_by_composition([f"{name}-{n}" for n, name in enumerate(names)], names, seed)
    for stratum in set(names):
        own = part[np.array(names) == stratum]
        for number, share in enumerate(DEFAULT_SHARES):
            assert abs((own == number).sum() - share * per_stratum) <= 1
    for number, share in enumerate(DEFAULT_SHARES):
        assert (part == number).mean() == pytest.approx(share, abs=0.03)


def test_many_strata_of_one_composition_do_not_all_land_in_training():
    part = split_by_composition([f"c{n}" for n in range(20)], [f"s{n}" for n in range(20)], seed=0)
    np.testing.assert_allclose([(part == number).mean() for number in range(3)], DEFAULT_SHARES, atol=0.051)


def test_a_share_of_zero_leaves_its_part_empty():
    part = split_by_composition([f"c{n}" for n in range(10)], ["A"] * 10, 0, (0.8, 0.2, 0.0))
    assert Counter(part.tolist()) == {0: 8, 1: 2}


def test_a_composition_of_several_strata_counts_for_its_most_frequent_one():
    compositions = ["shared"] * 3 + [f"c{n}" for n in range(20)]
    strata = ["A", "B", "B"] + ["A"] * 20
    part = split_by_composition(compositions, strata, seed=0)
    assert len(set(part[:3])) == 1
    # "shared" is alone in stratum B, so stratum A is split as if it were not there.
    alone = split_by_composition(compositions[3:], strata[3:], seed=0)
    assert sorted(part[3:]) == sorted(alone)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_compositions_are_refused(count):
    with pytest.raises(UserError, match=rf"{count} compositions are too few .*stays empty\): simulate more electrodes"):
        split_by_composition([f"c{n}" for n in range(count)] * 10, ["A"] * count * 10, seed=0)


@pytest.mark.parametrize("strata", ["AAAAAA", "ABCDEF", "AABBCC"])
def test_six_compositions_are_enough(strata):
    assert set(split_by_composition(list("abcdef"), list(strata), seed=0)) == set(range(len(PARTS)))


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5), (0.5, 0.6, -0.1), (0.5, 0.2, 0.2), (1.0, 0.0, 0.0, 0.0), (float("nan"), 0.5, 0.5)]
)
def test_shares_that_are_no_shares_are_refused(shares):
    with pytest.raises(UserError, match="are not three fractions that sum to 1"):
        split_by_composition(["a"] * 5, ["A"] * 5, 0, shares)


@given(st.lists(st.sampled_from(["Li", "Na", "Mg", "Y"]), min_size=1, max_size=200))
def test_weights_give_every_class_the_same_total(classes):
    weights = inverse_frequency_weights(classes)
    assert weights.dtype == np.float32
    assert weights.mean() == pytest.approx(1.0, rel=1e-4)
    totals = [weights[np.array(classes) == name].sum() for name in set(classes)]
    np.testing.assert_allclose(totals, len(classes) / len(set(classes)), rtol=1e-4)


def test_weights_of_an_example():
    np.testing.assert_allclose(inverse_frequency_weights(["Li", "Li", "Li", "Mg"]), [2 / 3, 2 / 3, 2 / 3, 2.0])
