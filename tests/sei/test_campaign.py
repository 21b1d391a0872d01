"""Campaigns: content, the same bytes however they ran, resuming after a kill, refusals, and the card."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from kadi_battgen.electrodes.card import card_path
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.sei.batch import growth, run_seed
from kadi_battgen.sei.campaign import run_campaign
from kadi_battgen.sei.card import write_card
from kadi_battgen.sei.chemistry import BARRIER_NAMES, PROCESSES, SeiModel
from kadi_battgen.sei.design import named_design
from kadi_battgen.sei.observables import OBSERVABLES, observables
from kadi_battgen.sei.regimes import REGIMES, regimes
from kadi_battgen.sei.simulation import simulate
from kadi_battgen.sei.store import SeiCampaign

RUNS, EVENTS, SEED, SNAPSHOTS = 10, 3000, 7, 3
DESIGN = named_design("wide")
MODEL = SeiModel(max_events=EVENTS, max_time=DESIGN.max_time)
BARRIERS = DESIGN.sample(RUNS, SEED)


def _run(path, barriers=BARRIERS, model=MODEL, **options):
    options = {"seed": SEED, "snapshots": SNAPSHOTS, "design": DESIGN, "cluster": ClusterSettings(1)} | options
    return run_campaign(barriers, path, model, progress=False, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    path = tmp_path_factory.mktemp("campaign") / "sei.h5"
    return path, _run(path)


def test_the_file_holds_what_each_run_was_and_gave(finished):
    path, summary = finished
    with SeiCampaign.open(path) as campaign:
        assert len(campaign) == summary.runs == RUNS
        assert campaign.lattice_shape == (50, 50)
        np.testing.assert_array_equal(campaign.barriers, BARRIERS)
        assert campaign.seeds.tolist() == [run_seed(SEED, index) for index in range(RUNS)]
        for index in (0, RUNS - 1):
            run = simulate(MODEL, BARRIERS[index], run_seed(SEED, index))
            np.testing.assert_array_equal(campaign.configuration(index), run.configuration)
            assert campaign.time[index] == run.time
            assert campaign.events[index] == run.events
            np.testing.assert_array_equal(campaign.process_counts[index], run.process_counts)
            assert campaign.stop_reasons[index] == run.stop_reason
        found = observables(campaign.configurations())
        assert list(campaign.observables) == list(OBSERVABLES)
        for name, values in campaign.observables.items():
            np.testing.assert_array_equal(values, found[name])
        assert campaign.regimes.tolist() == [list(REGIMES)[number] for number in regimes(found)]
        assert campaign.process_counts.sum(axis=1).tolist() == campaign.events.tolist()
        assert (campaign.events <= EVENTS).all()
        assert (campaign.time <= DESIGN.max_time).all()
        assert campaign.design == DESIGN.to_json()
        assert campaign.settings == {
            "runs": RUNS,
            "seed": SEED,
            "snapshots": SNAPSHOTS,
            "max_events": EVENTS,
            "max_time": DESIGN.max_time,
        }
        assert campaign.model["temperature"] == 300.0
    assert summary.events == sum(campaign.events)
    assert sum(summary.regimes.values()) == sum(summary.stop_reasons.values()) == RUNS


def test_the_layout_that_others_read(finished):
    with h5py.File(finished[0]) as file:
        assert file["configurations"].shape == (RUNS, 50, 50)
        assert file["configurations"].dtype == np.uint8
        assert file["configurations"].chunks == (1, 50, 50)
        assert file["barriers"].shape == (RUNS, 15)
        assert file["barriers"].attrs["unit"] == "eV"
        assert list(file["barriers"].attrs["names"]) == list(BARRIER_NAMES)
        assert file["time"].attrs["unit"] == "s"
        assert file["events"].shape == (RUNS,)
        assert list(file["configurations"].attrs["species"]) == ["S", "E", "A", "P", "F", "O", "OO", "C"]
        assert len(file["process_counts"].attrs["names"]) == file["process_counts"].shape[1] == len(PROCESSES)
        assert file["escaped"].shape == (RUNS, len(file["escaped"].attrs["species"]))
        for name, entry in OBSERVABLES.items():
            assert file["observables"][name].attrs["unit"] == entry.unit
            assert file["observables"][name].attrs["definition"] == entry.definition


def test_snapshots_grow_to_the_end(finished):
    with SeiCampaign.open(finished[0]) as campaign:
        assert campaign.snapshots == SNAPSHOTS
        for index in range(RUNS):
            configurations, times = campaign.growth(index)
            assert (np.diff(times) > 0).all()
            assert times[-1] == campaign.time[index]
            np.testing.assert_array_equal(configurations[-1], campaign.configuration(index))
            assert (configurations[:, 0] == 1).all()
        steps = np.diff(np.log(times))
        np.testing.assert_allclose(steps, steps[0], rtol=1e-6)


def test_a_campaign_without_snapshots_says_so(tmp_path):
    _run(tmp_path / "sei.h5", BARRIERS[:2], snapshots=0)
    with SeiCampaign.open(tmp_path / "sei.h5") as campaign:
        assert campaign.snapshots == 0
        with pytest.raises(UserError, match="--snapshots"):
            campaign.growth(0)


@pytest.mark.parametrize(("workers", "batch"), [(1, 1), (1, 4), (1, 32), (2, 3)])
def test_the_bytes_depend_neither_on_workers_nor_on_batches(workers, batch, finished, tmp_path):
    _run(tmp_path / "again.h5", cluster=ClusterSettings(workers), batch=batch)
    assert sha256_file(tmp_path / "again.h5") == sha256_file(finished[0])
    assert [path.name for path in tmp_path.iterdir()] == ["again.h5"]


def test_a_run_does_not_depend_on_its_companions(finished, tmp_path):
    _run(tmp_path / "few.h5", BARRIERS[:3], design=None)
    with SeiCampaign.open(tmp_path / "few.h5") as few, SeiCampaign.open(finished[0]) as all_runs:
        np.testing.assert_array_equal(few.configurations(), all_runs.configurations(0, 3))


def test_a_killed_campaign_goes_on_where_it_stopped(finished, tmp_path):
    """Killed without a chance to clean up, its batches are taken over, also by another number of runs a batch."""
    path, folder = tmp_path / "sei.h5", tmp_path / "sei.h5.partial"
    code = f"""
import sys
sys.path.insert(0, {str(os.path.dirname(__file__))!r})
import kadi_battgen.sei.campaign as module
from test_campaign import _run
keep, kept = module.keep_batch, []
def slowly(*given):
    keep(*given)
    kept.append(given)
    if len(kept) == 3:
        print("three", flush=True)
        import time
        time.sleep(600)
module.keep_batch = slowly
_run({str(path)!r}, batch=2)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "three\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not path.exists()
    batches = sorted(folder.glob("*.npz"))
    assert len(batches) == 3
    batches[1].write_bytes(batches[1].read_bytes()[:-200])  # a torn file counts as missing
    summary = _run(path, batch=4)
    assert summary.reused_runs == 4
    assert sha256_file(path) == sha256_file(finished[0])
    assert not folder.exists()


def test_a_finished_campaign_is_taken_over(finished):
    path, _ = finished
    written = path.stat().st_mtime_ns
    assert _run(path).reused_runs == RUNS
    assert path.stat().st_mtime_ns == written


CHANGES = {
    "seed": ({"seed": 8}, "seed is 7 there and 8 here"),
    "events": ({"model": MODEL.model_copy(update={"max_events": 5})}, "max_events is 3000 there and 5 here"),
    "chemistry": (
        {"model": MODEL.model_copy(update={"temperature": 310.0})},
        "temperature is 300.0 there and 310.0 here",
    ),
    "design": ({"design": named_design("published")}, "name is wide there and published here"),
    "runs": ({"barriers": BARRIERS[:4]}, "runs is 10 there and 4 here"),
    "barriers": ({"barriers": BARRIERS[::-1].copy()}, "barriers are others"),
}


@pytest.mark.parametrize(("change", "says"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("where", ["finished", "interrupted"])
def test_a_file_of_another_campaign_is_refused(where, change, says, finished, tmp_path):
    path = finished[0]
    if where == "interrupted":
        path = tmp_path / "sei.h5"
        (tmp_path / "sei.h5.partial").mkdir()
        with SeiCampaign.open(finished[0]) as campaign:
            (tmp_path / "sei.h5.partial" / "campaign.json").write_text(json.dumps(campaign.request))
    with pytest.raises(UserError, match=says) as caught:
        _run(path, **change)
    assert "sei.h5" in str(caught.value)
    assert "another output" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"barriers": BARRIERS[:, :14]}, "one row of 15"),
        ({"barriers": BARRIERS[:0]}, "at least one row"),
        ({"barriers": np.where(np.arange(15) == 4, 9.0, BARRIERS)}, r"Run 1 of 10: .*process 5 .* is 9 eV"),
        ({"barriers": np.where(np.arange(15) == 4, np.nan, BARRIERS)}, "process 5"),
        ({"seed": -1}, "seed is -1"),
        ({"snapshots": -1}, "snapshots is -1"),
        ({"batch": 0}, "batch size is 0"),
    ],
)
def test_impossible_campaigns_are_refused(change, says, tmp_path):
    with pytest.raises(UserError, match=says):
        _run(tmp_path / "sei.h5", **change)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_campaign_is_named(tmp_path):
    (tmp_path / "sei.h5").write_text("nothing")
    with pytest.raises(UserError, match=r"sei\.h5.*simulate-sei"):
        SeiCampaign.open(tmp_path / "sei.h5")


def test_an_open_campaign_travels_to_other_processes(finished):
    import pickle

    with SeiCampaign.open(finished[0]) as campaign:
        campaign.configuration(0)
        copy = pickle.loads(pickle.dumps(campaign))
        np.testing.assert_array_equal(copy.configuration(1), campaign.configuration(1))
        copy.close()


def test_the_card_states_what_is_in_the_file(finished, tmp_path):
    path, summary = finished
    card = tmp_path / Path(card_path(path)).name
    assert card.name == "sei.card.md"
    write_card(card, path)
    text = card.read_text()
    assert f"{RUNS} kinetic Monte Carlo" in text
    for name, count in summary.regimes.items():
        assert f"| {name} | {count} | {count / RUNS:.1%} |" in text
    for name, values in SeiCampaign.open(path).observables.items():
        assert f"| `{name}` | {OBSERVABLES[name].unit} | {values.min():.4g} |" in text
    for name, column, entry in zip(BARRIER_NAMES, BARRIERS.T, DESIGN.ranges, strict=True):
        numbers = " | ".join(f"{value:.4f}" for value in (column.min(), np.median(column), column.max()))
        assert f"| {name} | {numbers} | {entry.low:.4f} to {entry.high:.4f}, {entry.law} |" in text
    for words in (
        "seed 7",
        f"`clusters_whole` | {RUNS} | 100.0%",
        "3,000 events",
        "0.001 s",
        "wide",
        "## Known faults",
        *summary.stop_reasons,
    ):
        assert words in text


def test_growth_ends_as_the_run_does():
    configurations, times = growth(MODEL, BARRIERS[0], 5, 4)
    run = simulate(MODEL, BARRIERS[0], 5)
    assert configurations.shape == (4, 50, 50)
    assert times[-1] == run.time
    np.testing.assert_array_equal(configurations[-1], run.configuration)


@pytest.mark.parametrize("fields", [{"max_events": 0}, {"max_time": 1e-20}])
def test_a_run_without_events_stays_as_it_began(fields, tmp_path):
    _run(tmp_path / "sei.h5", BARRIERS[:2], SeiModel(**fields))
    with SeiCampaign.open(tmp_path / "sei.h5") as campaign:
        assert campaign.events.tolist() == [0, 0]
        assert set(campaign.regimes) == {"bare"}
        configurations, times = campaign.growth(1)
        assert np.isfinite(times).all()
        assert (configurations == campaign.configuration(1)).all()


def test_seeds_of_runs_differ():
    assert len({run_seed(seed, index) for seed in range(3) for index in range(1000)}) == 3000
    assert run_seed(1, 0) < 2**64
