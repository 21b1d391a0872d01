"""How well an SEI campaign uses two workers, and what 50,000 runs would take.

Efficiency is the wall time of one worker over twice that of two workers, for the same runs in the same session; both times
are those of the whole call, from starting the processes to the finished file. The compiled code is loaded before. The cost
of 50,000 runs is extrapolated from the CPU time of the sample, all processes together: it is no measurement of 50,000 runs.

    python benchmarks/sei_campaign.py --runs 64
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from kadi_battgen.files import sha256_file
from kadi_battgen.parallel import ClusterSettings
from kadi_battgen.sei.campaign import run_campaign
from kadi_battgen.sei.chemistry import SeiModel
from kadi_battgen.sei.design import named_design

#: Size of the thesis's data set.
THESIS_RUNS = 50_000


def main() -> int:
    """Run both and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=64, help="runs of each campaign")
    parser.add_argument("--design", default="published", choices=["published", "wide"], help="where barriers come from")
    parser.add_argument("--max-events", type=int, default=1_000_000, help="events after which a run stops")
    parser.add_argument("--repeats", type=int, default=3, help="repetitions, alternating; the median counts")
    options = parser.parse_args()

    design = named_design(options.design)
    barriers = design.sample(options.runs, 1)
    model = SeiModel(max_events=options.max_events, max_time=design.max_time)
    walls: dict[int, list[float]] = {1: [], 2: []}
    processor: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        run_campaign(
            barriers[:2], Path(folder) / "warm.h5", model.model_copy(update={"max_events": 1000}), progress=False
        )
        checksums = set()
        for repeat in range(options.repeats):
            for workers in walls:
                file = Path(folder) / f"{workers}-{repeat}.h5"
                before, started = cpu_seconds(), time.perf_counter()
                summary = run_campaign(barriers, file, model, seed=1, cluster=ClusterSettings(workers), progress=False)
                walls[workers].append(time.perf_counter() - started)
                if workers == 1:
                    processor.append(cpu_seconds() - before)
                checksums.add(sha256_file(file))
    one, two = median(walls[1]), median(walls[2])
    cpu = median(processor)
    report = {
        "runs": options.runs,
        "design": options.design,
        "max_events": options.max_events,
        "events": summary.events,
        "seconds_1_worker": [round(value, 2) for value in walls[1]],
        "seconds_2_workers": [round(value, 2) for value in walls[2]],
        "efficiency_2_workers": round(one / (2 * two), 3),
        "same_bytes": len(checksums) == 1,
        "cpu_seconds_1_worker": round(cpu, 2),
        "events_per_cpu_second": round(summary.events / cpu),
        f"core_hours_of_{THESIS_RUNS}_runs_extrapolated": round(cpu / options.runs * THESIS_RUNS / 3600, 3),
        "load_average": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(report, indent=2))
    return 0


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
