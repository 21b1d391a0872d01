"""The known electrode nearest to a composition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.metrics.candidates import composition_distance


class KnownElectrodes:
    """Electrodes that candidates are compared with.

    Parameters
    ----------
    electrodes
        At least one electrode.
    """

    def __init__(self, electrodes: Sequence[Electrode]) -> None:
        self.electrodes = tuple(electrodes)
        self.compositions = np.stack([electrode.composition for electrode in electrodes])
        self.ions = np.array([electrode.working_ion for electrode in electrodes])

    def nearest(self, composition: np.ndarray, working_ion: str | None = None) -> tuple[Electrode, float]:
        """Return the nearest electrode and its distance.

        Parameters
        ----------
        composition
            Atoms per formula, (112,).
        working_ion
            Look among electrodes with this ion, if there are any.

        Returns
        -------
        tuple
            The electrode, and half the sum of absolute differences of atomic fractions: the share of atoms that would have
            to be exchanged, 0 for the same composition and 1 for one without a common element.
        """
        distances = composition_distance(self.compositions, composition)
        if working_ion is not None and (self.ions == working_ion).any():
            distances = np.where(self.ions == working_ion, distances, np.inf)
        best = int(np.argmin(distances))
        return self.electrodes[best], float(distances[best])

    def holds(self, composition: np.ndarray) -> bool:
        """Return whether one of the electrodes, whatever its ion, has the composition, (112,)."""
        return bool(composition_distance(self.compositions, composition).min() < 1e-6)
