"""Simulation of one AFM stack and its descriptors with ppafm."""

from __future__ import annotations

import functools
import importlib.metadata
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.afm.descriptors import DescriptorMaps
from kadi_battgen.afm.geometry import Cluster, under_the_tip
from kadi_battgen.afm.opencl import OpenCLDevice, quiet_ppafm, start_ppafm
from kadi_battgen.afm.probe import ProbeScan
from kadi_battgen.afm.settings import ScanSettings


def ppafm_version() -> str:
    """Return the version of the installed ppafm."""
    return importlib.metadata.version("ppafm")


@dataclass(frozen=True)
class AfmImages:
    """One simulated sample.

    Attributes
    ----------
    stack
        Frequency shift in Hz, positive where the tip is repelled, float32, shape (slices, pixels, pixels): farthest
        slice first, those of one tip after those of the other, rows along y, columns along x.
    descriptors
        float32, shape (6, pixels, pixels), channels as in ``DESCRIPTOR_CHANNELS``, on the same pixels as the stack.
    positions
        Atom positions under the tip in Angstrom, shape (atoms, 3), with z = 0 at the contact plane.
    """

    stack: np.ndarray
    descriptors: np.ndarray
    positions: np.ndarray


class Simulator:
    """ppafm set up for one scan window; programs and buffers are made once and serve every sample.

    Parameters
    ----------
    settings
        The scan.

    Raises
    ------
    UserError
        If ppafm is missing or no OpenCL device works.
    """

    def __init__(self, settings: ScanSettings) -> None:
        self.settings = settings
        self.device: OpenCLDevice = start_ppafm()
        with quiet_ppafm():
            from ppafm import common
            from ppafm.ocl.AFMulator import AFMulator

            self._common = common
            half = settings.window / 2.0
            # z = 0 is the contact plane; the tip's end starts at `top` and the probe hangs one lever length below.
            top = settings.start_distance + settings.probe_length
            bottom = top - settings.tip_positions * settings.height_step
            lever = [0.0, 0.0, settings.probe_length]
            self._afmulator: Any = AFMulator(
                # The force field is not tabulated: the smallest grid will do.
                pixPerAngstrome=1,
                lvec=np.concatenate([np.zeros((1, 3)), 4.0 * np.eye(3)]),
                scan_dim=(settings.pixels, settings.pixels, settings.tip_positions),
                scan_window=((-half, -half, bottom), (half, half, top)),
                iZPP=settings.probe,
                Qs=[0.0] * 4,
                QZs=[0.0] * 4,
                df_steps=settings.oscillation_steps,
                tipR0=lever,
                tipStiffness=[settings.lateral_stiffness, settings.lateral_stiffness, 0.0, settings.radial_stiffness],
                npbc=(0, 0, 0),
                f0Cantilever=settings.resonance_frequency,
                kCantilever=settings.cantilever_stiffness,
            )
            scanner = self._afmulator.scanner
            scanner.setScanRot([0.0, 0.0, top], rot=np.eye(3), tipR0=lever)
            self._scans = [
                ProbeScan(scanner, settings.electrostatics if tip == "charged" else None) for tip in settings.tips
            ]
            self._maps = DescriptorMaps(settings, self._scans[-1])

    def simulate(self, cluster: Cluster, rotation: np.ndarray, working_ion: str) -> AfmImages:
        """Simulate the stack and the descriptors of one orientation.

        Parameters
        ----------
        cluster
            The atoms; their charges matter where the settings name charges of the tip.
        rotation
            Rotation matrix, shape (3, 3); its third row is the direction of the sample that faces the tip.
        working_ion
            Symbol of the working ion, the blue class of the type map.

        Returns
        -------
        AfmImages
            Stack, descriptors and the atom positions they show.

        Raises
        ------
        ValueError
            If the simulation yields a value that is not finite.
        """
        engine, common = self._afmulator, self._common
        numbers = cluster.numbers
        parameters = common.getAtomsREA(engine.iZPP, numbers, engine.typeParams, alphaFac=-1.0)
        positions = under_the_tip(cluster.positions, parameters[:, 0], rotation)
        with quiet_ppafm():
            coefficients = common.REA2LJ(parameters)
            stack = np.concatenate(
                [scan.scan(positions, coefficients, cluster.charges).transpose(2, 1, 0) for scan in self._scans]
            )
            descriptors = self._maps.evaluate(positions, numbers, working_ion)
        if not (np.isfinite(stack).all() and np.isfinite(descriptors).all()):
            raise ValueError("the simulation yields values that are not finite")
        return AfmImages(np.ascontiguousarray(stack), descriptors, positions)


@functools.lru_cache(maxsize=2)
def simulator_for(settings: ScanSettings) -> Simulator:
    """Return the simulator of a scan; this process keeps it for the next call with the same settings."""
    return Simulator(settings)


def simulate_stack(
    cluster: Cluster, rotation: np.ndarray, working_ion: str, settings: ScanSettings | None = None
) -> AfmImages:
    """Simulate one AFM stack and its descriptors; see :meth:`Simulator.simulate`.

    The simulator is kept for the next call with the same settings.
    """
    return simulator_for(settings or ScanSettings()).simulate(cluster, rotation, working_ion)
