"""What generated SEI configurations are worth: how they meet the target, whether they are valid, new and different."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kadi_battgen.applications.sei.targets import SeiTarget, scale
from kadi_battgen.sei.chemistry import CLUSTER, INORGANIC
from kadi_battgen.sei.generated import GeneratedConfigurations
from kadi_battgen.sei.observables import observables
from kadi_battgen.sei.validity import joined_fraction

#: Pairs of configurations that a diversity is the mean of, at most.
_PAIRS = 2000


def layers(configurations: np.ndarray) -> np.ndarray:
    """Return the SEI alone, codes of Li2CO3 and organic clusters and 0 elsewhere, uint8, of the same shape."""
    stack = np.asarray(configurations)
    return np.where(np.isin(stack, (INORGANIC, CLUSTER)), stack, 0).astype(np.uint8)


def diversity(configurations: np.ndarray, seed: int = 0) -> float | None:
    """Return the mean over pairs of the share of their SEI sites in which two differ: 0 for the same, 1 for nothing in common.

    None for a single configuration, or where no pair has SEI.
    """
    stack = layers(configurations).reshape(len(configurations), -1)
    if len(stack) < 2:
        return None
    first, second = np.triu_indices(len(stack), 1)
    if len(first) > _PAIRS:
        chosen = np.random.default_rng(seed).choice(len(first), _PAIRS, replace=False)
        first, second = first[chosen], second[chosen]
    either = ((stack[first] > 0) | (stack[second] > 0)).sum(axis=1)
    differ = (stack[first] != stack[second]).sum(axis=1)
    return float((differ[either > 0] / either[either > 0]).mean()) if either.any() else None


def generation_metrics(
    generated: GeneratedConfigurations, target: SeiTarget, quantiles: Mapping[str, list[float]]
) -> dict[str, Any]:
    """Return the numbers of a generation.

    Parameters
    ----------
    generated
        The configurations.
    target
        What was wanted.
    quantiles
        What was seen in training, by observable.

    Returns
    -------
    dict
        ``configurations``; by wanted observable under ``observables``: ``median_relative_error`` between asked and measured
        values, ``within_range_fraction`` of the measured values, and ``median_relative_error_of_regressor`` between measured
        values and what the regressor expects (None where it does not predict the observable), all fractions;
        ``within_range_fraction`` of all wanted observables together; ``unique_fraction`` and ``diversity`` of the layers;
        ``joined_fraction``, the median share of SEI sites that SEI joins with the electrode; ``familiar_fraction``, the share
        no less familiar than 95 % of held-out configurations; ``changed_sites_fraction``, the mean share of mended sites.
    """
    measured = observables(generated.configurations)
    misses = target.misses(measured, quantiles)
    entries = {}
    for name, miss in misses.items():
        asked, least = generated.asked[name], scale(quantiles[name])
        error = np.abs(measured[name] - asked) / np.maximum(np.abs(asked), least)
        expected = generated.predicted.get(name)
        deviation = None if expected is None else np.abs(measured[name] - expected) / np.maximum(measured[name], least)
        entries[name] = {
            "median_relative_error": float(np.median(error)),
            "within_range_fraction": float((miss == 0).mean()),
            "median_relative_error_of_regressor": None if deviation is None else float(np.median(deviation)),
        }
    distinct = {layer.tobytes() for layer in layers(generated.configurations)}
    sites = generated.configurations[0].size
    return {
        "configurations": len(generated),
        "observables": entries,
        "within_range_fraction": float((generated.miss == 0).mean()) if misses else None,
        "unique_fraction": len(distinct) / len(generated),
        "diversity": diversity(generated.configurations),
        "joined_fraction": float(np.median(joined_fraction(generated.configurations))),
        "familiar_fraction": float((generated.unfamiliarity <= 1).mean()),
        "changed_sites_fraction": float(generated.changed_sites.mean() / sites),
    }
