"""Every step against what was worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kadi_battgen.datasets.cleaning.audit import Decision
from kadi_battgen.datasets.cleaning.classes import chemical_class
from kadi_battgen.datasets.cleaning.pipeline import Cleaned, fit_transform
from kadi_battgen.datasets.cleaning.settings import parse_steps
from kadi_battgen.datasets.cleaning.table import FLAGS, Table
from kadi_battgen.errors import UserError

from .tables import make_table

NAN = np.nan


def clean(table: Table, *steps: dict) -> Cleaned:
    return fit_transform(parse_steps(list(steps), "test"), table)


def told(decisions: tuple[Decision, ...]) -> list[tuple[str, str, str]]:
    return [(decision.row, decision.column, decision.action) for decision in decisions]


def changed(table: Table, column: str, row: int, value: float) -> Table:
    values = table.numbers[column].copy()
    values[row] = value
    return table.with_numbers({column: values})


FIVE = make_table([3.0, 3.1, 3.2, 3.3, 3.4], [100, 110, 120, 130, 140], [0.01, 0.02, 0.03, 0.04, 0.05])


@pytest.mark.parametrize(
    ("column", "value", "options", "reason"),
    [
        ("gravimetric_energy", 345.0, {}, "average_voltage times gravimetric_capacity is 341 Wh/kg"),
        ("volumetric_energy", 1000.0, {}, "average_voltage times volumetric_capacity is 1364 Wh/L"),
        ("gravimetric_energy", 345.0, {"energy_tolerance": 0.02}, ""),
        ("volumetric_capacity", 110 * 25.0, {"energy_tolerance": 20}, "density of 25 g/cm^3, outside 0.3 to 23"),
        ("gravimetric_energy", NAN, {}, ""),
    ],
)
def test_invariants(column, value, options, reason):
    cleaned = clean(changed(FIVE, column, 1, value), {"step": "invariants", "formulas": False, **options})
    assert len(cleaned.table) == (4 if reason else 5)
    assert all(decision.row == "row-001" and decision.action == "dropped" for decision in cleaned.decisions)
    assert reason in " ".join(decision.reason for decision in cleaned.decisions)


@pytest.mark.parametrize(
    ("charge", "discharge", "ion", "capacity", "reason"),
    [
        ("FePO4", "LiFePO4", "Li", 169.9, ""),
        ("FePO4", "LiFePO4", "Li", 160.0, "FePO4 and LiFePO4 give 169.9 mAh/g"),
        ("FePO4", "LiMnPO4", "Li", 169.9, "do not share one host"),
        ("LiFePO4", "LiFePO4", "Li", 169.9, "No Li leaves"),
        ("V2O5", "MgV2O5", "Mg", 259.9, ""),
        ("FePO4", "what is this", "Li", 169.9, "does not parse"),
        ("", "LiFePO4", "Li", 1.0, ""),
    ],
)
def test_invariants_of_formulas(charge, discharge, ion, capacity, reason):
    table = make_table([3.4], [capacity], [0.05])
    for name, cell in (("formula_charge", charge), ("formula_discharge", discharge), ("working_ion", ion)):
        table = table.with_text(name, np.array([cell], dtype=object))
    cleaned = clean(table, {"step": "invariants"})
    assert len(cleaned.table) == (0 if reason else 1)
    assert reason in "".join(decision.reason for decision in cleaned.decisions)


def test_energies_are_repaired():
    cleaned = clean(
        changed(FIVE, "gravimetric_energy", 0, 7.0), {"step": "invariants", "formulas": False, "action": "repair"}
    )
    assert cleaned.table.numbers["gravimetric_energy"][0] == 300.0
    assert told(cleaned.decisions) == [("row-000", "gravimetric_energy", "recomputed")]
    assert (cleaned.decisions[0].before, cleaned.decisions[0].after) == (7.0, 300.0)


@pytest.mark.parametrize(("action", "rows", "voltage"), [("drop", 3, 3.4), ("clip", 5, 3.3), ("flag", 5, 3.4)])
def test_ranges(action, rows, voltage):
    step = {"step": "ranges", "limits": {"average_voltage": [None, 3.3], "volume_change": [0.015, None]}}
    cleaned = clean(FIVE, {**step, "action": action})
    word = {"drop": "dropped", "clip": "clipped", "flag": "flagged"}[action]
    assert told(cleaned.decisions) == [("row-000", "volume_change", word), ("row-004", "average_voltage", word)]
    assert cleaned.decisions[1].reason == "average_voltage 3.4 V is above the physical limit 3.3 V"
    assert len(cleaned.table) == rows
    if action != "drop":
        assert cleaned.table.numbers["average_voltage"][4] == voltage
    if action == "flag":
        assert cleaned.table.text[FLAGS].tolist() == ["01-ranges", "", "", "", "01-ranges"]


def test_duplicates_keep_the_most_stable_polymorph_and_tell_ions_apart():
    table = make_table([3.0] * 5, [100] * 5, [0.1] * 5, stability_discharge=[0.2, 0.1, NAN, 0.3, 0.0])
    table = table.with_text("working_ion", np.array(["Li", "Li", "Li", "Na", "Li"], dtype=object))
    formulas = ["LiFePO4", "Li2Fe2(PO4)2", "LiFePO4", "LiFePO4", "LiCoO2"]
    table = table.with_text("formula_discharge", np.array(formulas, dtype=object))
    cleaned = clean(table, {"step": "duplicates"})
    assert cleaned.table.ids.tolist() == ["row-001", "row-003", "row-004"]
    assert told(cleaned.decisions) == [
        ("row-000", "", "dropped"),
        ("row-001", "", "kept-representative"),
        ("row-002", "", "dropped"),
    ]
    assert "whose stability_discharge 0.1 is lower than 0.2" in cleaned.decisions[0].reason


MISSING = changed(changed(FIVE, "average_voltage", 1, NAN), "volume_change", 4, NAN)


@pytest.mark.parametrize(
    ("options", "voltage", "change"),
    [
        ({"method": "mean"}, (3.0 + 3.2 + 3.3 + 3.4) / 4, 0.025),
        ({"method": "median"}, 3.25, 0.025),
        ({"method": "mode"}, 3.0, 0.01),
        ({"method": "derive"}, 3.1, NAN),
        # The row with all other values nearest to those of row 4 is row 3, of row 1 are rows 0 and 2.
        ({"method": "knn", "neighbours": 1}, 3.0, 0.04),
        ({"method": "knn", "neighbours": 2}, 3.1, 0.035),
    ],
)
def test_missing(options, voltage, change):
    cleaned = clean(MISSING, {"step": "missing", **options})
    assert cleaned.table.numbers["average_voltage"][1] == pytest.approx(voltage)
    assert cleaned.table.numbers["volume_change"][4] == pytest.approx(change, nan_ok=True)
    expected = {("row-001", "average_voltage", "imputed")}
    expected |= set() if np.isnan(change) else {("row-004", "volume_change", "imputed")}
    assert set(told(cleaned.decisions)) == expected


def test_missing_rows_are_dropped():
    cleaned = clean(MISSING, {"step": "missing"})
    assert cleaned.table.ids.tolist() == ["row-000", "row-002", "row-003"]


def test_capacity_is_derived_from_the_formulas():
    table = changed(make_table([3.45], [100], [0.07]), "gravimetric_capacity", 0, NAN)
    table = table.with_numbers({"gravimetric_energy": np.array([NAN])})
    table = table.with_text("formula_charge", np.array(["FePO4"], dtype=object))
    cleaned = clean(table, {"step": "missing", "method": "derive"})
    assert cleaned.table.numbers["gravimetric_capacity"][0] == pytest.approx(169.9, abs=0.05)
    assert cleaned.table.numbers["gravimetric_energy"][0] == pytest.approx(3.45 * 169.9, abs=0.2)


#: Eight voltages in a row and one far off.
FAR = make_table([1, 2, 3, 4, 5, 6, 7, 8, 30], [100] * 9, [0.1] * 9)


@pytest.mark.parametrize(
    ("options", "fences"),
    [
        # mean 66/9 = 7.3333, population standard deviation sqrt(1104/9 - 7.3333^2) = 8.3000
        ({"method": "standard-deviation", "threshold": 2}, (7.333333 - 16.599866, 7.333333 + 16.599866)),
        ({"method": "z-score", "threshold": 2}, (7.333333 - 16.599866, 7.333333 + 16.599866)),
        # quartiles 3 and 7
        ({"method": "iqr"}, (-3.0, 13.0)),
        # median 5, absolute deviations 4 3 2 1 0 1 2 3 25 with median 2
        ({"method": "robust-z-score", "threshold": 4}, (5 - 8 * 1.4826022, 5 + 8 * 1.4826022)),
        ({"method": "iqr", "side": "upper"}, (None, 13.0)),
        # logarithms of the quartiles: 3 (3/7)^1.5 and 7 (7/3)^1.5
        ({"method": "iqr", "logarithmic": True}, (3 * (3 / 7) ** 1.5, 7 * (7 / 3) ** 1.5)),
    ],
)
def test_outliers_of_one_column(options, fences):
    cleaned = clean(FAR, {"step": "outliers", "columns": ["average_voltage"], **options})
    found = cleaned.pipeline.constants[0]["fences"]["average_voltage"]
    assert (found[0] is None) == (fences[0] is None)
    low, high = (-np.inf if fences[0] is None else fences[0]), fences[1]
    assert found[1] == pytest.approx(high, rel=1e-5)
    assert found[0] is None or found[0] == pytest.approx(low, rel=1e-5)
    outside = [row for row, v in zip(FAR.ids, FAR.numbers["average_voltage"], strict=True) if not low <= v <= high]
    assert [decision.row for decision in cleaned.decisions] == outside
    assert "row-008" in outside


def test_outliers_are_clipped_to_the_fence():
    step = {"step": "outliers", "columns": ["average_voltage"], "method": "iqr", "action": "clip"}
    cleaned = clean(FAR, step)
    assert cleaned.table.numbers["average_voltage"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 13]
    assert [(d.before, d.after, d.action) for d in cleaned.decisions] == [(30.0, 13.0, "clipped")]


@pytest.mark.parametrize("method", ["isolation-forest", "autoencoder"])
def test_outliers_of_all_columns(method):
    random = np.random.default_rng(1)
    voltage = np.append(random.normal(3, 0.5, 99), 9.0)
    table = make_table(voltage, np.append(100 + 10 * voltage[:-1], 900.0), np.append(voltage[:-1] / 100, 0.9))
    cleaned = clean(table, {"step": "outliers", "method": method, "share": 0.01})
    assert [decision.row for decision in cleaned.decisions] == ["row-099"]
    again = clean(table, {"step": "outliers", "method": method, "share": 0.01, "action": "flag", "seed": 5})
    assert again.table.text[FLAGS][99] == "01-outliers"


def test_isolation_scores_are_those_of_scikit_learn():
    from sklearn.ensemble import IsolationForest

    from kadi_battgen.datasets.cleaning.detectors import fit_isolation_forest, isolation_scores

    values, others = np.random.default_rng(0).normal(size=(2, 60, 3)) * [1.0, 100.0, 0.01]
    forest = IsolationForest(n_estimators=100, max_samples=60, random_state=4).fit(values)
    constants = fit_isolation_forest(values, 4)
    for rows in (values, others):
        np.testing.assert_allclose(isolation_scores(rows, constants), -forest.score_samples(rows), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_autoencoder_errors_are_those_of_scikit_learn():
    from sklearn.neural_network import MLPRegressor

    from kadi_battgen.datasets.cleaning.detectors import fit_autoencoder, reconstruction_errors

    values = np.random.default_rng(0).normal(size=(40, 5))
    core = np.clip(values, *np.quantile(values, (0.02, 0.98), axis=0))
    points, rows = ((array - core.mean(axis=0)) / core.std(axis=0) for array in (core, values))
    network = MLPRegressor(
        hidden_layer_sizes=(8, 3, 8), activation="tanh", solver="lbfgs", alpha=1e-4, max_iter=300, random_state=2
    ).fit(points, points)
    expected = ((network.predict(rows) - rows) ** 2).mean(axis=1)
    np.testing.assert_allclose(reconstruction_errors(values, fit_autoencoder(values, 2)), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"method": "stratified", "by": ["working_ion"], "fraction": 0.5}, {"Li": 2, "Na": 2, "K": 2}),
        ({"method": "stratified", "by": ["working_ion"], "fraction": 0.01}, {"Li": 1, "Na": 1, "K": 1}),
        ({"method": "balanced", "by": ["working_ion"], "largest": 3}, {"Li": 3, "Na": 3, "K": 3}),
        ({"method": "balanced", "largest": 1}, {"Li": 1, "Na": 1, "K": 1}),
    ],
)
def test_rows_are_reduced_in_every_stratum(options, left):
    table = make_table(range(12), [100] * 12, [0.1] * 12)
    cleaned = clean(table, {"step": "reduce-rows", **options})
    ions = cleaned.table.text["working_ion"].tolist()
    assert {ion: ions.count(ion) for ion in left} == left
    assert len(cleaned.decisions) == 12 - sum(left.values())


def test_medoids_stand_for_their_groups():
    table = make_table([1.0, 1.1, 1.3, 5.0, 5.1, 5.3], [100] * 6, [0.1] * 6)
    step = {"step": "reduce-rows", "method": "k-means", "clusters": 2, "columns": ["average_voltage"]}
    cleaned = clean(table, step)
    assert cleaned.table.ids.tolist() == ["row-001", "row-004"]
    assert "row-001 stands for group" in next(d.reason for d in cleaned.decisions if d.row == "row-000")


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("LiFePO4", "phosphate"),
        ("LiCoO2", "oxide"),
        ("Li2FeSiO4", "silicate"),
        ("LiFeSO4F", "sulfate"),
        ("LiTiS2", "sulfide"),
        ("Mg149Mo", "other"),
        ("?", "other"),
        ("", "other"),
    ],
)
def test_chemical_classes(formula, name):
    assert chemical_class(formula) == name


def descriptors() -> Table:
    """Eight rows: a constant, a copy of the voltage, its double with noise, noise, and another independent column."""
    voltage = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    noise = np.array([1.0, -1, 1, -1, -1, 1, -1, 1])
    return make_table(
        voltage, [100] * 8, [0.1] * 8, constant=[7.0] * 8, copy=voltage, double=2 * voltage + 0.1 * noise, noise=noise
    )


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"method": "variance"}, ["copy", "double", "noise"]),
        ({"method": "correlation"}, ["constant", "copy", "noise"]),
        ({"method": "mutual-information", "keep": 2}, ["copy", "double"]),
        ({"method": "recursive-elimination", "keep": 1}, ["copy"]),
        ({"method": "lasso", "strength": 0.1}, ["copy"]),
    ],
)
def test_columns_are_reduced(options, kept):
    cleaned = clean(descriptors(), {"step": "reduce-columns", **options})
    assert list(cleaned.table.descriptors) == kept
    assert {decision.column for decision in cleaned.decisions} == {"constant", "copy", "double", "noise"} - set(kept)
    assert set(cleaned.table.properties) == set(descriptors().properties)


def test_principal_components_explain_and_give_back():
    cleaned = clean(descriptors(), {"step": "reduce-columns", "method": "pca", "explained": 1.0})
    np.testing.assert_allclose(sum(cleaned.pipeline.constants[0]["explained"]), 1.0)
    back = cleaned.pipeline.inverse(cleaned.table)
    for name in ("constant", "copy", "double", "noise"):
        np.testing.assert_allclose(back.numbers[name], descriptors().numbers[name], atol=1e-9)
    fewer = clean(descriptors(), {"step": "reduce-columns", "method": "pca", "explained": 0.6})
    assert [name for name in fewer.table.numbers if name.startswith("principal")] == ["principal_component_1"]


def test_one_hot_and_label_codes():
    table = make_table([1, 2, 3], [100] * 3, [0.1] * 3)
    hot = clean(table, {"step": "encode"}).table
    assert hot.numbers["working_ion_Na"].tolist() == [0, 1, 0]
    assert sum(name.startswith("working_ion_") for name in hot.numbers) == 10
    assert clean(table, {"step": "encode", "method": "label"}).table.numbers["working_ion_code"].tolist() == [0, 1, 2]


def test_a_category_that_training_never_saw_is_told():
    table = make_table([1, 2, 3], [100] * 3, [0.1] * 3).with_text("phase", np.array(["a", "b", "c"], dtype=object))
    steps = parse_steps([{"step": "encode", "columns": ["phase"], "method": "label"}], "test")
    cleaned = fit_transform(steps, table, np.array([True, True, False]))
    assert cleaned.table.numbers["phase_code"].tolist() == [0, 1, -1]
    assert told(cleaned.decisions) == [("row-002", "phase", "unknown-category")]


def test_scaling_keeps_the_physical_columns():
    cleaned = clean(FIVE, {"step": "scale"})
    np.testing.assert_allclose(cleaned.table.numbers["average_voltage_scaled"], [0, 0.25, 0.5, 0.75, 1])
    assert cleaned.table.numbers["average_voltage"].tolist() == FIVE.numbers["average_voltage"].tolist()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"step": "scale"}, "average_voltage is missing in row row-001; put a step 'missing'"),
        ({"step": "outliers", "method": "autoencoder"}, "is missing in row row-001"),
        ({"step": "ranges", "limits": {"hardness": [0, 1]}}, "no column 'hardness' of numbers: choose from average_v"),
        ({"step": "duplicates", "by": ["name"]}, "no column 'name' of texts"),
        ({"step": "ranges", "limits": {"volumetric_capacity": [1e4, None]}}, "No training row is left before step 02"),
        ({"step": "reduce-columns", "method": "lasso", "columns": ["average_voltage"]}, "is the target and among"),
    ],
)
def test_what_a_step_needs_is_said(step, message):
    with pytest.raises(UserError, match=message):
        clean(MISSING, step, {"step": "missing", "method": "median"})
