"""What holds for every step and every table: order, seeds, JSON, leaks, completeness of the audit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadi_battgen.datasets.cleaning.audit import audit_digest, audit_text, write_audit
from kadi_battgen.datasets.cleaning.pipeline import FittedPipeline, fit_transform
from kadi_battgen.datasets.cleaning.settings import parse_steps, preset_steps
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file

from .tables import PROPERTIES, make_table, same, tables

#: Every method of every step; what cannot work on missing values comes after the rows that have some are dropped.
METHODS = {
    "invariants": {"step": "invariants", "formulas": False, "action": "repair"},
    "ranges-drop": {"step": "ranges", "limits": {"average_voltage": [0, 5]}},
    "ranges-clip": {"step": "ranges", "limits": {"average_voltage": [0, 5]}, "action": "clip"},
    "duplicates": {"step": "duplicates", "by": ["working_ion"]},
    **{f"missing-{m}": {"step": "missing", "method": m} for m in ("derive", "mean", "median", "mode", "knn", "drop")},
    **{
        f"outliers-{m}": {"step": "outliers", "method": m}
        for m in ("standard-deviation", "iqr", "z-score", "robust-z-score", "isolation-forest", "autoencoder")
    },
    "outliers-flag": {"step": "outliers", "action": "flag"},
    "outliers-clip": {"step": "outliers", "action": "clip", "logarithmic": True},
    **{f"rows-{m}": {"step": "reduce-rows", "method": m} for m in ("stratified", "balanced")},
    "rows-k-means": {"step": "reduce-rows", "method": "k-means", "clusters": 4},
    **{
        f"columns-{m}": {"step": "reduce-columns", "method": m}
        for m in ("variance", "correlation", "mutual-information", "recursive-elimination", "lasso", "pca")
    },
    **{f"scale-{m}": {"step": "scale", "method": m} for m in ("min-max", "robust", "standard", "record-max")},
    **{f"encode-{m}": {"step": "encode", "method": m} for m in ("one-hot", "label")},
}

#: Methods that cost a training each run on fewer examples.
SLOW = {"outliers-isolation-forest", "outliers-autoencoder", "rows-k-means", "columns-mutual-information"}


def steps_of(name: str):
    drop = [] if name.startswith(("missing", "invariants", "ranges", "duplicates")) else [{"step": "missing"}]
    return parse_steps([*drop, METHODS[name]], "test")


@pytest.mark.parametrize("name", METHODS)
def test_every_method(name):
    @settings(max_examples=2 if name in SLOW else 8)
    @given(tables(holes=True), st.randoms())
    def check(table, random):
        steps = steps_of(name)
        cleaned = fit_transform(steps, table)
        again = fit_transform(steps, table)
        assert same(cleaned.table, again.table)
        assert audit_digest(cleaned.decisions) == audit_digest(again.decisions)
        # Applied again, also from JSON, it does the same to the last bit.
        assert same(cleaned.pipeline.transform(table).table, cleaned.table)
        read = FittedPipeline.from_json(json.loads(json.dumps(cleaned.pipeline.to_json(), allow_nan=False)))
        assert same(read.transform(table).table, cleaned.table)
        assert audit_text(read.transform(table).decisions) == audit_text(cleaned.decisions)
        # The order of the rows decides nothing but the order of the rows.
        places = list(range(len(table)))
        random.shuffle(places)
        other = fit_transform(steps, table.rows(np.array(places)))
        assert audit_text(other.decisions) == audit_text(cleaned.decisions)
        back = {row: place for place, row in enumerate(table.ids)}
        assert same(other.table.rows(np.argsort([back[row] for row in other.table.ids])), cleaned.table)
        # Shapes and types hold, and nothing is missing that was there.
        assert all(
            column.dtype == np.float64 and len(column) == len(cleaned.table)
            for column in cleaned.table.numbers.values()
        )
        whole = set(table.ids[~np.isnan(table.matrix(PROPERTIES)).any(axis=1)])
        for column in cleaned.table.numbers.values():
            assert not (np.isnan(column) & np.array([row in whole for row in cleaned.table.ids])).any()
        # Every row is there, or dropped for a reason.
        dropped = {decision.row for decision in cleaned.decisions if decision.action == "dropped" and decision.row}
        assert dropped | set(cleaned.table.ids) == set(table.ids)
        assert not dropped & set(cleaned.table.ids)
        assert all(decision.reason for decision in cleaned.decisions)
        # And every value is as it was, or was changed for a reason.
        told = {(decision.row, decision.column) for decision in cleaned.decisions}
        for column in PROPERTIES:
            for row, value in zip(cleaned.table.ids, cleaned.table.numbers[column], strict=True):
                before = table.numbers[column][back[row]]
                assert value == before or (np.isnan(value) and np.isnan(before)) or (row, column) in told

    check()


@settings(max_examples=15)
@given(
    tables(), st.sampled_from(["min-max", "robust", "standard", "record-max"]), st.sampled_from(["one-hot", "label"])
)
def test_scaling_and_encoding_have_an_inverse(table, scaling, code):
    steps = parse_steps([{"step": "scale", "method": scaling}, {"step": "encode", "method": code}], "test")
    cleaned = fit_transform(steps, table)
    nothing = np.zeros(len(table))
    emptied = cleaned.table.with_numbers(dict.fromkeys(PROPERTIES, nothing))
    emptied = emptied.with_text("working_ion", np.array([""] * len(table), dtype=object))
    back = cleaned.pipeline.inverse(emptied)
    for name in PROPERTIES:
        np.testing.assert_allclose(back.numbers[name], table.numbers[name], rtol=1e-9, atol=1e-9)
    assert back.text["working_ion"].tolist() == table.text["working_ion"].tolist()


@pytest.mark.parametrize("name", METHODS)
def test_constants_come_from_the_training_rows_alone(name):
    random = np.random.default_rng(3)
    table = make_table(
        *(random.normal(3, 1, 30), random.lognormal(5, 0.5, 30), random.lognormal(-3, 0.5, 30)),
        stability=random.exponential(0.1, 30),
        sites=random.integers(3, 60, 30).astype(float),
    )
    training = np.arange(30) < 20
    spoiled = table.with_numbers(
        {column: np.where(training, values, 1e3 * values + 7.0) for column, values in table.numbers.items()}
    )
    steps = steps_of(name)
    first, second = (fit_transform(steps, rows, training).pipeline for rows in (table, spoiled))
    assert first.constants == second.constants
    alone = fit_transform(steps, table.rows(np.flatnonzero(training))).pipeline
    assert alone.constants == first.constants


@settings(max_examples=10)
@given(tables(holes=True))
def test_the_default_leaves_rows_that_agree_with_physics(table):
    table = table.with_numbers({name: table.numbers[name] for name in PROPERTIES})
    cleaned = fit_transform(preset_steps("default"), table)
    left = cleaned.table
    assert not np.isnan(left.matrix(PROPERTIES)).any()
    voltage, capacity, energy = (left.numbers[PROPERTIES[place]] for place in (0, 1, 3))
    np.testing.assert_allclose(voltage * capacity, energy, rtol=0.005, atol=1e-5)
    assert voltage.min() >= -2
    assert voltage.max() <= 7


def test_another_seed_chooses_other_rows():
    table = make_table(range(40), [100] * 40, [0.1] * 40)
    chosen = [
        fit_transform(parse_steps([{"step": "reduce-rows", "seed": seed}], "test"), table).table.ids.tolist()
        for seed in (0, 1)
    ]
    assert chosen[0] != chosen[1]
    assert len(chosen[0]) == len(chosen[1])


def test_new_rows_are_cleaned_with_the_constants_of_the_old():
    old = make_table([1, 2, 3, 4, 5], [100] * 5, [0.1] * 5)
    steps = parse_steps([{"step": "scale", "columns": ["average_voltage"]}], "test")
    pipeline = fit_transform(steps, old).pipeline
    new = make_table([0, 3, 9], [100] * 3, [0.1] * 3)
    assert pipeline.transform(new).table.numbers["average_voltage_scaled"].tolist() == [-0.25, 0.5, 2.0]
    assert [decision.action for decision in pipeline.transform(new).decisions] == ["scaled-out"] * 2


def test_the_checksum_is_that_of_the_file(tmp_path):
    cleaned = fit_transform(preset_steps("thesis"), make_table([1, 2, np.nan], [100] * 3, [0.1] * 3))
    write_audit(tmp_path / "audit.csv", cleaned.decisions)
    assert sha256_file(tmp_path / "audit.csv") == audit_digest(cleaned.decisions) == cleaned.document()["audit_sha256"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: [], "is no fitted cleaning"),
        (lambda document: document | {"schema": "other"}, "is no fitted cleaning"),
        (lambda document: document | {"schema_version": 99}, "schema version 99"),
        (lambda document: document | {"configuration": [{"step": "polish"}]}, "'polish' names no step"),
        (lambda document: document | {"constants": []}, "one set of constants"),
        (lambda document: document | {"constants": [{"kind": "cubic"}]}, "'cubic' is not known"),
        (lambda document: document | {"constants": [{"kind": "min-max"}]}, "lacks or spoils a constant"),
    ],
)
def test_what_is_no_fitted_pipeline_is_refused(change, message):
    table = make_table([1, 2, 3], [100] * 3, [0.1] * 3)
    document = fit_transform(parse_steps([{"step": "scale"}], "test"), table).pipeline.to_json()
    with pytest.raises(UserError, match=message):
        FittedPipeline.from_json(change(document)).transform(table)


def test_spoiled_constants_are_told():
    table = make_table([1, 2, 3], [100] * 3, [0.1] * 3)
    document = fit_transform(parse_steps([{"step": "outliers"}], "test"), table).pipeline.to_json()
    with pytest.raises(UserError, match="The constants of step 01-outliers do not fit"):
        FittedPipeline.from_json(document | {"constants": [{"fence": 3}]}).transform(table)


def test_ids_must_be_unique():
    with pytest.raises(UserError, match="'a' occurs more than once"):
        make_table([1], [1], [0.1]).of(["a", "a"], {}, {})
