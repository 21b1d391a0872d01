from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Record, Run, resolve
from kadi_battgen.records.comparison import Comparison, compare_runs
from kadi_battgen.records.comparison_table import comparison_table
from kadi_battgen.records.differences import Tolerance
from kadi_battgen.records.reproduce import copy_sources, obtain_inputs


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.chdir(tmp_path)
    return LocalStore(tmp_path / "records")


def write(path: Path | str, content: str) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def run(
    store: LocalStore,
    inputs: dict[str, str] | None = None,
    outputs: dict[str, str] | None = None,
    metrics: dict[str, float] | None = None,
    settings: dict[str, Any] | None = None,
) -> Record:
    """Record a run with inputs by role, files by content and metrics by value."""
    with Run(store, step="step", settings=settings) as context:
        for role, path in (inputs or {}).items():
            context.add_input(role, path)
        for name, content in (outputs or {}).items():
            path = write(name, content)
            context.add_file(path.parent if "/" in name else path)
        for name, value in (metrics or {}).items():
            context.add_metric(name, value, unit="V", part="test")
    return context.record


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


class TestInputs:
    def test_the_records_own_copy_goes_first(self, store: LocalStore) -> None:
        record = run(store, {"table": write("mine.csv", "a")})
        write("mine.csv", "changed")
        path = obtain_inputs(store, record)["table"]
        assert (path.name, path.read_text()) == ("mine.csv", "a")

    def test_then_the_place_where_the_run_had_it(self, store: LocalStore, tmp_path: Path) -> None:
        run(store, outputs={"made.csv": "a"})
        record = run(store, {"table": "made.csv"})
        assert obtain_inputs(store, record) == {"table": tmp_path / "made.csv"}

    def test_then_what_the_source_keeps_under_the_name_that_it_had(self, store: LocalStore) -> None:
        run(store, outputs={"made.csv": "a"})
        shutil.move("made.csv", "renamed.csv")
        record = run(store, {"table": "renamed.csv"})
        write("renamed.csv", "changed")
        path = obtain_inputs(store, record)["table"]
        assert (path.name, path.read_text()) == ("renamed.csv", "a")
        path.unlink()
        write(path, "spoilt")
        assert obtain_inputs(store, record)["table"].read_text() == "a"

    def test_a_file_of_a_folder_that_a_source_made(self, store: LocalStore) -> None:
        run(store, outputs={"evaluation/metrics.json": "{}"})
        record = run(store, {"metrics": "evaluation/metrics.json"})
        shutil.rmtree("evaluation")
        assert obtain_inputs(store, record)["metrics"].read_text() == "{}"

    def test_a_folder_is_gathered_from_all_that_made_a_part_of_it(self, store: LocalStore) -> None:
        run(store, outputs={"model/translation/weights": "t"})
        run(store, outputs={"model/screening/weights": "s"})
        record = run(store, {"model": "model"})
        write("model/translation/weights", "trained anew")
        write("model/later/weights", "not there at that time")
        path = obtain_inputs(store, record)["model"]
        assert path.name == "model"
        assert contents(path) == {"translation/weights": "t", "screening/weights": "s"}
        assert obtain_inputs(store, record)["model"] == path

    def test_nothing_else_lies_in_or_beside_a_folder(self, store: LocalStore) -> None:
        run(store, outputs={"model/translation/weights": "t"})
        record = run(store, {"translator": "model/translation"})
        write("model/translation/more", "later")
        write("model/screening/weights", "later")
        path = obtain_inputs(store, record)["translator"]
        assert contents(path.parent) == {"translation/weights": "t"}
        write(path / "weights", "spoilt")
        assert contents(obtain_inputs(store, record)["translator"].parent) == {"translation/weights": "t"}

    def test_a_record_named_as_input(self, store: LocalStore) -> None:
        source = run(store, outputs={"made.csv": "a"})
        with Run(store, step="use") as context:
            context.input("table", f"run:{source.identifier}")
        assert obtain_inputs(store, context.record)["table"].read_text() == "a"
        assert resolve(store, f"run:{source.identifier}").path.name == "made.csv"

    def test_a_changed_input_that_nobody_made_is_named(self, store: LocalStore) -> None:
        record = run(store, {"table": write("mine.csv", "a")})
        write("mine.csv", "changed")
        write(store.files_folder(record.identifier) / "inputs" / "mine.csv", "changed")
        with pytest.raises(UserError, match=r"names mine.csv, but .* are gone or changed since"):
            obtain_inputs(store, record)

    @pytest.mark.parametrize("loss", ["record", "file"])
    def test_a_source_that_is_gone_is_named(self, store: LocalStore, loss: str) -> None:
        source = run(store, outputs={"made.csv": "a"})
        record = run(store, {"table": "made.csv"})
        write("made.csv", "changed")
        folder = store.record_folder(source.identifier)
        shutil.rmtree(folder if loss == "record" else folder / source.identifier)
        with pytest.raises(
            UserError, match=rf"used made.csv as table \(SHA-256 .*which is gone or changed: .*{source.identifier}"
        ):
            obtain_inputs(store, record)


class TestSources:
    def test_their_records_come_along(self, store: LocalStore, tmp_path: Path) -> None:
        first = run(store, outputs={"a.csv": "a"})
        second = run(store, {"a": "a.csv"}, {"b.csv": "b"})
        third = run(store, {"b": "b.csv"}, {"c.csv": "c"})
        target = LocalStore(tmp_path / "again" / "records")
        for _ in range(2):
            copy_sources(store, third, target)
            assert target.identifiers() == sorted([first.identifier, second.identifier])
        assert target.load(second.identifier) == second
        assert resolve(target, f"run:{first.identifier}").path.read_text() == "a"


@pytest.fixture
def compare(store: LocalStore, tmp_path: Path) -> Callable[..., Comparison]:
    """Return what compares two runs, given files and metrics of each."""

    def pair(
        recorded: tuple[dict[str, str], dict[str, float]],
        again: tuple[dict[str, str], dict[str, float]],
        relative: float = 1e-6,
        edit: Callable[[dict[str, Any]], None] = lambda document: None,
        settings: dict[str, Any] | None = None,
    ) -> Comparison:
        first = run(store, {}, *recorded)
        path = store.record_folder(first.identifier) / "record.json"
        document = json.loads(path.read_text())
        edit(document)
        path.write_text(json.dumps(document))
        shutil.rmtree("m", ignore_errors=True)
        second_store = LocalStore(tmp_path / "again")
        second = run(second_store, {}, *again, settings)
        return compare_runs(store, store.load(first.identifier), second_store, second, Tolerance(relative))

    return pair


class TestComparison:
    @pytest.mark.parametrize(
        ("recorded", "again", "agrees", "difference"),
        [
            ({"error": 0.5}, {"error": 0.5}, True, 0.0),
            ({"error": 0.5}, {"error": 0.5 + 1e-8}, True, 1e-8),
            ({"error": 0.5}, {"error": 0.6}, False, 0.1),
            ({"error": 0.0}, {"error": 1e-15}, True, 1e-15),
            ({"stacks": 1_000_000_000}, {"stacks": 1_000_000_001}, False, 1),
            ({"error": 0.5}, {}, False, None),
            ({}, {"error": 0.5}, False, None),
            ({"r2": float("nan")}, {"r2": float("nan")}, True, None),
            ({"r2": float("nan")}, {"r2": 0.5}, False, None),
        ],
    )
    def test_metrics(
        self, compare: Callable[..., Comparison], recorded: dict, again: dict, agrees: bool, difference: float | None
    ) -> None:
        comparison = compare(({}, recorded), ({}, again))
        (metric,) = comparison.metrics
        assert (metric.agrees, comparison.agrees) == (agrees, agrees)
        assert metric.difference == (None if difference is None else pytest.approx(difference))
        assert (metric.unit, metric.part) == ("V", "test")

    @pytest.mark.parametrize(
        ("recorded", "again", "statuses", "agrees"),
        [
            ({"t.csv": "a\n1.0\n"}, {"t.csv": "a\n1.0\n"}, {"t.csv": "same bytes"}, True),
            ({"t.csv": "a\n1.0\n"}, {"t.csv": "a\n1.00\n"}, {"t.csv": "same values"}, True),
            ({"t.csv": "a\n1.0\n"}, {"t.csv": "a\n2.0\n"}, {"t.csv": "differs"}, False),
            ({"t.csv": "a\n1.0\n"}, {}, {"t.csv": "missing"}, False),
            ({}, {"t.csv": "a\n1.0\n"}, {"t.csv": "new"}, True),
            ({"m/a.json": "[1.0]"}, {"m/a.json": "[1]"}, {"m/a.json": "same values"}, True),
            ({"m/a.json": "[1]"}, {"m/b.json": "[1]"}, {"m/a.json": "missing", "m/b.json": "new"}, False),
        ],
    )
    def test_files(
        self, compare: Callable[..., Comparison], recorded: dict, again: dict, statuses: dict[str, str], agrees: bool
    ) -> None:
        comparison = compare((recorded, {}), (again, {}))
        assert {entry.name: entry.status for entry in comparison.files} == statuses
        assert comparison.agrees is agrees

    def test_what_a_training_took_is_told_and_not_counted(self, store: LocalStore) -> None:
        took = [
            run(store, outputs={"model/card.json": "{}", "model/resources.json": f'{{"seconds": {seconds}}}'})
            for seconds in (1.5, 2.5)
        ]
        comparison = compare_runs(store, took[0], store, took[1])
        assert comparison.agrees
        counted = {entry.name: (entry.status, entry.counts) for entry in comparison.files}
        assert counted["model/card.json"] == ("same bytes", True)
        assert counted["model/resources.json"] == ("differs", False)

    def test_a_preview_is_compared_and_not_counted(self, store: LocalStore, tmp_path: Path) -> None:
        def show(where: LocalStore, content: str) -> Record:
            with Run(where, step="draw") as context:
                context.add_file(write("figure.svg", content), role="preview")
            return context.record

        again = LocalStore(tmp_path / "again")
        comparison = compare_runs(store, show(store, "<svg/>"), again, show(again, "<svg></svg>"))
        (file,) = comparison.files
        assert (file.status, file.agrees, comparison.agrees) == ("differs", False, True)
        lines = [" ".join(line.split()) for line in comparison_table(comparison)]
        assert any(line.startswith("preview figure.svg differs") for line in lines)
        assert lines[-1].startswith("Agrees: 0 of 0 metrics and 0 of 0 files")

    def test_content_that_is_gone_differs_without_values(
        self, compare: Callable[..., Comparison], store: LocalStore
    ) -> None:
        def lose(document: dict[str, Any]) -> None:
            shutil.rmtree(store.files_folder(document["identifier"]))

        (file,) = compare(({"t.csv": "a\n1.0\n"}, {}), ({"t.csv": "a\n1.00\n"}, {}), edit=lose).files
        assert file.status == "differs"
        assert "the values cannot be compared" in file.detail

    def test_only_versions_that_differ_are_listed(self, compare: Callable[..., Comparison]) -> None:
        def edit(document: dict[str, Any]) -> None:
            document["software"].update(version="0.0.1", python="3.10.0", packages={"numpy": "1.0", "gone": "1"})
            document["device"] = "cuda: NVIDIA H200"
            document["machine"]["cores"] = 64

        assert compare(({}, {}), ({}, {})).versions == ()
        comparison = compare(({}, {}), ({}, {}), edit=edit)
        found = {entry.name: (entry.recorded, entry.again) for entry in comparison.versions}
        assert found["kadi-battgen"][0] == "0.0.1"
        assert found["Python"][0] == "3.10.0"
        assert found["numpy"][0] == "1.0"
        assert found["gone"] == ("1", None)
        assert found["device"][0] == "cuda: NVIDIA H200"
        assert found["cores"][0] == "64"
        assert "platform" not in found
        assert comparison.agrees, "other versions are no difference of results"

    def test_settings_that_differ_are_listed_where_both_know_them(self, compare: Callable[..., Comparison]) -> None:
        def preset(document: dict[str, Any]) -> None:
            document["settings"] = {"loop": {"epochs": 40, "batch_size": 8}, "channels": [8]}

        assert compare(({}, {}), ({}, {}), edit=preset).settings == ()
        comparison = compare(({}, {}), ({}, {}), edit=preset, settings={"loop": {"epochs": 60}, "channels": [8]})
        found = {entry.name: (entry.recorded, entry.again) for entry in comparison.settings}
        assert found == {"loop.epochs": ("40", "60"), "loop.batch_size": ("8", None)}
        assert "loop.epochs 40 60" in [" ".join(line.split()) for line in comparison_table(comparison)]

    def test_the_document_and_the_table_say_the_same(self, compare: Callable[..., Comparison]) -> None:
        comparison = compare(
            ({"t.csv": "a\n1.0\n"}, {"error": 0.5, "stacks": 3}), ({"t.csv": "a\n2.0\n"}, {"error": 0.75, "stacks": 3})
        )
        document = json.loads(json.dumps(comparison.document(), allow_nan=False))
        assert document["agrees"] is False
        assert [entry["agrees"] for entry in document["metrics"]] == [False, True]
        assert document["files"][0]["detail"] == "largest difference 1, 1 of the magnitude (a)"
        lines = [" ".join(line.split()) for line in comparison_table(comparison)]
        assert "DIFFERS error (test) 0.5 0.75 0.25 V" in lines
        assert "agrees stacks (test) 3 3 V" in lines
        assert "DIFFERS t.csv differs largest difference 1, 1 of the magnitude (a)" in lines
        assert "No version differs: same packages, device and processor." in lines
        assert lines[-1].startswith(
            "Differs: 1 of 2 metrics and 0 of 1 files agree within a relative tolerance of 1e-06"
        )

    def test_a_long_list_of_metrics_shows_those_that_differ(self, compare: Callable[..., Comparison]) -> None:
        metrics = {f"metric_{number}": float(number) for number in range(40)}
        comparison = compare(({}, metrics), ({}, {**metrics, "metric_7": 8.0}))
        lines = [" ".join(line.split()) for line in comparison_table(comparison)]
        assert [line for line in lines if line.startswith("DIFFERS")] == ["DIFFERS metric_7 (test) 7 8 1 V"]
        assert "agrees 39 other metrics" in lines
