from __future__ import annotations

from pathlib import Path

import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.records import LocalStore, Record, Reference, Run, find_record, resolve


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "records")


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def run(
    store: LocalStore, outputs: dict[Path, str], inputs: list[Path] | None = None, record_type: str = "step"
) -> Record:
    with Run(store, step=record_type) as context:
        for path in inputs or []:
            context.add_input(path.name, path)
        for path, role in outputs.items():
            context.add_file(path, role=role)
    return context.record


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("kadi:screen-1", Reference("kadi", "screen-1")),
        ("run:screen-1", Reference("run", "screen-1")),
        ("run:screen-1/model/weights.safetensors", Reference("run", "screen-1", "model/weights.safetensors")),
        ("afm.h5", None),
        ("./kadi:screen-1", None),
        ("kadi:", None),
        ("kadi:/name", None),
        ("other:screen-1", None),
        ("C:records", None),
    ],
)
def test_references_are_told_from_paths(text: str, reference: Reference | None) -> None:
    assert Reference.parse(text) == reference
    if reference:
        assert str(reference) == text


def test_a_path_is_itself(store: LocalStore, tmp_path: Path) -> None:
    assert resolve(store, tmp_path / "afm.h5").path == tmp_path / "afm.h5"
    assert resolve(store, "afm.h5").records == ()


def test_a_record_stands_for_its_only_result_of_the_kind(store: LocalStore, tmp_path: Path) -> None:
    table = write(tmp_path / "table.csv", "a,b")
    write(tmp_path / "model" / "weights", "1")
    outputs = {table: "result", tmp_path / "model": "result", write(tmp_path / "figure.png", "x"): "preview"}
    record = run(store, outputs)
    files = store.files_folder(record.identifier)
    for text, kind, path in (
        (f"run:{record.identifier}", "file", files / "table.csv"),
        (f"run:{record.identifier}", "folder", files / "model"),
        (f"run:{record.identifier}/model", "folder", files / "model"),
        (f"run:{record.identifier}/model/weights", "file", files / "model" / "weights"),
        (f"run:{record.identifier}/figure.png", "file", files / "figure.png"),
        (str(store.record_folder(record.identifier)), "file", files / "table.csv"),
    ):
        found = resolve(store, text, kind)
        assert found.path == path
        assert found.records == (record.identifier,)


def test_several_results_must_be_told_apart(store: LocalStore, tmp_path: Path) -> None:
    tables = {write(tmp_path / folder / "table.csv", folder): "result" for folder in "ab"}
    record = run(store, tables)
    assert [entry.stored for entry in record.files] == ["table.csv", "table-2.csv"]
    with pytest.raises(UserError, match=r"2 results that are a file: name one as run:.*/table.csv, run:.*/table-2.csv"):
        resolve(store, f"run:{record.identifier}")
    assert resolve(store, f"run:{record.identifier}/table-2.csv").path.read_text() == "b"


def test_models_of_a_chain_come_together(store: LocalStore, tmp_path: Path) -> None:
    for kind in ("translation", "screening"):
        write(tmp_path / "model" / kind / "weights", kind)
    first = run(store, {tmp_path / "model/translation": "result"}, record_type="model-training")
    second = run(
        store, {tmp_path / "model/screening": "result"}, [tmp_path / "model/translation"], record_type="model-training"
    )
    found = resolve(store, f"run:{second.identifier}", "models")
    assert {path.name for path in found.path.iterdir()} == {"translation", "screening"}
    assert (found.path / "translation" / "weights").read_text() == "translation"
    assert found.records == (second.identifier, first.identifier)
    assert resolve(store, f"run:{second.identifier}", "models") == found
    with pytest.raises(UserError, match="is no training"):
        resolve(store, f"run:{run(store, {}, record_type='screening').identifier}", "models")


def test_failed_runs_are_no_inputs(store: LocalStore) -> None:
    with pytest.raises(RuntimeError), Run(store, step="train") as context:
        raise RuntimeError("broken")
    with pytest.raises(UserError, match="ended as failed"):
        resolve(store, f"run:{context.identifier}")


def test_the_records_copy_outlives_the_file(store: LocalStore, tmp_path: Path) -> None:
    record = run(store, {write(tmp_path / "table.csv", "a"): "result"})
    (tmp_path / "table.csv").unlink()
    assert resolve(store, f"run:{record.identifier}").path.read_text() == "a"


def test_the_place_of_the_run_serves_where_the_copy_is_gone(store: LocalStore, tmp_path: Path) -> None:
    record = run(store, {write(tmp_path / "table.csv", "a"): "result"})
    copy = store.files_folder(record.identifier) / "table.csv"
    copy.write_text("changed")
    assert resolve(store, f"run:{record.identifier}").path == tmp_path / "table.csv"
    (tmp_path / "table.csv").write_text("changed too")
    with pytest.raises(UserError, match="gone or changed since"):
        resolve(store, f"run:{record.identifier}")


def test_inputs_that_no_record_made_are_kept(store: LocalStore, tmp_path: Path) -> None:
    mine = write(tmp_path / "electrodes.csv", "a")
    write(tmp_path / "structures" / "1.cif", "data")
    record = run(store, {}, [mine, tmp_path / "structures"])
    assert [entry.stored for entry in record.inputs] == ["inputs/electrodes.csv", "inputs/structures"]
    assert sorted(record.stored_files()) == ["inputs/electrodes.csv", "inputs/structures/1.cif"]
    made = run(store, {write(tmp_path / "afm.h5", "x"): "result"})
    used = run(store, {}, [tmp_path / "afm.h5"]).inputs[0]
    assert (used.stored, used.records) == (None, (made.identifier,))


def test_large_files_are_linked_and_a_new_result_does_not_change_them(store: LocalStore, tmp_path: Path) -> None:
    path = tmp_path / "afm.h5"
    path.write_bytes(b"1" * 2_000_000)
    record = run(store, {path: "result"})
    copy = store.files_folder(record.identifier) / "afm.h5"
    assert copy.stat().st_ino == path.stat().st_ino
    replacement = tmp_path / "new.h5"
    replacement.write_bytes(b"2")
    replacement.rename(path)
    assert copy.read_bytes() == b"1" * 2_000_000


@pytest.mark.parametrize("stored", ["../x", "/x", "a/../../x", "", ".", "a//b", "a\0b", "..", "./a", "a/"])
def test_stored_paths_never_leave_the_record(stored: str) -> None:
    from kadi_battgen.records import FileChecksum, Output

    with pytest.raises(ValueError, match="no path inside a folder"):
        Output(path="x", stored=stored, sha256="0" * 64, size=1)
    with pytest.raises(ValueError, match="no path inside a folder"):
        FileChecksum(path=stored, sha256="0" * 64, size=1)


class TestFindRecord:
    @pytest.fixture
    def record(self, store: LocalStore, tmp_path: Path) -> Record:
        write(tmp_path / "evaluation" / "metrics.json", "{}")
        return run(store, {write(tmp_path / "table.csv", "a"): "result", tmp_path / "evaluation": "result"})

    @pytest.mark.parametrize("form", ["run:{}", "run:{}/table.csv", "{}", "{folder}", "table.csv", "evaluation"])
    def test_every_way_to_name_one(
        self, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: Record, form: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        text = form.format(record.identifier, folder=store.record_folder(record.identifier))
        assert find_record(store, text)[1] == record

    def test_a_runs_folder_brings_its_own_store(self, store: LocalStore, tmp_path: Path, record: Record) -> None:
        elsewhere = LocalStore(tmp_path / "elsewhere")
        found, _ = find_record(elsewhere, store.record_folder(record.identifier))
        assert found.identifiers() == [record.identifier]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("changed.csv", "No record says that it made changed.csv as it is now"),
            ("absent.csv", "absent.csv is neither a file nor a record"),
            ("../absent", "is neither a file nor a record"),
            ("absent", "no record absent"),
            ("run:absent", "no record absent"),
            ("kadi:absent", "no instance is chosen"),
        ],
    )
    def test_what_names_none_is_said(
        self,
        store: LocalStore,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        record: Record,
        text: str,
        message: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write(Path("changed.csv"), "b")
        with pytest.raises(UserError, match=message):
            find_record(store, text)
