"""Random reads of single samples from a data set file, beside the same bytes in a raw file.

Stacks of 10 x 128 x 128 in float16 are read one at a time in a random order, all sides in turn in every run, with the
files in the page cache: a data set laid out as battgen build-dataset writes it (one sample a chunk, uncompressed), the
same bytes in a raw file by pread and by a memory map that is copied from, and HDF5 with gzip and with h5py's own chunks.

    python benchmarks/hdf5_random_reads.py --samples 1000 --runs 5
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from kadi_battgen.hdf5 import FORMAT

SHAPE = (10, 128, 128)


def _rate(read: Callable[[int], np.ndarray], order: np.ndarray) -> tuple[float, float]:
    """Return samples per second of wall-clock and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    for index in order:
        read(int(index))
    return len(order) / (time.perf_counter() - wall), len(order) / (time.process_time() - cpu)


def main() -> None:
    """Write the files, read them in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000, help="number of samples in each file")
    parser.add_argument("--reads", type=int, default=3000, help="reads a run of the fast layouts")
    parser.add_argument("--runs", type=int, default=5, help="runs of which the median is printed")
    options = parser.parse_args()

    random = np.random.default_rng(0)
    images = random.normal(size=(options.samples, *SHAPE)).astype(np.float16)
    sample_bytes = images[0].nbytes
    layouts = {
        "HDF5, one sample a chunk": {"chunks": (1, *SHAPE)},
        "HDF5, same, gzip 4 + shuffle": {"chunks": (1, *SHAPE), "compression": "gzip", "shuffle": True},
        "HDF5, h5py's chunks, gzip 4": {"chunks": True, "compression": "gzip"},
    }
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        raw = Path(folder) / "raw"
        raw.write_bytes(images.tobytes())
        stream = stack.enter_context(open(raw, "rb"))
        mapped = np.memmap(raw, np.float16, "r", shape=images.shape)

        def pread(index: int) -> np.ndarray:
            data = os.pread(stream.fileno(), sample_bytes, index * sample_bytes)
            return np.frombuffer(data, np.float16).reshape(SHAPE)

        readers: dict[str, Callable[[int], np.ndarray]] = {
            "raw file, pread": pread,
            "raw file, memory map": lambda index: np.array(mapped[index]),
        }
        for number, (name, layout) in enumerate(layouts.items()):
            path = Path(folder) / f"{number}.h5"
            with h5py.File(path, "w", libver=FORMAT) as file:
                dataset = file.create_dataset("stacks", images.shape, np.float16, **layout)
                if number < 2:
                    for index, image in enumerate(images):
                        dataset[index] = image
                else:
                    dataset[:] = images
            opened = stack.enter_context(h5py.File(path))["stacks"]
            readers[name] = opened.__getitem__
        rates: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
        for name, read in readers.items():
            np.testing.assert_array_equal(read(options.samples - 1), images[-1], name)
        for _ in range(options.runs):
            for name, read in readers.items():
                count = (
                    options.reads
                    if "gzip" not in name
                    else max(10, options.reads // (20 if "shuffle" in name else 300))
                )
                rates[name].append(_rate(read, random.integers(0, options.samples, count)))
    medians = {
        name: tuple(statistics.median(side) for side in zip(*pairs, strict=True)) for name, pairs in rates.items()
    }
    print(
        f"{options.samples} samples of {sample_bytes / 1e3:.0f} kB, medians of {options.runs} runs, page cache warm, "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':32}{'samples / s':>14}{'samples / CPU-s':>18}{'MB / CPU-s':>14}{'of pread (CPU)':>16}")
    reference = medians["raw file, pread"][1]
    for name, (wall, cpu) in medians.items():
        print(f"{name:32}{wall:>14.0f}{cpu:>18.0f}{cpu * sample_bytes / 1e6:>14.0f}{cpu / reference:>16.3f}")


if __name__ == "__main__":
    main()
