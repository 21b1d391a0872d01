"""Balance between working ions: weights, sampling, and synthetic properties that hold the invariants."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.datasets.balancing import (
    balanced,
    resampled,
    weighted_positions,
    with_synthetic_properties,
)
from kadi_battgen.datasets.splitting import inverse_frequency_weights
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError

CLASSES = st.lists(st.sampled_from(["Li", "Na", "Mg", "Y"]), min_size=1, max_size=80)


@given(CLASSES, st.integers(0, 5))
@settings(max_examples=40)
def test_every_class_counts_the_same_however_it_is_balanced(classes, seed):
    labels = np.array(classes)
    names = np.unique(labels)
    for method in ("weights", "sampling", "oversample", "undersample"):
        balance = balanced(method, classes, seed)
        share = balance.loss_weights[balance.positions].astype(float)
        if balance.sampling_weights is not None:
            share = share * balance.sampling_weights
        totals = [share[labels[balance.positions] == name].sum() for name in names]
        np.testing.assert_allclose(totals, totals[0], rtol=1e-4)
        assert balance.loss_weights.shape == labels.shape


@given(CLASSES)
def test_without_balance_every_sample_counts_once(classes):
    balance = balanced("none", classes, 0)
    np.testing.assert_array_equal(balance.positions, np.arange(len(classes)))
    assert balance.sampling_weights is None
    assert (balance.loss_weights == 1).all()


@given(CLASSES, st.integers(0, 5))
@settings(max_examples=40)
def test_oversampling_drops_and_undersampling_repeats_nothing(classes, seed):
    labels, counts = np.array(classes), Counter(classes)
    over, under = (resampled(method, labels, seed) for method in ("oversample", "undersample"))
    assert set(over) == set(range(len(labels)))
    assert set(Counter(labels[over].tolist()).values()) == {max(counts.values())}
    assert len(set(under)) == len(under)
    assert set(Counter(labels[under].tolist()).values()) == {min(counts.values())}
    np.testing.assert_array_equal(over, resampled("oversample", labels, seed))


def test_known_weights_are_taken_as_they_are():
    weights = np.array([1.0, 5.0, 3.0], dtype=np.float32)
    assert balanced("sampling", ["A", "B", "B"], 0, weights).sampling_weights is weights
    assert balanced("weights", ["A", "B", "B"], 0, weights).loss_weights is weights


def test_weighted_positions_are_drawn_in_proportion():
    classes = ["Li"] * 90 + ["Mg"] * 10
    drawn = weighted_positions(inverse_frequency_weights(classes), 20000, seed=1)
    assert (drawn >= 90).mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(drawn, weighted_positions(inverse_frequency_weights(classes), 20000, seed=1))


def test_an_unknown_balance_is_refused():
    with pytest.raises(UserError, match="'smote' is not known: choose from none, weights, sampling, oversample"):
        balanced("smote", ["Li"], 0)


class TestSyntheticProperties:
    @pytest.fixture(scope="class")
    def table(self, bundled):
        rows = np.stack([electrode.properties.as_vector() for electrode in bundled.electrodes])
        return rows, [electrode.working_ion for electrode in bundled.electrodes]

    def test_every_ion_has_as_many_rows_and_the_real_ones_stay(self, table):
        rows, ions = table
        made = with_synthetic_properties(rows, ions, seed=0)
        np.testing.assert_array_equal(made.properties[: len(rows)], rows)
        assert made.working_ions[: len(rows)].tolist() == ions
        assert set(Counter(made.working_ions.tolist()).values()) == {max(Counter(ions).values())}
        np.testing.assert_array_equal(np.flatnonzero(made.synthetic), np.arange(len(rows), len(made.properties)))
        again = with_synthetic_properties(rows, ions, seed=0)
        np.testing.assert_array_equal(again.properties, made.properties)
        assert (with_synthetic_properties(rows, ions, seed=1).properties[-1] != made.properties[-1]).any()

    def test_synthetic_rows_hold_the_invariants_and_lie_between_real_ones_of_their_ion(self, table):
        rows, ions = table
        made = with_synthetic_properties(rows, ions, seed=0)
        new, new_ions = made.properties[made.synthetic], made.working_ions[made.synthetic]
        value = dict(zip(FUNCTIONAL_PROPERTIES, new.T, strict=True))
        voltage = value["average_voltage"]
        np.testing.assert_allclose(value["gravimetric_energy"], voltage * value["gravimetric_capacity"])
        np.testing.assert_allclose(value["volumetric_energy"], voltage * value["volumetric_capacity"])
        columns = [list(FUNCTIONAL_PROPERTIES).index(n) for n in ("average_voltage", "gravimetric_capacity")]
        for ion in np.unique(new_ions):
            real, synthetic = rows[np.array(ions) == ion], new[new_ions == ion]
            for column in (*columns, list(FUNCTIONAL_PROPERTIES).index("volume_change")):
                assert synthetic[:, column].min() >= real[:, column].min() - 1e-9
                assert synthetic[:, column].max() <= real[:, column].max() + 1e-9
            density = [r[:, 2] / r[:, 1] for r in (real, synthetic)]
            assert density[1].min() >= density[0].min() - 1e-9
            assert density[1].max() <= density[0].max() + 1e-9

    @given(seed=st.integers(0, 50), small=st.integers(2, 8))
    @settings(max_examples=10)
    def test_two_rows_are_enough(self, table, seed, small):
        rows, ions = np.asarray(table[0]), np.array(table[1])
        chosen = np.concatenate([np.flatnonzero(ions == "Li")[:20], np.flatnonzero(ions == "Y")[:small]])
        made = with_synthetic_properties(rows[chosen], ions[chosen].tolist(), seed)
        assert Counter(made.working_ions.tolist()) == {"Li": 20, "Y": 20}
        assert np.isfinite(made.properties).all()

    def test_an_ion_alone_is_refused_and_one_ion_is_balanced(self, table):
        rows, ions = np.asarray(table[0]), np.array(table[1])
        lithium, yttrium = np.flatnonzero(ions == "Li")[:9], np.flatnonzero(ions == "Y")[:1]
        both = np.concatenate([lithium, yttrium])
        with pytest.raises(UserError, match="SMOTE: Y has a single electrode"):
            with_synthetic_properties(rows[both], ions[both].tolist(), 0)
        assert not with_synthetic_properties(rows[lithium], ions[lithium].tolist(), 0).synthetic.any()
        with pytest.raises(UserError, match="is not finite"):
            with_synthetic_properties(np.full((2, 6), np.nan), ["Li", "Na"], 0)
