from __future__ import annotations

import base64
import json

import pytest

from kadi_battgen.records import Run
from kadi_battgen.records.dashboard import training_dashboard


def dashboard(**values: object) -> dict[str, object]:
    with Run(None, step="train-screening", record_type="model-training", **values) as run:  # type: ignore[arg-type]
        run.add_metric("validation_loss", 0.25, part="validation")
        run.add_metric("mean_absolute_error", 0.123456789, unit="V", part="test")
        run.add_metric("r2", float("nan"))
    return training_dashboard(run.record, b"PNG")


def test_kadi_takes_it_for_a_dashboard() -> None:
    """The rules are those of Kadi4Mat's own recognition, and of its grid of twelve columns."""
    document = json.loads(json.dumps(dashboard(title="Training")))
    assert document.keys() == {"name", "layout", "layoutAssignments", "panels"}
    assert document["name"] == "Training"
    rows = document["layout"]["rows"]
    columns = [column["id"] for row in rows for column in row["columns"]]
    assert len(set(columns)) == len(columns)
    assert document["layoutAssignments"].keys() == set(columns)
    assert sorted(document["layoutAssignments"].values()) == sorted(document["panels"])
    for row in rows:
        assert sum(column["size"] + column["offset"] for column in row["columns"]) <= 12
        assert all(column["size"] >= 3 for column in row["columns"])
    for identifier, panel in document["panels"].items():
        assert panel["id"] == identifier
        assert panel["type"] in {"markdown", "recordView"}


def test_it_shows_curves_metrics_and_settings() -> None:
    document = dashboard(configuration={"epochs": 3, "preset": None, "a|b": "*c*_d_ <x>", "list": [1, 2]}, seed=7)
    texts = {panel["title"]: panel["settings"].get("text", "") for panel in document["panels"].values()}  # type: ignore[attr-defined]
    assert base64.b64encode(b"PNG").decode() in texts["Learning curves"]
    assert "| mean absolute error | test | 0\\.123457 | V |".replace("\\.", ".") in texts["Metrics"]
    assert "| r2 |  | undefined |  |" in texts["Metrics"]
    assert "| Seed | 7 |" in texts["Run"]
    assert "| epochs | 3 |" in texts["Run"]
    assert "preset" not in texts["Run"]
    # Markup in a value stays what it is, and a table keeps its columns.
    assert r"| a\|b | \*c\*\_d\_ \<x\> |" in texts["Run"]
    assert r"| list | \[1, 2\] |" in texts["Run"]


@pytest.mark.parametrize("values", [{}, {"configuration": {}}])
def test_a_run_without_settings_has_one_too(values: dict[str, object]) -> None:
    assert dashboard(**values)["panels"]
