"""What the plugin costs a Kadi4Mat server: telling whose a file is, and reading one page of a preview.

Detection is timed on files that are not ours, beside one read of their first 64 KiB; a page is timed whole, with the start of
the process that reads it, beside that start alone. Peak memory is that of the process.

    python benchmarks/kadi_plugin_cost.py campaign.h5 sei.h5 --runs 9 --output benchmarks/results
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from kadi_battgen.files import write_json
from kadi_battgen.kadi_plugin.detection import detect
from kadi_battgen.kadi_plugin.hdf5.process import read_page
from kadi_battgen.kadi_plugin.limits import HEADER


def _seconds(task: Callable[[], object], runs: int) -> float:
    """Return the median wall-clock time of a task in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _detection(folder: Path, runs: int) -> dict[str, dict[str, float]]:
    foreign = {}
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["values"] = np.zeros(25_000_000)
    (folder / "foreign.json").write_text(json.dumps({"values": list(range(200_000))}))
    (folder / "foreign.csv").write_text("a,b\n" + "1,2\n" * 1_000_000)
    types = {"foreign.h5": "application/x-hdf5", "foreign.json": "application/json", "foreign.csv": "text/csv"}
    for name, base in types.items():
        path = folder / name
        size = path.stat().st_size

        def read(path: Path = path) -> object:
            with open(path, "rb") as stream:
                return stream.read(HEADER)

        def tell(path: Path = path, size: int = size, base: str = base) -> object:
            with open(path, "rb") as stream:
                return detect(stream, size, base)

        assert tell() is None
        foreign[name] = {
            "size_MB": round(size / 1e6, 1),
            "detection_ms": round(1e3 * _seconds(tell, 20 * runs), 3),
            "reading_64_KiB_ms": round(1e3 * _seconds(read, 20 * runs), 3),
        }
    return foreign


def _pages(paths: list[Path], runs: int) -> dict[str, dict[str, object]]:
    pages: dict[str, dict[str, object]] = {}
    for path in paths:
        with open(path, "rb") as stream:
            kind = detect(stream, path.stat().st_size, "application/x-hdf5")
        if kind is None:
            raise SystemExit(f"{path} is not a file of ours.")

        def page(path: Path = path, name: str = kind.name) -> dict[str, object]:
            with open(path, "rb") as stream:
                return read_page(stream, {"kind": name, "start": 0})

        found = page()
        pages[kind.name] = {
            "size_MB": round(path.stat().st_size / 1e6, 1),
            "samples": found["total"],
            "page_ms": round(1e3 * _seconds(page, runs)),
            "answer_kB": round(len(json.dumps(found)) / 1e3),
        }
    return pages


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="HDF5 files of ours")
    parser.add_argument("--runs", type=int, default=9, help="runs of which the median is kept")
    parser.add_argument("--output", type=Path, help="folder for kadi_plugin_cost.json")
    options = parser.parse_args()
    start = [sys.executable, "-P", "-c", "import kadi_battgen.kadi_plugin.hdf5.worker"]
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "command": f"python benchmarks/kadi_plugin_cost.py FILES --runs {options.runs}",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "h5py": h5py.__version__,
            "foreign_files": _detection(Path(folder), options.runs),
            "start_of_the_reader_ms": round(1e3 * _seconds(lambda: subprocess.run(start, check=True), options.runs)),
            "pages": _pages(options.files, options.runs),
        }
    result["largest_reader_MB"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3)
    print(json.dumps(result, indent=2))
    if options.output:
        write_json(options.output / "kadi_plugin_cost.json", result)


if __name__ == "__main__":
    main()
