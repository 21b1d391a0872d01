"""What a record tells in Kadi4Mat, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from kadi_battgen.records import Metric, Record, Run
from kadi_battgen.records.artifacts import FileChecksum, Input, Output
from kadi_battgen.records.kadi.metadata import digest, kadi_fields, made_from, run_state
from kadi_battgen.records.model import RunError


@pytest.fixture
def record() -> Record:
    return Run(None, step="screen", record_type="screening", title="Screening", seed=1).record


def values(extras: list[dict[str, Any]], *path: str) -> Any:
    """Return the value of an entry by its keys."""
    for key in path:
        extras = next(extra["value"] for extra in extras if extra.get("key") == key)
    return extras


@pytest.mark.parametrize(
    ("state", "error", "tag", "words"),
    [
        ("running", None, "running", "has not ended yet"),
        ("killed", None, "killed", "was killed"),
        ("interrupted", RunError(type="KeyboardInterrupt", message=""), "interrupted", "was interrupted"),
        ("failed", RunError(type="ValueError", message="shape (3, 4)"), "failed", "failed: ValueError: shape (3, 4)"),
        ("failed", None, "failed", "The run failed."),
        ("succeeded", None, None, None),
    ],
)
def test_how_a_run_ended_is_said(
    record: Record, state: Any, error: RunError | None, tag: str | None, words: str | None
) -> None:
    record.state, record.error, record.description = state, error, "What we wanted."
    fields = kadi_fields(record)
    assert fields["tags"] == sorted(filter(None, ["screen", tag]))
    assert fields["description"].startswith("What we wanted.")
    assert words is None or words in fields["description"]
    assert values(fields["extras"], "run", "state") == state
    assert run_state(fields) == state


def test_a_licence_that_the_instance_does_not_know_is_still_told(record: Record) -> None:
    record.license = "CC-BY-4.0"
    assert kadi_fields(record, {"CC-BY-4.0"})["license"] == "CC-BY-4.0"
    fields = kadi_fields(record, {"MIT"})
    assert fields["license"] is None
    assert values(fields["extras"], "license") == "CC-BY-4.0"


def test_metrics_by_part_with_units(record: Record) -> None:
    record.metrics = [
        Metric(name="mean_absolute_error", value=0.25, unit="V", part="test"),
        Metric(name="r2", value=None, part="test", note="undefined: the value was nan"),
        Metric(name="candidates", value=16),
        Metric(name="error", value=0.1, unit="atoms per formula", term="not an iri"),
    ]
    extras = kadi_fields(record)["extras"]
    error, r2 = values(extras, "metrics", "test")
    assert (error["value"], error["unit"]) == (0.25, "V")
    assert (r2["type"], r2["value"], r2["description"]) == ("float", None, "undefined: the value was nan")
    candidates, other = values(extras, "metrics", "run")
    assert (candidates["type"], candidates["value"], "unit" in candidates) == ("int", 16, False)
    assert (other["unit"], "term" in other) == ("atoms per formula", False)
    assert values(extras, "units", "V") == "http://qudt.org/vocab/unit/V"


def test_files_with_their_checksums_stay_few(record: Record) -> None:
    files = tuple(FileChecksum(path=f"{number:04}.png", sha256="0" * 64, size=1) for number in range(800))
    record.files = [Output(path="x", stored="figures", kind="folder", sha256="1" * 64, size=800, files=files)]
    record.inputs = [Input(path="y", role="dataset", sha256="2" * 64, size=5, records=("build-dataset-1",))]
    extras = kadi_fields(record)["extras"]
    (output,) = values(extras, "files")
    listed = next(part for part in output["value"] if part["key"] == "files")
    assert len(listed["value"]) == 50
    assert "the first 50 of 800" in listed["description"]
    (used,) = values(extras, "inputs")
    assert [part["value"] for part in values(used["value"], "records")] == ["build-dataset-1"]


def test_a_failed_run_may_tell_of_what_no_option_allows(record: Record) -> None:
    record.configuration = {"working_ion": "Xx", "steps": 0}
    for state in ("failed", "succeeded"):
        record.state = state
        ion, steps = values(kadi_fields(record)["extras"], "configuration")
        assert (ion["value"], steps["value"]) == ("Xx", 0)
        assert "validation" not in ion
    record.configuration = {"working_ion": "Li"}
    (ion,) = values(kadi_fields(record)["extras"], "configuration")
    assert "Li" in ion["validation"]["options"]


def test_a_record_knows_itself_in_kadi(record: Record) -> None:
    found = {"extras": kadi_fields(record)["extras"]}
    record.state = "succeeded"
    assert made_from(found, record)
    assert not made_from(found, Run(None, step="screen").record)
    for other in ({}, {"extras": []}, {"extras": [{"key": "run", "type": "str", "value": "fast"}]}):
        assert not made_from(other, record)
        assert run_state(other) is None


def test_the_digest_tells_versions_apart(record: Record) -> None:
    first = digest(kadi_fields(record))
    assert digest(kadi_fields(record)) == first
    record.title = "Another"
    assert digest(kadi_fields(record)) != first
