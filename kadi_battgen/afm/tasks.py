"""What a worker does for an AFM campaign: say what it simulates on, and simulate one electrode after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.afm.opencl import DEVICE_VARIABLE, OpenCLDevice
from kadi_battgen.afm.settings import ScanSettings
from kadi_battgen.afm.simulation import Simulator, ppafm_version, simulator_for
from kadi_battgen.electrodes.electrode import CrystalStructure
from kadi_battgen.errors import UserError

#: Largest magnitude that the stored type holds.
_FLOAT16_MAX = float(np.finfo(np.float16).max)


@dataclass(frozen=True)
class Engine:
    """What images are simulated with, which their last digits depend on."""

    device: OpenCLDevice
    ppafm: str


@dataclass(frozen=True)
class ElectrodeTask:
    """One electrode to simulate.

    Attributes
    ----------
    settings
        The scan.
    orientations, pool
        Number of orientations kept, and number of directions they are chosen from.
    engine
        What all images of the campaign are simulated with.
    electrode
        The electrode's id, working_ion and structure as a JSON object.
    """

    settings: ScanSettings
    orientations: int
    pool: int
    engine: Engine
    electrode: dict[str, Any]


def describe_engine(settings: ScanSettings) -> Engine:
    """Return what this process simulates with; it is started once and kept.

    Raises
    ------
    UserError
        If no OpenCL device works.
    """
    return Engine(simulator_for(settings).device, ppafm_version())


def simulate_electrode(task: ElectrodeTask) -> dict[str, np.ndarray] | str:
    """Simulate all orientations of one electrode.

    Returns
    -------
    dict of str to numpy.ndarray, or str
        stacks (n, heights, p, p) and descriptors (n, 6, p, p) in float16, rotation, orientation_rank, edge_distance; or
        the reason why this electrode cannot be simulated.

    Raises
    ------
    UserError
        If this process simulates with something else than the campaign.
    """
    simulator = simulator_for(task.settings)
    engine = Engine(simulator.device, ppafm_version())
    if engine != task.engine:
        raise UserError(
            f"The workers of the cluster differ: one simulates with {_phrase(task.engine)}, another with "
            f"{_phrase(engine)}, whose images are not the same. Set {DEVICE_VARIABLE} on all, or use machines of one kind."
        )
    try:
        return _simulate(simulator, task)
    except UserError as error:
        return str(error)
    except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"


def _phrase(engine: Engine) -> str:
    return f"{engine.device.name} ({engine.device.platform}, driver {engine.device.driver}) and ppafm {engine.ppafm}"


def _simulate(simulator: Simulator, task: ElectrodeTask) -> dict[str, np.ndarray]:
    from kadi_battgen.afm.geometry import cluster_from_structure, require_fit
    from kadi_battgen.afm.orientations import best_rotations
    from kadi_battgen.afm.validity import edge_distance

    settings, electrode = task.settings, task.electrode
    structure = CrystalStructure.model_validate(electrode["structure"])
    cluster = cluster_from_structure(structure, charged=settings.electrostatics is not None)
    require_fit(cluster, settings.window, settings.margin, electrode["id"])
    rotations = best_rotations(cluster.positions, task.orientations, task.pool)
    stacks, descriptors, distances = [], [], []
    for rotation in rotations:
        images = simulator.simulate(cluster, rotation, electrode["working_ion"])
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
        "orientation_rank": np.arange(task.orientations, dtype=np.int32),
        "edge_distance": np.array(distances, dtype=np.int32),
    }
