from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest

from kadi_battgen.errors import UserError
from kadi_battgen.sei import SeiModel, simulate, simulation

MODEL = SeiModel(width=24, height=20)


def assert_same(one, other):
    for field in dataclasses.fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(first, second), field.name


def test_same_seed_same_run_and_another_seed_another():
    first, again = (simulate(MODEL, seed=7, max_events=30_000) for _ in range(2))
    assert_same(first, again)
    assert simulate(MODEL, seed=8, max_events=30_000).time != first.time


def test_what_a_seed_gives_is_fixed():
    """Recorded from the engine: a change of these numbers changes every data set made with it."""
    run = simulate(SeiModel(), seed=1, max_events=200_000)
    assert run.time.hex() == "0x1.4b65d4c33ac26p-15"
    assert run.species_counts == {"S": 1517, "E": 50, "A": 50, "P": 53, "F": 57, "O": 761, "OO": 12, "C": 0}


def test_another_process_gives_the_same_bits():
    code = (
        "from kadi_battgen.sei import SeiModel, simulate\n"
        "print(simulate(SeiModel(width=24, height=20), seed=7, max_events=30_000).time.hex())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == simulate(MODEL, seed=7, max_events=30_000).time.hex()


class _NowhereToCache:
    """Numba's compiler where no folder can be written to."""

    def __call__(self, *functions, **options):
        if options.get("cache"):
            return self._refuse
        return functions[0]

    def _refuse(self, _function):
        raise RuntimeError("cannot cache function: no locator available")


def test_without_a_folder_for_machine_code_the_engine_is_still_compiled(monkeypatch):
    from kadi_battgen.sei import engine

    monkeypatch.setattr(engine, "njit", _NowhereToCache())
    assert engine.compiled(len) is len


def test_caps():
    by_events = simulate(MODEL, seed=3, max_events=20_000)
    assert (by_events.events, by_events.stop_reason) == (20_000, "event cap")
    cap = by_events.time * 0.6
    by_time = simulate(MODEL, seed=3, max_events=20_000, max_time=cap)
    assert (by_time.time, by_time.stop_reason) == (cap, "time cap")
    assert 0 < by_time.events < 20_000
    same = simulate(MODEL, seed=3, max_events=by_time.events)
    assert np.array_equal(same.configuration, by_time.configuration)
    assert same.time < cap
    assert simulate(MODEL, seed=3, max_events=by_time.events + 1).time > cap


def test_no_event_at_all():
    run = simulate(MODEL, seed=1, max_events=0)
    assert (run.events, run.time, run.species_counts["S"]) == (0, 0.0, 24 * 18)


def test_snapshots_do_not_change_the_run_and_show_it():
    plain = simulate(MODEL, seed=4, max_events=20_000)
    times = np.geomspace(plain.time / 1e3, plain.time * 10, 12)
    run = simulate(MODEL, seed=4, max_events=20_000, snapshots=times)
    assert run.snapshots.shape == (12, 20, 24)
    for time, snapshot in zip(times, run.snapshots, strict=True):
        assert np.array_equal(snapshot, simulate(MODEL, seed=4, max_events=20_000, max_time=float(time)).configuration)
    assert_same(dataclasses.replace(run, snapshots=plain.snapshots), plain)


def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path, monkeypatch):
    monkeypatch.setattr(simulation, "CHECKPOINT_EVENTS", 7_000)
    path = tmp_path / "run.npz"
    whole = simulate(MODEL, seed=5, max_events=40_000)
    assert_same(simulate(MODEL, seed=5, max_events=15_500, checkpoint=path), simulate(MODEL, seed=5, max_events=15_500))
    assert_same(simulate(MODEL, seed=5, max_events=40_000, max_time=whole.time * 0.7, checkpoint=path),
                simulate(MODEL, seed=5, max_events=40_000, max_time=whole.time * 0.7))  # fmt: skip
    assert_same(simulate(MODEL, seed=5, max_events=40_000, checkpoint=path), whole)
    assert os.listdir(tmp_path) == ["run.npz"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 6}, "belongs to another"),
        ({"barriers": (0.4,) * 15}, "belongs to another"),
        ({"max_events": 10}, "past what is asked for"),
        ({"snapshots": [1e-30]}, "past the snapshot"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, message):
    arguments = {"seed": 5, "max_events": 1_000, "checkpoint": tmp_path / "run.npz"}
    simulate(MODEL, **arguments)
    with pytest.raises(UserError, match=message):
        simulate(MODEL, **(arguments | change))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 broken"])
def test_a_broken_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no checkpoint"):
        simulate(MODEL, checkpoint=path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "give an integer"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"max_events": -5}, "capped at -5"),
        ({"max_time": 0.0}, "capped at 0 s"),
        ({"max_time": float("nan")}, "capped at nan s"),
        ({"snapshots": [2e-9, 1e-9]}, "ascending"),
        ({"barriers": [0.4] * 14}, "give 15"),
        ({"barriers": [0.4] * 14 + [float("nan")]}, "process 15"),
        ({"barriers": [-0.1] + [0.4] * 14}, "process 1 "),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(UserError, match=message):
        simulate(MODEL, **arguments)


def test_large_lattices():
    run = simulate(SeiModel(width=400, height=400), seed=1, max_events=20_000)
    assert run.configuration.shape == (400, 400)
    assert run.events == 20_000
