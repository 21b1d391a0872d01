"""How long the nodes take to describe themselves, which KadiStudio waits for when it starts.

Runs ``battgen NODE --xmlhelp`` for every node as a process of its own, several times in turn, beside the time that Python
itself and the libraries every xmlhelpy command loads need on the same machine.

Usage: python benchmarks/xmlhelp_latency.py [--runs 5]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

BATTGEN = Path(sys.executable).with_name("battgen")

#: Seconds that the slowest node may take.
LIMIT = 0.5


def seconds(command: list[str]) -> float:
    """Return the wall-clock time of a process in seconds."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> int:
    """Measure and print; the exit status is 1 if a node's median is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each command, of which the median counts")
    runs = parser.parse_args().runs
    listing = subprocess.run([BATTGEN, "--commands"], capture_output=True, text=True, check=True).stdout
    commands = {line: [str(BATTGEN), *line.split()[1:], "--xmlhelp"] for line in listing.splitlines()}
    commands["python alone"] = [sys.executable, "-c", ""]
    commands["an empty xmlhelpy command"] = [sys.executable, "-c", "import xmlhelpy"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in sorted(medians.items(), key=lambda entry: entry[1]):
        print(f"{median:6.3f} s  {name}")
    worst = max((name for name in medians if name.startswith("battgen")), key=medians.__getitem__)
    base = medians["an empty xmlhelpy command"]
    print(
        f"worst: {worst} {medians[worst]:.3f} s (limit {LIMIT} s), {medians[worst] / base:.1f} x importing xmlhelpy alone"
    )
    return int(medians[worst] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
