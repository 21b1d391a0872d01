"""Whether generated compositions meet what was asked, and how new and varied they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from kadi_battgen.electrodes.composition import (
    ELEMENT_INDEX,
    formula_from_vector,
    parse_formula,
    theoretical_gravimetric_capacity,
)
from kadi_battgen.metrics.intervals import bootstrap_interval

#: A composition meets the asked capacity if its own differs by no more than this fraction of the asked one.
CAPACITY_TOLERANCE = 0.15


def atomic_fractions(compositions: np.ndarray) -> np.ndarray:
    """Return compositions (..., 112) divided by their number of atoms; an empty composition stays zero."""
    total = compositions.sum(axis=-1, keepdims=True)
    return compositions / np.where(total > 0, total, 1.0)


def composition_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the share of atoms that would have to be exchanged between compositions.

    Half the sum of absolute differences of atomic fractions: 0 for the same composition, 1 for one without a common element.
    Arrays (..., 112) are broadcast against each other.
    """
    difference = np.abs(atomic_fractions(np.asarray(first)) - atomic_fractions(np.asarray(second)))
    return 0.5 * difference.sum(axis=-1)


def nearest_distances(compositions: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the distance of each composition (samples, 112) to the nearest known one, (samples,)."""
    return np.array([composition_distance(composition, known).min() for composition in compositions])


def novel_fraction(formulas: Sequence[str], known: Collection[str]) -> float:
    """Return the share of formulas that are not among the known ones."""
    return float(np.mean([formula not in known for formula in formulas]))


def unique_fraction(formulas: Sequence[str]) -> float:
    """Return the number of distinct formulas divided by that of all."""
    return len(set(formulas)) / len(formulas)


def holds_working_ion(compositions: np.ndarray, working_ions: Sequence[str]) -> np.ndarray:
    """Return whether each composition holds at least one atom of its working ion, counts rounded, (samples,) bool."""
    columns = [ELEMENT_INDEX[ion] for ion in working_ions]
    return np.rint(compositions)[np.arange(len(columns)), columns] > 0


def implied_capacities(
    compositions: np.ndarray, working_ions: Sequence[str], extracted: np.ndarray | None = None
) -> np.ndarray:
    """Return the gravimetric capacity in mAh/g that follows from each composition's formula, (samples,).

    Parameters
    ----------
    compositions
        Atoms per formula of the discharged phase, (samples, 112).
    working_ions
        Working ion of each; without it the capacity is 0.
    extracted
        Share of the ions that leaves on charging, fractions, (samples,); by default all of them.
    """
    held = holds_working_ion(compositions, working_ions)
    shares = np.ones(len(held)) if extracted is None else extracted
    capacities = np.zeros(len(held))
    for row in np.flatnonzero(held).tolist():
        formula, ion = formula_from_vector(compositions[row]), working_ions[row]
        leaving = float(shares[row]) * parse_formula(formula).get(ion, 0.0)
        capacities[row] = theoretical_gravimetric_capacity(formula, ion, leaving)
    return capacities


def capacity_errors(
    compositions: np.ndarray, working_ions: Sequence[str], asked: np.ndarray, extracted: np.ndarray | None = None
) -> np.ndarray:
    """Return |implied capacity - asked capacity| / asked capacity, (samples,); capacities in mAh/g."""
    asked = np.asarray(asked, dtype=np.float64)
    return np.abs(implied_capacities(compositions, working_ions, extracted) - asked) / asked


def target_metrics(
    compositions: np.ndarray,
    working_ions: Sequence[str],
    capacities: np.ndarray,
    true: np.ndarray,
    known: Collection[str],
    *,
    extracted: np.ndarray | None = None,
    balanced: Callable[[str], bool] | None = None,
) -> dict[str, Any]:
    """Return how well generated compositions meet targets taken from real electrodes.

    Parameters
    ----------
    compositions
        Generated atoms per formula, (samples, 112).
    working_ions
        Asked working ion of each.
    capacities
        Asked gravimetric capacity of each in mAh/g.
    true
        Composition of the electrode that each target was taken from, (samples, 112).
    known
        Formulas that do not count as new.
    extracted
        Generated share of the ions that leaves, (samples,); by default all of them.
    balanced
        Tells whether a formula's charges balance.

    Returns
    -------
    dict
        ``targets`` (number); shares of those that hold the ion, meet the capacity within ``CAPACITY_TOLERANCE`` (with the
        generated share of the ions leaving, and with all of them), do both and are new besides, are new, are distinct, and
        whose charges balance; the median relative error of the capacity, the mean distance to the true composition; and
        under ``intervals`` the 95 % bootstrap intervals over the targets of all but the share of distinct formulas.
    """
    formulas = [formula_from_vector(vector) for vector in compositions]
    errors = capacity_errors(compositions, working_ions, capacities, extracted)
    whole = errors if extracted is None else capacity_errors(compositions, working_ions, capacities)
    held = holds_working_ion(compositions, working_ions)
    met = errors <= CAPACITY_TOLERANCE
    new = np.array([formula not in known for formula in formulas])
    distances = composition_distance(compositions, true).astype(np.float64)
    shares = {
        "working_ion_present_fraction": held,
        "capacity_within_15_percent_fraction": met,
        "capacity_of_all_ions_within_15_percent_fraction": whole <= CAPACITY_TOLERANCE,
        "met_and_novel_fraction": met & held & new,
        "novel_fraction": new,
    }
    if balanced is not None:
        shares["charge_balanced_fraction"] = np.array([balanced(formula) for formula in formulas])
    return {
        "targets": len(formulas),
        **{name: float(np.mean(values)) for name, values in shares.items()},
        "median_capacity_error_fraction": float(np.median(errors)),
        "mean_composition_distance_fraction": float(distances.mean()),
        "unique_fraction": unique_fraction(formulas),
        "intervals": {
            **{name: bootstrap_interval([values.astype(float)]).to_json() for name, values in shares.items()},
            "median_capacity_error_fraction": bootstrap_interval([errors], np.median).to_json(),
            "mean_composition_distance_fraction": bootstrap_interval([distances]).to_json(),
        },
    }
