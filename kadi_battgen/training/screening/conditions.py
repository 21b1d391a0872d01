"""Hiding conditions in training, so that any subset of them may be asked for later."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.datasets.conditions import condition_vectors


def hidden_conditions(
    scaled_properties: np.ndarray, working_ions: np.ndarray, dropout: float, generator: torch.Generator
) -> Tensor:
    """Return condition vectors of which a random subset is hidden, (samples, CONDITION_SIZE).

    Each property and the working ion vanish with probability `dropout`; half of the samples lose half of what is left,
    since asking for one or two properties is the usual case; a share of twice `dropout` loses all properties, and half of
    `dropout` everything. Properties that are NaN are unknown and hidden anyway. The networks put a learned token in the
    place of what is hidden.
    """
    count = len(working_ions)
    kept = torch.rand((count, scaled_properties.shape[1] + 1), generator=generator) >= dropout
    no_properties = torch.rand(count, generator=generator) < 2 * dropout
    nothing = torch.rand(count, generator=generator) < dropout / 2
    thinned = torch.rand((count, scaled_properties.shape[1]), generator=generator) < 0.5
    thin = torch.rand(count, generator=generator) < (0.5 if dropout > 0 else 0.0)
    known = torch.from_numpy(~np.isnan(scaled_properties))
    properties = known & kept[:, :-1] & ~no_properties[:, None] & ~nothing[:, None] & ~(thinned & thin[:, None])
    ion = kept[:, -1] & ~nothing
    return torch.from_numpy(condition_vectors(scaled_properties, working_ions, properties.numpy(), ion.numpy()))
