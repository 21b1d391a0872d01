"""Balance between the working ions: weights, weighted and repeated sampling, and synthetic properties.

Databases hold many lithium electrodes and few of the rest (thesis section 3.1.3). Of the ways to even this out, weights and
sampling serve every model. SMOTE (Chawla et al., J. Artif. Intell. Res. 16, 321 (2002)) interpolates between samples and
makes sense for the functional properties alone: half-way between two crystals there is no crystal, and the mean of two
images shows neither. Only a training part is ever balanced; validation and test keep the frequencies they have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from kadi_battgen.datasets.splitting import inverse_frequency_weights
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.errors import UserError

#: Ways to balance a training part.
BalanceMethod = Literal["none", "weights", "sampling", "oversample", "undersample"]

#: Those that choose samples, for losses that are means over pixels or latents and not over samples.
SamplingMethod = Literal["none", "sampling", "oversample", "undersample"]


@dataclass(frozen=True)
class Balance:
    """How the samples of a training part are used.

    Attributes
    ----------
    positions
        Positions in the part that an epoch is made of, int64; an oversampled part repeats some, an undersampled one lacks
        some.
    sampling_weights
        Weight with which each of `positions` is drawn, with replacement, float32; None where each is taken once.
    loss_weights
        Weight of each sample of the part (not of `positions`) in the loss, float32.
    """

    positions: np.ndarray
    sampling_weights: np.ndarray | None
    loss_weights: np.ndarray


def balanced(
    method: BalanceMethod, classes: Sequence[str] | np.ndarray, seed: int, weights: np.ndarray | None = None
) -> Balance:
    """Return how a training part is to be used so that every class counts the same.

    Parameters
    ----------
    method
        ``weights`` multiplies the loss by the inverse frequency of the class, ``sampling`` draws with it as probability,
        ``oversample`` repeats samples of small classes at random until all are as large as the largest, ``undersample``
        leaves out samples of large classes until all are as small as the smallest, ``none`` does nothing.
    classes
        Class of each sample of the training part (the working ion).
    seed
        Of over- and undersampling.
    weights
        Inverse frequencies that are known already; by default those of `classes`.

    Raises
    ------
    UserError
        If the method is not known.
    """
    if method not in get_args(BalanceMethod):
        raise UserError(f"Balance {method!r} is not known: choose from {', '.join(get_args(BalanceMethod))}.")
    labels = np.asarray(classes)
    if weights is None:
        weights = inverse_frequency_weights(labels.tolist())
    positions, even = np.arange(len(labels)), np.ones(len(labels), dtype=np.float32)
    if method == "weights":
        return Balance(positions, None, weights)
    if method == "sampling":
        return Balance(positions, weights, even)
    if method in ("oversample", "undersample"):
        positions = resampled(method, labels, seed)
    return Balance(positions, None, even)


def resampled(method: str, classes: np.ndarray, seed: int) -> np.ndarray:
    """Return positions of samples such that every class occurs equally often, in rising order, int64.

    Parameters
    ----------
    method
        ``oversample`` or ``undersample``.
    classes
        Class of each sample.
    seed
        Same seed, same positions.
    """
    positions = np.arange(len(classes))
    if len(np.unique(classes)) < 2:
        return positions
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    sampler = (RandomOverSampler if method == "oversample" else RandomUnderSampler)(random_state=seed)
    chosen, _ = sampler.fit_resample(positions[:, None], classes)
    return np.sort(chosen[:, 0])


def weighted_positions(weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draw `count` positions with replacement, with probabilities in proportion to `weights`, int64."""
    probabilities = np.asarray(weights, dtype=np.float64)
    return np.random.default_rng(seed).choice(len(probabilities), size=count, p=probabilities / probabilities.sum())


@dataclass(frozen=True)
class BalancedProperties:
    """Functional properties with synthetic rows for the smaller classes.

    Attributes
    ----------
    properties
        Functional properties in their units, (rows, 6), in the order of ``FUNCTIONAL_PROPERTIES``; the given rows first,
        as they were.
    working_ions
        Symbol of each row's working ion, (rows,).
    synthetic
        True for rows that no electrode has, (rows,).
    """

    properties: np.ndarray
    working_ions: np.ndarray
    synthetic: np.ndarray


def with_synthetic_properties(
    properties: np.ndarray, working_ions: Sequence[str], seed: int, neighbours: int = 5
) -> BalancedProperties:
    """Add synthetic rows (SMOTE) until every working ion has as many as the most frequent one.

    Interpolated are voltage, logarithm of the gravimetric capacity, logarithm of the density (volumetric over gravimetric
    capacity) and volume change, between rows of one ion, each divided by its standard deviation; the other three
    properties follow, so that V Q = E holds for every synthetic row as for a real one. The ion is not interpolated: a row
    is of one ion. Such rows suit models of properties and the conditions of a generative model, nothing that has a
    structure, a formula or an image; no formula has just their capacity.

    Parameters
    ----------
    properties
        Functional properties of training electrodes in their units, (rows, 6).
    working_ions
        Symbol of each row's working ion.
    seed
        Same seed, same rows.
    neighbours
        Nearest rows of the same ion that a row is interpolated with; fewer where an ion has fewer.

    Raises
    ------
    UserError
        If an ion has a single row, which nothing can be interpolated with, or a value is not finite.
    """
    rows, ions = np.asarray(properties, dtype=np.float64), np.asarray(working_ions)
    if not np.isfinite(rows).all():
        raise UserError("SMOTE: a functional property is not finite; clean the electrodes first.")
    counts = Counter(ions.tolist())
    alone = [ion for ion in WORKING_IONS if counts.get(ion) == 1]
    if alone:
        raise UserError(
            f"SMOTE: {', '.join(alone)} has a single electrode, which nothing can be interpolated with: "
            "add electrodes of that ion or leave it out."
        )
    if len(counts) < 2:
        return BalancedProperties(rows, ions, np.zeros(len(rows), dtype=bool))
    from imblearn.over_sampling import SMOTE

    free = _free_variables(rows)
    centre, spread = free.mean(axis=0), free.std(axis=0)
    spread[spread == 0] = 1.0
    scaled, known = (free - centre) / spread, len(rows)
    largest = max(counts.values())
    new_rows, new_ions = [rows], [ions]
    # Ion by ion: each may have as many neighbours as it has rows.
    for ion in sorted(set(counts)):
        if counts[ion] == largest:
            continue
        members = ions == ion
        others = np.flatnonzero(~members)
        filled = np.concatenate([scaled[members], scaled[others[: largest + 1]]])
        labels = np.concatenate([np.ones(counts[ion]), np.zeros(len(filled) - counts[ion])])
        sampler = SMOTE(
            sampling_strategy={1.0: largest}, k_neighbors=min(neighbours, counts[ion] - 1), random_state=seed
        )
        made = sampler.fit_resample(filled, labels)[0][len(filled) :]
        new_rows.append(_all_properties(made * spread + centre))
        new_ions.append(np.full(len(made), ion))
    table = np.concatenate(new_rows)
    return BalancedProperties(table, np.concatenate(new_ions), np.arange(len(table)) >= known)


def _free_variables(rows: np.ndarray) -> np.ndarray:
    """Return voltage, logarithms of gravimetric capacity and density, and volume change, (rows, 4)."""
    value = dict(zip(FUNCTIONAL_PROPERTIES, rows.T, strict=True))
    capacity, density = (
        value["gravimetric_capacity"],
        value["volumetric_capacity"] / value["gravimetric_capacity"],
    )
    return np.stack([value["average_voltage"], np.log(capacity), np.log(density), value["volume_change"]], axis=1)


def _all_properties(free: np.ndarray) -> np.ndarray:
    """Return the six functional properties that follow from :func:`_free_variables`, (rows, 6)."""
    voltage, capacity, density, change = free[:, 0], np.exp(free[:, 1]), np.exp(free[:, 2]), free[:, 3]
    value = {
        "average_voltage": voltage,
        "gravimetric_capacity": capacity,
        "volumetric_capacity": capacity * density,
        "gravimetric_energy": voltage * capacity,
        "volumetric_energy": voltage * capacity * density,
        "volume_change": np.maximum(change, 0.0),
    }
    return np.stack([value[name] for name in FUNCTIONAL_PROPERTIES], axis=1)
