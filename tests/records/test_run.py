from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.records import LocalStore, Run
from kadi_battgen.records.artifacts import PROV_USED, PROV_WAS_GENERATED_BY


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "records")


def test_a_run_leaves_a_complete_record(store: LocalStore, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset.txt"
    dataset.write_text("ten electrodes")
    result = tmp_path / "candidates.csv"
    with Run(
        store,
        step="screen",
        record_type="screening",
        title="Screening for Li",
        configuration={"samples": np.int64(16), "voltage": (3.5, 4.0), "output": result},
        seed=1,
        tags=["Li"],
        command=["/usr/local/bin/battgen", "screen", "--seed", "1"],
    ) as run:
        run.add_input("dataset", dataset)
        result.write_text("formula\nLiFePO4\n")
        run.add_file(result, description="ranked candidates")
        run.add_metric("mean_absolute_error", np.float32(0.5), unit="V", part="test")

    record = store.load(run.identifier)
    assert record == run.record
    assert (record.state, record.error) == ("succeeded", None)
    assert record.configuration["samples"] == 16
    assert record.configuration["voltage"] == [3.5, 4.0]
    assert record.command == ("battgen", "screen", "--seed", "1")
    assert record.inputs[0].sha256 == sha256_file(dataset)
    assert record.inputs[0].term == PROV_USED
    assert record.files[0].sha256 == sha256_file(result)
    assert record.files[0].term == PROV_WAS_GENERATED_BY
    assert record.files[0].path == "../../candidates.csv"
    assert store.locate(run.identifier, record.files[0].path) == result
    assert record.metrics[0].model_dump(exclude_none=True) == {
        "name": "mean_absolute_error",
        "value": 0.5,
        "unit": "V",
        "part": "test",
    }
    assert record.ended is not None
    assert record.ended >= record.started
    assert record.started.utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    assert record.device is not None
    assert record.device.startswith(("cpu: ", "cuda: "))
    assert {"numpy", "pydantic"} <= set(record.software.packages)
    assert record.machine.cores >= 1


def test_without_a_store_the_same_calls_work(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with Run(None, step="screen") as run:
        run.add_input("text", tmp_path / "a.txt")
        run.add_file(tmp_path / "a.txt")
        run.add_metric("count", 3)
    assert run.record.state == "succeeded"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ValueError("the shape is (3, 4)"), "failed"),
        (UserError("The file x is empty."), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(2), "failed"),
        (SystemExit(0), "succeeded"),
    ],
)
def test_the_end_is_recorded_and_the_exception_goes_on(store: LocalStore, error: BaseException, state: str) -> None:
    run = Run(store, step="train")
    with pytest.raises(type(error)), run:
        raise error
    record = store.load(run.identifier)
    assert record.state == state
    if state == "succeeded":
        assert record.error is None
    else:
        assert record.error is not None
        assert (record.error.type, record.error.message) == (type(error).__name__, str(error))
    assert "Traceback" not in (store.record_folder(run.identifier) / "record.json").read_text()


def test_a_killed_run_is_reported_as_killed(store: LocalStore) -> None:
    program = (
        "import sys, time\n"
        "from kadi_battgen.records import LocalStore, Run\n"
        f"with Run(LocalStore({str(store.folder)!r}), step='train') as run:\n"
        "    print(run.identifier, flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    identifier = process.stdout.readline().strip()
    assert store.load(identifier).state == "running"
    process.send_signal(signal.SIGKILL)
    # Not reaped yet: a zombie is not a running run either.
    deadline = time.monotonic() + 10
    while store.load(identifier).state == "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert store.load(identifier).state == "killed"
    process.wait()
    process.stdout.close()
    assert store.load(identifier).state == "killed"
    # Reading changes nothing: the file still holds what the run itself last wrote.
    assert json.loads((store.record_folder(identifier) / "record.json").read_text())["state"] == "running"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"boot": "0" * 32, "pid": 1}, id="another machine or container"),
        pytest.param({"boot": None}, id="a system without boot ids"),
    ],
)
def test_a_run_that_cannot_be_seen_stays_running(store: LocalStore, other: dict[str, object]) -> None:
    run = Run(store, step="train")
    run.record.process = run.record.process.model_copy(update=other)
    store.save(run.record)
    assert store.load(run.identifier).state == "running"


def test_a_reused_process_id_does_not_hide_a_killed_run(store: LocalStore) -> None:
    run = Run(store, step="train")
    assert run.record.process.started is not None
    run.record.process = run.record.process.model_copy(update={"started": run.record.process.started - 1})
    store.save(run.record)
    assert store.load(run.identifier).state == "killed"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_an_undefined_metric_becomes_null_with_a_note(store: LocalStore, value: float) -> None:
    with Run(store, step="train") as run:
        run.add_metric("r2", 0.9, part="test")
        run.add_metric("r2", value, part="test")
    (metric,) = store.load(run.identifier).metrics
    assert metric.value is None
    assert str(float(value)) in (metric.note or "")


@pytest.mark.parametrize("value", ["0.1", True, None, np.array([1.0, 2.0])])
def test_a_metric_that_is_no_number_is_refused(value: object) -> None:
    with Run(None, step="train") as run, pytest.raises((TypeError, ValueError)):
        run.add_metric("accuracy", value)  # type: ignore[arg-type]


class _Settings(BaseModel):
    learning_rate: float = 1e-4
    channels: tuple[int, ...] = (32, 64)


def test_a_pydantic_configuration_is_recorded(store: LocalStore) -> None:
    with Run(store, step="train", configuration=_Settings()) as run:
        pass
    assert store.load(run.identifier).configuration == {"learning_rate": 1e-4, "channels": [32, 64]}


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"rate": float("nan")}, r"configuration\.rate is nan"),
        ({"voltage": {"upper": float("inf")}}, r"configuration\.voltage\.upper is inf"),
        ({"seeds": [1, 2**53]}, r"configuration\.seeds\[1\] is 9007199254740992"),
        ({1: "a", "1": "b"}, "two keys"),
    ],
)
def test_a_configuration_no_store_can_hold_is_refused_at_once(
    store: LocalStore, configuration: dict[object, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Run(store, step="train", configuration=configuration)  # type: ignore[arg-type]
    assert store.identifiers() == []


def test_a_missing_input_is_refused(tmp_path: Path) -> None:
    with Run(None, step="screen") as run, pytest.raises(UserError, match="does not exist"):
        run.add_input("dataset", tmp_path / "absent.h5")


def test_concurrent_runs_get_different_identifiers(store: LocalStore) -> None:
    def record(_: int) -> str:
        with Run(store, step="simulate-afm") as run:
            return run.identifier

    with ThreadPoolExecutor(8) as pool:
        identifiers = list(pool.map(record, range(64)))
    assert len(set(identifiers)) == 64
    assert store.identifiers() == sorted(identifiers)


def test_a_store_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where the folder should be")
    worked = False
    with pytest.raises(UserError, match="cannot be created"), Run(LocalStore(tmp_path / "records"), step="train"):
        worked = True
    assert not worked


def test_a_lost_store_does_not_hide_why_the_run_failed(store: LocalStore) -> None:
    run = Run(store, step="train")

    def train() -> None:
        with run:
            path = store.record_folder(run.identifier) / "record.json"
            path.unlink()
            path.mkdir()
            raise ValueError("the loss diverged")

    with pytest.raises(ValueError, match="diverged") as caught:
        train()
    assert run.identifier in caught.value.__notes__[0]


def test_importing_records_loads_nothing_heavy() -> None:
    program = (
        "import sys, kadi_battgen.records as r\n"
        "with r.Run(None, step='screen') as run: pass\n"
        "print([name for name in ('torch', 'pymatgen', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
