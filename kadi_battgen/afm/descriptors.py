"""The four descriptors of the thesis from ppafm's auxiliary maps: six image channels."""

from __future__ import annotations

import numpy as np

from kadi_battgen.afm.probe import ProbeScan
from kadi_battgen.afm.settings import DESCRIPTOR_CHANNELS, ScanSettings
from kadi_battgen.electrodes.composition import ELEMENT_INDEX, ELEMENTS

#: Elements that are gases as such: the green class of the type map.
GASES = ("H", "He", "N", "O", "F", "Ne", "Cl", "Ar", "Kr", "Xe", "Rn")

#: Radius of the probe in ppafm's sphere and disk maps, added to the van der Waals radii, in Angstrom.
_PROBE_RADIUS = -0.5


def type_classes(working_ion: str) -> list[list[int]]:
    """Return the atomic numbers of the red, green and blue class of the type map.

    Parameters
    ----------
    working_ion
        Symbol of the working ion, which is the blue class.

    Returns
    -------
    list of list of int
        Three lists that together hold each element up to Z = 112 once.
    """
    blue = [ELEMENT_INDEX[working_ion] + 1]
    green = [ELEMENT_INDEX[symbol] + 1 for symbol in GASES if symbol != working_ion]
    red = [z for z in range(1, len(ELEMENTS) + 1) if z not in green and z not in blue]
    return [red, green, blue]


class DescriptorMaps:
    """ppafm's AuxMap objects for one scan window, kept between samples.

    Parameters
    ----------
    settings
        Window, pixels and depth ranges.
    probe
        What scans the samples; the height map is that of the latest one.
    """

    def __init__(self, settings: ScanSettings, probe: ProbeScan) -> None:
        from ppafm.ml import AuxMap

        half = settings.window / 2.0
        shape = (settings.pixels, settings.pixels)
        corners = ((-half, -half), (half, half))
        self._height_map = AuxMap.HeightMap(probe, zmin=-settings.height_map_depth, iso=settings.height_map_force)
        self._height_map.nz = height_map_steps(settings)
        self._disks = AuxMap.AtomicDisks(
            scan_dim=shape,
            scan_window=corners,
            zmin=-settings.disk_depth,
            zmax_s=-settings.disk_depth,
            Rpp=_PROBE_RADIUS,
            diskMode="sphere",
        )
        self._types = AuxMap.MultiMapSpheresElements(
            scan_dim=shape,
            scan_window=corners,
            zmin=-settings.sphere_depth,
            Rpp=_PROBE_RADIUS,
            elems=[[1], [2], [3]],
        )

    def evaluate(self, positions: np.ndarray, numbers: np.ndarray, working_ion: str) -> np.ndarray:
        """Return the descriptors of the sample that was scanned last.

        Parameters
        ----------
        positions
            Atom positions under the tip in Angstrom, shape (atoms, 3).
        numbers
            Atomic numbers, shape (atoms,).
        working_ion
            Symbol of the working ion.

        Returns
        -------
        numpy.ndarray
            float32, shape (6, pixels, pixels), channels as in ``DESCRIPTOR_CHANNELS``, rows along y, columns along x.
        """
        atoms = np.concatenate([positions, np.zeros((len(positions), 1))], axis=1)
        self._types.elems = type_classes(working_ion)
        self._types.all_elems = np.concatenate(self._types.elems)
        types = self._types.eval(atoms, numbers)
        maps = np.empty((len(DESCRIPTOR_CHANNELS), *types.shape[:2]), dtype=np.float32)
        maps[0] = self._height_map.eval().T
        # All spheres together are the highest of the three classes: the same kernel with the same radii and depth.
        maps[1] = types.max(axis=2).T
        maps[2] = self._disks.eval(atoms, numbers).T
        maps[3:] = types.transpose(2, 1, 0)
        return maps


def height_map_steps(settings: ScanSettings) -> int:
    """Return the number of height steps in which the height map is searched from above.

    The probe meets the force threshold at most 0.8 A below the contact plane (for hydrogen, the softest atom); from
    there the map reaches its depth range further down.
    """
    reach = settings.start_distance + 0.8 + settings.height_map_depth
    return int(np.ceil(reach / settings.height_step)) + 2
