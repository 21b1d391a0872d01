"""What a trained composition regressor learns from electrodes it was not trained on: how far to trust itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kadi_battgen.metrics.conformal import ConformalIntervals
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.training.composition_reading import embed_images, read_sets, single_sets
from kadi_battgen.training.orientation_sets import electrode_positions

if TYPE_CHECKING:
    from kadi_battgen.training.composition import CompositionPart

#: Mixtures of recognised and regressed counts that are tried, as (trust, sharpness).
_MIXTURES = (
    (0.0, 1.0),
    *((trust, sharpness) for trust in (0.25, 0.5, 0.75, 1.0) for sharpness in (0.0, 0.5, 1.0, 3.0)),
)


@torch.no_grad()
def calibrate(network: CompositionEnsemble, validation: CompositionPart) -> dict[str, Any]:
    """Fit the trust in recognised compositions, which stays in the network, and the intervals of the counts.

    The working ion is not told, so that the intervals hold without it.

    Parameters
    ----------
    network
        In evaluation mode; its ``trust`` and ``sharpness`` are set.
    validation
        The validation part.

    Returns
    -------
    dict
        ``single`` and ``pooled``: intervals of counts read from one stack, and from all stacks of an electrode, as plain
        JSON values (see :class:`ConformalIntervals`); and, where compositions are recognised, ``trust`` and ``sharpness``.
    """
    features = embed_images(network, validation.images, len(validation.owners))
    true = validation.counts.numpy()
    groups = electrode_positions(validation.owners)
    ways = {
        "single": (single_sets(len(true)), true),
        "pooled": (groups, true[[group[0] for group in groups]]),
    }
    mixture: dict[str, float] = {}
    if network.recognises:
        errors = []
        for trust, sharpness in _MIXTURES:
            network.trust.fill_(trust)
            network.sharpness.fill_(sharpness)
            errors.append(
                sum(
                    np.abs(read_sets(network, features, sets).counts - expected).mean()
                    for sets, expected in ways.values()
                )
            )
        trust, sharpness = _MIXTURES[int(np.argmin(errors))]
        network.trust.fill_(trust)
        network.sharpness.fill_(sharpness)
        mixture = {"trust": trust, "sharpness": sharpness}
    intervals = {
        way: ConformalIntervals.fit(expected, read_sets(network, features, sets).counts).to_json()
        for way, (sets, expected) in ways.items()
    }
    return {"electrodes": len(groups), "stacks": len(true), **mixture, **intervals}
