"""What a worker of a campaign does: some runs one after the other, with their observables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadi_battgen.sei.chemistry import SeiModel
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.regimes import regimes
from kadi_battgen.sei.simulation import STOP_REASONS, SeiRun, simulate


@dataclass(frozen=True)
class Batch:
    """Consecutive runs of a campaign.

    Attributes
    ----------
    model
        Everything but the barriers.
    barriers
        Barriers in eV, (runs, 15).
    seeds
        Seed of each run.
    first
        Number of the first run in the campaign.
    snapshots
        Configurations on the way that are kept of each run.
    """

    model: SeiModel
    barriers: np.ndarray
    seeds: tuple[int, ...]
    first: int
    snapshots: int = 0

    def __str__(self) -> str:
        return f"The batch of runs {self.first} to {self.first + len(self.seeds) - 1}"


def run_seed(seed: int, index: int) -> int:
    """Return the seed of a campaign's run, of 64 bits; no two runs of any campaigns share theirs but by chance."""
    return int(np.random.SeedSequence((seed, index)).generate_state(1, np.uint64)[0])


def simulate_batch(batch: Batch) -> dict[str, np.ndarray]:
    """Return the data sets of a campaign file (see :mod:`kadi_battgen.sei.store`) over the runs of a batch."""
    runs, films = [], []
    for barriers, seed in zip(batch.barriers, batch.seeds, strict=True):
        run = simulate(batch.model, barriers, seed)
        runs.append(run)
        if batch.snapshots:
            films.append(_film(batch.model, barriers, seed, batch.snapshots, run))
    configurations = np.stack([run.configuration for run in runs])
    values = observables(configurations)
    columns = {
        "configurations": configurations,
        "barriers": batch.barriers,
        "events": np.array([run.events for run in runs], dtype=np.int64),
        "time": np.array([run.time for run in runs], dtype=np.float64),
        "seed": np.array(batch.seeds, dtype=np.uint64),
        "stop_reason": np.array([STOP_REASONS.index(run.stop_reason) for run in runs], dtype=np.uint8),
        "regime": regimes(values),
        "process_counts": np.stack([run.process_counts for run in runs]),
        "escaped": np.stack([run.escaped for run in runs]),
    }
    columns.update({f"observables/{name}": column for name, column in values.items()})
    if batch.snapshots:
        columns["snapshots/configurations"] = np.stack([configurations for configurations, _ in films])
        columns["snapshots/time"] = np.stack([times for _, times in films])
    return columns


def growth(model: SeiModel, barriers: np.ndarray, seed: int, snapshots: int) -> tuple[np.ndarray, np.ndarray]:
    """Return configurations of a run on its way, at logarithmic times.

    The run is made twice, first to learn when it ends: the times go from the mean waiting time for its first event to its
    end.

    Parameters
    ----------
    model
        Everything but the barriers.
    barriers
        Barriers of the processes 1 to 15 in eV.
    seed
        Seed of the run.
    snapshots
        Number of configurations.

    Returns
    -------
    tuple
        Configurations, uint8, shape (snapshots, rows, columns), the last one that of the end, and times in s.

    Raises
    ------
    UserError
        If a barrier is out of range.
    """
    return _film(model, barriers, seed, snapshots, simulate(model, barriers, seed))


def _film(
    model: SeiModel, barriers: np.ndarray, seed: int, snapshots: int, run: SeiRun
) -> tuple[np.ndarray, np.ndarray]:
    if run.events == 0:  # nothing to see on the way
        return np.repeat(run.configuration[None], snapshots, axis=0), np.linspace(0.0, run.time, snapshots)
    waiting = 1.0 / (model.width * model.with_barriers(barriers).rate_constants()[0])
    times = np.geomspace(min(waiting, run.time / 10), run.time, snapshots)
    times[-1] = run.time
    return simulate(model, barriers, seed, snapshots=times).snapshots, times
