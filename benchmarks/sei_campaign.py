"""How well an SEI campaign uses two workers, and what 50,000 runs would take.

Efficiency is the wall time of one worker over twice that of two workers, for the same runs in the same session; both times
are those of the whole call, from starting the processes to the finished file. The compiled code is loaded before. Of the
repetitions that one counts which other programs disturbed least: their CPU time during each is printed, and with more than a
few percent of it the efficiency says nothing about the campaign. The cost of 50,000 runs is extrapolated from the CPU time of
the sample, all processes together: it is no measurement of 50,000 runs.

    python benchmarks/sei_campaign.py --runs 400
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
    parser.add_argument("--runs", type=int, default=400, help="runs of each campaign")
    parser.add_argument("--design", default="published", choices=["published", "wide"], help="where barriers come from")
    parser.add_argument("--max-events", type=int, default=1_000_000, help="events after which a run stops")
    parser.add_argument(
        "--repeats", type=int, default=2, help="repetitions, alternating; the least disturbed one counts"
    )
    options = parser.parse_args()

    design = named_design(options.design)
    barriers = design.sample(options.runs, 1)
    model = SeiModel(max_events=options.max_events, max_time=design.max_time)
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    checksums = set()
    with tempfile.TemporaryDirectory() as folder:
        run_campaign(
            barriers[:2], Path(folder) / "warm.h5", model.model_copy(update={"max_events": 1000}), progress=False
        )
        for repeat in range(options.repeats):
            for workers, entries in found.items():
                file = Path(folder) / f"{workers}-{repeat}.h5"
                own, everyone, started = cpu_seconds(), busy_seconds(), time.perf_counter()
                summary = run_campaign(barriers, file, model, seed=1, cluster=ClusterSettings(workers), progress=False)
                seconds, own = time.perf_counter() - started, cpu_seconds() - own
                others = max(0.0, busy_seconds() - everyone - own)
                entries.append({"seconds": seconds, "cpu_seconds": own, "cpu_seconds_of_others": others})
                checksums.add(sha256_file(file))
    one, two = (min(entries, key=lambda entry: entry["cpu_seconds_of_others"]) for entries in found.values())
    report = {
        "runs": options.runs,
        "design": options.design,
        "max_events": options.max_events,
        "events": summary.events,
        "workers": {
            workers: [{name: round(value, 2) for name, value in entry.items()} for entry in entries]
            for workers, entries in found.items()
        },
        "efficiency_2_workers": round(one["seconds"] / (2 * two["seconds"]), 3),
        "disturbed_fraction": round(
            max(entry["cpu_seconds_of_others"] / (2 * entry["seconds"]) for entry in (one, two)), 3
        ),
        "cpu_1_worker_over_cpu_2_workers": round(one["cpu_seconds"] / two["cpu_seconds"], 3),
        "same_bytes": len(checksums) == 1,
        "events_per_cpu_second": round(summary.events / one["cpu_seconds"]),
        f"core_hours_of_{THESIS_RUNS}_runs_extrapolated": round(
            one["cpu_seconds"] / options.runs * THESIS_RUNS / 3600, 3
        ),
    }
    print(json.dumps(report, indent=2))
    return 0


def busy_seconds() -> float:
    """Return the CPU time of all programs of this machine since its start, 0 where the system does not tell."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system = (int(field) for field in fields[:3])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children that ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    sys.exit(main())
