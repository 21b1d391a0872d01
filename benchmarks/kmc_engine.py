"""Events per CPU-second of the SEI engine on one core, by lattice size and barriers, beside another lattice Monte Carlo.

The time is the process's own CPU time for whole runs from a bare electrode, with the set-up of each run and without the
compilation, which happens once per machine. Each figure is the median of several rounds over the same runs; the rounds of
the lattices and of the peer alternate, so that whatever else the machine does strikes all alike.

The peer is lattice_mc (PyPI, B. J. Morgan), rejection-free kinetic Monte Carlo of particles that hop on a lattice, where it
is installed. The models differ: the peer's particles hop to free sites and nothing else, while the SEI model has 19
processes, clusters that move as a whole, and boundaries; and the peer is plain Python, written to be read. A ratio of the
two tells what an event costs in either program, not how one would do the other's work.

    python benchmarks/kmc_engine.py --reference reference_runs.csv
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib.util
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kadi_battgen.sei import SeiModel, simulate

#: What the engine is held to: events per CPU-second at 50 x 50, and how much dearer an event may be at 200 x 200.
LEAST_SPEED, LARGEST_GROWTH = 4.3e6, 2.0


def reference_barriers(path: Path, vectors: int) -> list[tuple[float, ...]]:
    """Return barriers in eV of some published runs, spread evenly over the table."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [tuple(float(row[f"e{number}"]) for number in range(1, 16)) for row in rows[:: max(1, len(rows) // vectors)]]


def engine_speed(model: SeiModel, vectors: list[tuple[float, ...]], events: int, seed: int) -> float:
    """Return events per CPU-second over one run with each of the barriers."""
    start, happened = time.process_time(), 0
    for number, barriers in enumerate(vectors):
        happened += simulate(model, barriers, seed=seed + number, max_events=events).events
    return happened / (time.process_time() - start)


def peer() -> Callable[[int], float] | None:
    """Return a function that gives lattice_mc's events per CPU-second, None where it is not installed."""
    if importlib.util.find_spec("lattice_mc") is None:
        return None
    from lattice_mc.init_lattice import square_lattice
    from lattice_mc.simulation import Simulation

    def speed(events: int) -> float:
        simulation = Simulation()
        with contextlib.redirect_stdout(io.StringIO()):
            simulation.lattice = square_lattice(50, 50, 1.0)
            simulation.set_number_of_atoms(250)
            simulation.set_number_of_jumps(events)
            start = time.process_time()
            simulation.run()
            return events / (time.process_time() - start)

    return speed


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, help="table of published runs with the columns e1 to e15 in eV")
    parser.add_argument("--vectors", type=int, default=20, help="barrier vectors taken from the table")
    parser.add_argument("--events", type=int, default=500_000, help="events of a run")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, whose median counts")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200, 400], help="sites along each edge")
    parser.add_argument("--peer-events", type=int, default=2_000, help="events of the peer's run")
    arguments = parser.parse_args()

    default = [SeiModel().barriers] * 2
    tables = {"default": default}
    if arguments.reference is not None:
        tables["reference"] = reference_barriers(arguments.reference, arguments.vectors)
    start = time.process_time()
    simulate(SeiModel(), max_events=1)
    print(f"first run: {time.process_time() - start:.1f} CPU-s, with imports and compilation or its cache", flush=True)

    cases = {("default", rule, 50): default for rule in "AB"}
    cases |= {(name, "A", size): vectors for name, vectors in tables.items() for size in arguments.sizes}
    found: dict[tuple[str, str, int], list[float]] = {case: [] for case in cases}
    other, others = peer(), []
    for turn in range(arguments.rounds):
        for case, vectors in cases.items():
            name, rule, size = case
            # A larger lattice fills up with more events: as many to a site as the smallest one has, within reason.
            events = min(arguments.events * size**2 // 2500, 4 * arguments.events)
            chosen = vectors if size <= 100 else vectors[:4]
            model = SeiModel(width=size, height=size, cluster_rule=rule)
            found[case].append(engine_speed(model, chosen, events, 1000 * turn))
        if other is not None:
            others.append(other(arguments.peer_events))

    speeds = {case: statistics.median(values) for case, values in found.items()}
    print(f"{'barriers':10} {'rule':4} {'lattice':>9} {'events/CPU-s':>13} {'ns/event':>9} {'to 50':>6}")
    for (name, rule, size), speed in speeds.items():
        growth = speeds[name, rule, 50] / speed if (name, rule, 50) in speeds else float("nan")
        print(f"{name:10} {rule:4} {size:4} x{size:4} {speed:13,.0f} {1e9 / speed:9.0f} {growth:6.2f}")
    if other is None:
        print(
            "lattice_mc is not installed, so there is no peer: pip install lattice_mc into an environment of its own."
        )
    else:
        rate = statistics.median(others)
        print(f"lattice_mc, 250 of 2,500 sites, another model: {rate:,.0f} events/CPU-s")
        print(f"the SEI engine's events come {speeds['default', 'A', 50] / rate:,.0f} times as often")
    slowest = min(speed for (_, _, size), speed in speeds.items() if size == 50)
    growths = [speeds[n, r, 50] / speed for (n, r, size), speed in speeds.items() if size == 200]
    reached = slowest >= LEAST_SPEED and all(growth <= LARGEST_GROWTH for growth in growths)
    print(
        json.dumps({"events_per_cpu_s_50": slowest, "cost_200_to_50": max(growths, default=None), "reached": reached})
    )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
