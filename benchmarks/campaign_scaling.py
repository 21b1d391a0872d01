"""How an AFM campaign's time falls with the number of workers, beside a bare multiprocessing pool of the same function.

Both sides simulate the same electrodes with the same task function on the same OpenCL device, with processes of one core
each that are up and warm before the clock starts: the figure is what distributing tasks costs. The efficiency is
time(1) / (n time(n)). The cluster hands the images back to the caller as the pool does. The last rows time whole calls
of run_campaign, with processes started and the file written.

Other work on the machine spoils the figures: the load is printed with them. Workers beyond the free cores show nothing.

    python benchmarks/campaign_scaling.py --electrodes 24 --orientations 4 --runs 3
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kadi_battgen.afm.campaign import run_campaign
from kadi_battgen.afm.settings import ScanSettings
from kadi_battgen.afm.tasks import ElectrodeTask, describe_engine, simulate_electrode
from kadi_battgen.electrodes.sources.bundled import bundled_electrodes
from kadi_battgen.parallel import ClusterSettings, available_cores, open_cluster
from kadi_battgen.parallel.worker import ONE_THREAD, bind_to_core


def _begin(cores: Any) -> None:
    bind_to_core(cores.get())


def _timed(work: Callable[[], Iterable[Any]]) -> float:
    started = time.perf_counter()
    failed = [value for value in work() if isinstance(value, str)]
    assert not failed, failed[0]
    return time.perf_counter() - started


def cluster_seconds(tasks: list[ElectrodeTask], workers: int, runs: int) -> list[float]:
    """Return the wall-clock times of all tasks on a cluster in s, without its start."""
    with open_cluster(ClusterSettings(workers), isolated=True) as cluster:
        # Twice as many as there are workers, so that each has its simulator before the clock starts.
        list(cluster.run(simulate_electrode, tasks[: 2 * workers]))
        return [_timed(lambda: (value for _, value in cluster.run(simulate_electrode, tasks))) for _ in range(runs)]


def pool_seconds(tasks: list[ElectrodeTask], workers: int, runs: int) -> list[float]:
    """Return the wall-clock times of all tasks on a multiprocessing pool in s, without its start."""
    context = multiprocessing.get_context("spawn")
    cores, available = context.SimpleQueue(), available_cores()
    for number in range(workers):
        cores.put(available[number % len(available)])
    with context.Pool(workers, _begin, (cores,)) as pool:
        list(pool.imap_unordered(simulate_electrode, tasks[: 2 * workers], chunksize=1))
        return [_timed(lambda: pool.imap_unordered(simulate_electrode, tasks, chunksize=1)) for _ in range(runs)]


def campaign_seconds(electrodes: list[Any], settings: ScanSettings, orientations: int, workers: int) -> float:
    """Return the wall-clock time of a whole campaign in s."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        output = Path(folder) / "afm.h5"
        cluster = ClusterSettings(workers)
        run_campaign(electrodes, output, settings, orientations=orientations, cluster=cluster, progress=False)
        return time.perf_counter() - started


def main() -> None:
    """Run both sides in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--electrodes", type=int, default=24, help="number of electrodes")
    parser.add_argument("--orientations", type=int, default=4, help="orientations of each")
    parser.add_argument("--pixels", type=int, default=128, help="pixels along each edge of an image")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median is printed")
    options = parser.parse_args()
    os.environ.update(ONE_THREAD)

    settings = ScanSettings(pixels=options.pixels)
    small = [electrode for electrode in bundled_electrodes().electrodes if len(electrode.structure.species) <= 16]
    electrodes = small[:: max(1, len(small) // options.electrodes)][: options.electrodes]
    with open_cluster(ClusterSettings(1), isolated=True) as cluster:
        [(_, engine)] = cluster.run(describe_engine, [settings])
    pool = max(options.orientations, 10 * options.orientations)
    tasks = [
        ElectrodeTask(settings, options.orientations, pool, engine, electrode.model_dump(mode="json"))
        for electrode in electrodes
    ]
    print(
        f"{len(tasks)} electrodes x {options.orientations} orientations, {options.pixels} x {options.pixels} pixels, "
        f"medians of {options.runs} runs; {len(available_cores())} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':24}{'workers':>8}{'time / s':>12}{'stacks / s':>12}{'efficiency':>12}")
    counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= len(available_cores())]
    first: dict[str, float] = {}
    for count in counts:
        sides = {
            "Dask": lambda n=count: cluster_seconds(tasks, n, options.runs),
            "multiprocessing.Pool": lambda n=count: pool_seconds(tasks, n, options.runs),
            "whole campaign": lambda n=count: [
                campaign_seconds(electrodes, settings, options.orientations, n) for _ in range(options.runs)
            ],
        }
        for name, measure in sides.items():
            seconds = statistics.median(measure())
            first.setdefault(name, seconds)
            rate, efficiency = len(tasks) * options.orientations / seconds, first[name] / (count * seconds)
            print(f"{name:24}{count:>8}{seconds:>12.2f}{rate:>12.1f}{efficiency:>12.2f}", flush=True)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
