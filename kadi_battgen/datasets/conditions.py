"""The condition vector of the screening model: any subset of the functional properties and the working ion."""

from __future__ import annotations

import numpy as np

from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS

#: Length of the condition vector: value and presence of each property, one-hot working ion and its presence.
CONDITION_SIZE = 2 * len(FUNCTIONAL_PROPERTIES) + len(WORKING_IONS) + 1

#: Where the one-hot working ion stands in the condition vector.
ION_ENTRIES = slice(2 * len(FUNCTIONAL_PROPERTIES), CONDITION_SIZE - 1)


def condition_vectors(
    scaled_properties: np.ndarray,
    working_ions: np.ndarray,
    properties_given: np.ndarray | None = None,
    ion_given: np.ndarray | None = None,
) -> np.ndarray:
    """Return condition vectors in which what is not given is zero and marked absent.

    Parameters
    ----------
    scaled_properties
        Functional properties scaled to [0, 1], (samples, 6); entries that are not given may be NaN. Values beyond the
        range that the scaling was taken from lie outside [0, 1] and stay there.
    working_ions
        Positions in ``WORKING_IONS``, (samples,); -1 where none is given.
    properties_given
        Boolean, (samples, 6); by default all that are not NaN.
    ion_given
        Boolean, (samples,); by default all that are not -1.

    Returns
    -------
    numpy.ndarray
        float32, (samples, CONDITION_SIZE): properties in [-1, 1] for that range, their presence, one-hot ion, its presence.
    """
    if properties_given is None:
        properties_given = ~np.isnan(scaled_properties)
    if ion_given is None:
        ion_given = working_ions >= 0
    values = np.where(properties_given, 2 * np.nan_to_num(scaled_properties) - 1, 0.0)
    one_hot = np.eye(len(WORKING_IONS))[np.maximum(working_ions, 0)] * ion_given[:, None]
    return np.concatenate([values, properties_given, one_hot, ion_given[:, None]], axis=1).astype(np.float32)
