"""The baseline that generates nothing: the known electrode that is nearest to a target."""

from __future__ import annotations

import numpy as np

from kadi_battgen.datasets.scaling import RangeScaling
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.training.screening.formulas import FormulaSamples


def nearest_by_conditions(
    known: FormulaSamples, properties: np.ndarray, ions: np.ndarray, scaling: RangeScaling
) -> np.ndarray:
    """Return the position of the known electrode nearest to each target in the space of the conditions, (targets,).

    The distance is Euclidean over the scaled functional properties that are asked and the one-hot working ion, so that another
    ion costs as much as the whole range of two properties.

    Parameters
    ----------
    known
        Electrodes to choose from, with all their properties.
    properties
        Wanted functional properties in their units, (targets, 6), NaN where left open.
    ions
        Positions of the wanted ions in ``WORKING_IONS``, (targets,), -1 where left open.
    scaling
        Scaling of the conditions.
    """
    scaled = scaling.transform(properties)
    difference = np.nan_to_num(scaled[:, None] - scaling.transform(known.properties)[None])
    wanted = np.eye(len(WORKING_IONS))[np.maximum(ions, 0)]
    ion = np.where(
        ions[:, None] >= 0, ((wanted[:, None] - np.eye(len(WORKING_IONS))[known.ions]) ** 2).sum(axis=2), 0.0
    )
    return ((difference**2).sum(axis=2) + ion).argmin(axis=1)
