"""Campaigns of SEI simulations: all cores, resumable, the same bytes whatever they ran on."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.parallel import ClusterSettings, open_cluster
from kadi_battgen.progress import progress_bar
from kadi_battgen.sei.batch import Batch, run_seed, simulate_batch
from kadi_battgen.sei.chemistry import BARRIER_NAMES, SeiModel
from kadi_battgen.sei.design import Design
from kadi_battgen.sei.partial import campaign_key, canonical, difference, finished_batches, keep_batch, kept_blocks
from kadi_battgen.sei.store import SCHEMA_VERSION, SeiCampaign, described, write_campaign

#: Part of a campaign's key; raised when a change of this package changes what a run with a given seed does.
SIMULATION_VERSION: Final = 1

#: Most runs of a batch, which is what a killed campaign loses of each worker, and least number of batches.
LARGEST_BATCH: Final = 32
_BATCHES: Final = 128


@dataclass(frozen=True)
class SeiCampaignSummary:
    """What a campaign produced.

    Attributes
    ----------
    output
        The campaign file.
    runs
        Its runs, and how many of them were taken over from an earlier, interrupted or identical campaign.
    events
        Events of all runs.
    regimes, stop_reasons
        Number of runs by regime and by what ended them.
    seconds
        Wall time of this call.
    """

    output: Path
    runs: int
    reused_runs: int
    events: int
    regimes: dict[str, int] = field(default_factory=dict)
    stop_reasons: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def run_campaign(
    barriers: np.ndarray,
    output_path: str | os.PathLike[str],
    model: SeiModel | None = None,
    *,
    seed: int = 0,
    snapshots: int = 0,
    design: Design | None = None,
    cluster: ClusterSettings | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> SeiCampaignSummary:
    """Simulate many sets of barriers into one HDF5 file.

    Finished batches are kept in the folder ``<output>.partial`` until the file is complete; a campaign that was killed
    goes on there when it is called again. The file depends neither on the number of workers nor on the batches nor on
    whether the campaign was interrupted.

    Parameters
    ----------
    barriers
        Barriers of the processes 1 to 15 in eV, (runs, 15), in the order of the runs in the file.
    output_path
        The campaign file (``.h5``), written under a temporary name and renamed.
    model
        Everything else: chemistry, temperature, lattice and stop criteria; its own barriers are not used.
    seed
        Seed of the campaign, from which each run has its own.
    snapshots
        Configurations on the way that are kept of each run, at logarithmic times; they take a second pass over each run.
    design
        Where the barriers come from, for the file; None says that they were given.
    cluster
        Where the work runs; all cores of this machine if not given.
    batch
        Runs that a worker does at a time; chosen by the number of runs if not given.
    progress
        Show a progress bar on standard error.

    Returns
    -------
    SeiCampaignSummary
        Counts and time.

    Raises
    ------
    UserError
        If a number is impossible, a barrier is out of range, the output or its folder of finished batches belongs to
        another campaign, or the cluster is lost.
    """
    started = time.perf_counter()
    model, output = model or SeiModel(), Path(output_path)
    table = _checked(barriers, model, seed, snapshots, batch)
    request = _request(table, model, seed, snapshots, design)
    if output.is_dir():
        raise UserError(f"{output} is a folder: name a file to write to.")
    if _is_finished(output, request):
        return _summary(output, len(table), started)
    folder = output.with_name(output.name + ".partial")
    done = finished_batches(folder, request)
    reused = sum(stop - start for start, stop in done)
    size = batch or max(1, min(LARGEST_BATCH, len(table) // _BATCHES))
    tasks = [
        Batch(model, table[start:stop], tuple(run_seed(seed, index) for index in range(start, stop)), start, snapshots)
        for start, stop in _open_ranges(done, len(table), size)
    ]
    with (
        progress_bar(total=len(table), description="SEI runs", unit="run", initial=reused, enabled=progress) as bar,
        open_cluster(cluster) as workers,
    ):
        for position, columns in workers.run(simulate_batch, tasks, name=str):
            task = tasks[position]
            keep_batch(folder, task.first, task.first + len(task.seeds), columns)
            bar.update(len(task.seeds))
    _write(output, folder, request, len(table))
    shutil.rmtree(folder, ignore_errors=True)
    return _summary(output, reused, started)


def _checked(barriers: np.ndarray, model: SeiModel, seed: int, snapshots: int, batch: int | None) -> np.ndarray:
    table = np.asarray(barriers, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(BARRIER_NAMES) or not len(table):
        raise UserError(f"Barriers of shape {table.shape} were given: give at least one row of {len(BARRIER_NAMES)}.")
    for number, row in enumerate(table, start=1):
        try:
            model.with_barriers(row)
        except UserError as error:
            raise UserError(f"Run {number} of {len(table)}: {error}") from error
    for name, value, least in (
        ("seed", seed, 0),
        ("number of snapshots", snapshots, 0),
        ("batch size", 1 if batch is None else batch, 1),
    ):
        if value < least:
            raise UserError(f"The {name} is {value}: give {least} or more.")
    return table


def _request(table: np.ndarray, model: SeiModel, seed: int, snapshots: int, design: Design | None) -> dict[str, Any]:
    """Return everything that decides what is in the file."""
    chemistry = model.model_dump(mode="json", exclude={"barriers"})
    settings = {
        "runs": len(table),
        "seed": seed,
        "snapshots": snapshots,
        "max_events": chemistry.pop("max_events"),
        "max_time": chemistry.pop("max_time"),
    }
    origin = design.to_json() if design else {"name": "given barriers"}
    versions = {"schema": SCHEMA_VERSION, "simulation": SIMULATION_VERSION}
    digest = hashlib.sha256(table.tobytes()).hexdigest()
    return {"settings": settings, "model": chemistry, "design": origin, "barriers": digest, "versions": versions}


def _is_finished(output: Path, request: dict[str, Any]) -> bool:
    """Tell whether a file holds this very campaign, and refuse one that holds another."""
    if not output.is_file():
        return False
    try:
        with SeiCampaign.open(output) as campaign:
            found, key = campaign.request, campaign.key
    except (UserError, KeyError, ValueError):
        return False  # no campaign, or a broken one: it is written anew
    if key != campaign_key(request):
        raise UserError(
            f"{output} holds a campaign of another design ({difference(found, request)}): name another output, or remove "
            "the file."
        )
    return True


def _open_ranges(done: Sequence[tuple[int, int]], runs: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of runs that are still to be done, of at most `size` runs each."""
    position = 0
    for start, stop in [*done, (runs, runs)]:
        for first in range(position, start, size):
            yield first, min(first + size, start)
        position = stop


def _write(output: Path, folder: Path, request: dict[str, Any], runs: int) -> None:
    with atomic_path(output) as temporary:
        write_campaign(
            temporary,
            blocks=kept_blocks(folder),
            runs=runs,
            attributes={"request": canonical(request), "campaign_key": campaign_key(request)},
            described=described(bool(request["settings"]["snapshots"])),
        )


def _summary(output: Path, reused: int, started: float) -> SeiCampaignSummary:
    with SeiCampaign.open(output) as campaign:
        return SeiCampaignSummary(
            output=output,
            runs=len(campaign),
            reused_runs=reused,
            events=int(campaign.events.sum()),
            regimes=dict(Counter(campaign.regimes.tolist())),
            stop_reasons=dict(Counter(campaign.stop_reasons.tolist())),
            seconds=time.perf_counter() - started,
        )
