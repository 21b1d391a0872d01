"""What a trained composition regressor learns from electrodes it was not trained on: how far to trust itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kadi_battgen.metrics.conformal import ConformalIntervals
from kadi_battgen.networks.composition_ensemble import CompositionEnsemble
from kadi_battgen.training.composition.orientation_sets import electrode_positions
from kadi_battgen.training.composition.reading import embed_images, read_sets, single_sets
from kadi_battgen.training.composition.task import CompositionPart

#: Mixtures of recognised and regressed counts that are tried, as (trust, sharpness).
_MIXTURES = (
    (0.0, 1.0),
    *((trust, sharpness) for trust in (0.25, 0.5, 0.75, 1.0) for sharpness in (0.0, 0.5, 1.0, 3.0)),
)

#: Ways in between of counting the orientations of a set once, and each for itself.
_INDEPENDENCES = ((0.0,), (0.25,), (0.5,), (0.75,), (1.0,))

#: Shares of what remembered images say that are tried.
_SHARES = tuple((share / 10,) for share in range(11))


@torch.no_grad()
def calibrate(network: CompositionEnsemble, validation: CompositionPart) -> dict[str, Any]:
    """Fit the trust in recognised compositions and remembered images, which stays in the network, and intervals of counts.

    Nothing is told of the cell, so that the intervals hold without it.

    Parameters
    ----------
    network
        In evaluation mode; its ``independence``, ``trust``, ``sharpness``, ``memory_share`` and ``presence_share`` are set.
    validation
        The validation part.

    Returns
    -------
    dict
        ``single`` and ``pooled``: intervals of counts read from one stack, and from all stacks of an electrode, as plain
        JSON values (see :class:`ConformalIntervals`); and, where the network has them, ``independence``, ``trust``,
        ``sharpness``, ``memory_share`` and ``presence_share``.
    """
    embedded = embed_images(network, validation.images, len(validation.owners))
    true = validation.counts.numpy()
    groups = electrode_positions(validation.owners)
    ways = {
        "single": (single_sets(len(true)), true),
        "pooled": (groups, true[[group[0] for group in groups]]),
    }

    def error() -> tuple[float, ...]:
        """Return mean absolute and mean squared error, each summed over the two ways of reading."""
        differences = [read_sets(network, embedded, sets).counts - expected for sets, expected in ways.values()]
        return sum(float(np.abs(d).mean()) for d in differences), sum(float(np.square(d).mean()) for d in differences)

    def surprise() -> tuple[float, ...]:
        """Return the cross-entropy of the elements' presence, summed over the two ways of reading."""
        given = ((expected > 0, read_sets(network, embedded, sets).presence) for sets, expected in ways.values())
        return (sum(_cross_entropy(*pair) for pair in given),)

    def best(
        measure: Callable[[], tuple[float, ...]], choices: tuple[tuple[float, ...], ...], *constants: Tensor
    ) -> tuple[float, ...]:
        """Set the constants to the choice with the smallest sum of what is measured, each relative to the first choice."""
        errors = []
        for choice in choices:
            for constant, value in zip(constants, choice, strict=True):
                constant.fill_(value)
            errors.append(measure())
        chosen = choices[int(np.argmin([sum(np.divide(entry, errors[0])) for entry in errors]))]
        for constant, value in zip(constants, chosen, strict=True):
            constant.fill_(value)
        return chosen

    # What an earlier calibration left must not decide what this one finds.
    network.memory_share.zero_()
    network.presence_share.zero_()
    mixture: dict[str, float] = {}
    if network.recognises:
        # How orientations go together shows where what is recognised counts alone.
        network.trust.fill_(1.0)
        network.sharpness.fill_(0.0)
        (mixture["independence"],) = best(error, _INDEPENDENCES, network.independence)
        mixture["trust"], mixture["sharpness"] = best(error, _MIXTURES, network.trust, network.sharpness)
    if network.memory is not None:
        (mixture["memory_share"],) = best(error, _SHARES, network.memory_share)
        (mixture["presence_share"],) = best(surprise, _SHARES, network.presence_share)
    intervals = {
        way: ConformalIntervals.fit(expected, read_sets(network, embedded, sets).counts).to_json()
        for way, (sets, expected) in ways.items()
    }
    return {"electrodes": len(groups), "stacks": len(true), **mixture, **intervals}


def _cross_entropy(happened: np.ndarray, probability: np.ndarray, margin: float = 1e-4) -> float:
    """Return the mean cross-entropy; what is said with full certainty counts as sure up to `margin`."""
    given = np.where(happened, probability, 1.0 - probability)
    return -float(np.log(np.clip(given, margin, 1.0)).mean())
