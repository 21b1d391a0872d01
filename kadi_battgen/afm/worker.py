"""A worker process of an AFM campaign: one core, one OpenCL device, one electrode after the other.

It is started as ``python -m kadi_battgen.afm.worker`` and speaks JSON, one document a line: settings and core come in
first, the device goes out, then each electrode that comes in is answered when its shard is written. It ends with its
standard input, so no worker outlives a campaign that was killed. A process of its own rather than multiprocessing: it
needs no guard in the caller's script, and the OpenCL runtime stays out of the caller's process.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from kadi_battgen.errors import UserError

#: Largest magnitude that the stored type holds.
_FLOAT16_MAX = float(np.finfo(np.float16).max)


def pin_to_core(core: int | None) -> None:
    """Bind this process to one core, where the system can; the OpenCL runtime then runs a single thread."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def simulate_electrode(simulator: Any, document: dict[str, Any], orientations: int, pool: int) -> dict[str, np.ndarray]:
    """Simulate all orientations of one electrode.

    Parameters
    ----------
    simulator
        A :class:`kadi_battgen.afm.simulation.Simulator`.
    document
        The electrode as a JSON object.
    orientations, pool
        Number of orientations kept, and number of directions they are chosen from.

    Returns
    -------
    dict of str to numpy.ndarray
        stacks (n, heights, p, p) and descriptors (n, 6, p, p) in float16, rotation, orientation_rank, edge_distance.

    Raises
    ------
    UserError
        If the structure is larger than the scan window or holds an unknown element.
    ValueError
        If an image is not finite or does not fit into float16.
    """
    from kadi_battgen.afm.geometry import cluster_from_structure, require_fit
    from kadi_battgen.afm.orientations import best_rotations
    from kadi_battgen.afm.validity import edge_distance
    from kadi_battgen.electrodes.electrode import CrystalStructure

    settings = simulator.settings
    cluster = cluster_from_structure(CrystalStructure.model_validate(document["structure"]))
    require_fit(cluster, settings.window, settings.margin, document["id"])
    rotations = best_rotations(cluster.positions, orientations, pool)
    stacks, descriptors, distances = [], [], []
    for rotation in rotations:
        images = simulator.simulate(cluster, rotation, document["working_ion"])
        largest = max(float(np.abs(images.stack).max()), float(np.abs(images.descriptors).max()))
        if largest > _FLOAT16_MAX:
            raise ValueError(f"a value of {largest:.3g} exceeds the range of the stored type")
        stacks.append(images.stack.astype(np.float16))
        descriptors.append(images.descriptors.astype(np.float16))
        distances.append(edge_distance(images.stack))
    return {
        "stacks": np.stack(stacks),
        "descriptors": np.stack(descriptors),
        "rotation": rotations,
        "orientation_rank": np.arange(orientations, dtype=np.int32),
        "edge_distance": np.array(distances, dtype=np.int32),
    }


def save_shard(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays to a shard under a temporary name, then rename it, so that a killed worker leaves no half shard."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer the requests of a campaign until they end."""
    first = json.loads(requests.readline())
    pin_to_core(first["core"])
    warnings.filterwarnings("ignore")

    def answer(**document: Any) -> None:
        answers.write(json.dumps(document) + "\n")
        answers.flush()

    try:
        from kadi_battgen.afm.settings import ScanSettings
        from kadi_battgen.afm.simulation import Simulator, ppafm_version

        simulator = Simulator(ScanSettings.model_validate(first["settings"]))
    except UserError as error:
        answer(error=str(error))
        return
    answer(device=simulator.device.as_dict(), ppafm=ppafm_version())
    for line in requests:
        request = json.loads(line)
        try:
            arrays = simulate_electrode(simulator, request["electrode"], first["orientations"], first["pool"])
        except UserError as error:
            answer(reason=str(error), kind=type(error).__name__)
        except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            answer(reason=f"{type(error).__name__}: {error}", kind="SimulationError")
        else:
            try:
                save_shard(Path(request["shard"]), arrays)
            except OSError as error:
                answer(
                    error=f"{request['shard']} cannot be written ({error.strerror}): make room or choose another output."
                )
                return
            answer(shard=request["shard"])


def main() -> None:
    """Serve on standard input and output; whatever else is printed goes to standard error."""
    # An interrupt ends the campaign, which then closes this process's input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(sys.stdin, answers)
        answers.close()
    except BrokenPipeError:  # the campaign was killed
        os._exit(1)


if __name__ == "__main__":
    main()
