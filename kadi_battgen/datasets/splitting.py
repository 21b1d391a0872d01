"""Splitting samples so that what counts as known stays in one part (thesis section 4.2.1)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.errors import UserError

#: The parts of a split; a part's number is its position.
PARTS = ("training", "validation", "test")

#: Shares of the samples' compositions, in the order of ``PARTS`` (thesis: 70 : 15 : 15).
DEFAULT_SHARES = (0.70, 0.15, 0.15)

#: What stays together in one part: each image by itself, all of one composition, or all materials of one set of elements.
SplitRule = Literal["image", "composition", "chemical-system"]


def split_samples(
    rule: SplitRule,
    electrodes: Sequence[Electrode],
    formulas: Sequence[str],
    owners: np.ndarray,
    orientations: np.ndarray,
    seed: int,
    shares: Sequence[float] = DEFAULT_SHARES,
) -> np.ndarray:
    """Assign each image to a part under one of three protocols.

    Split by image, a model is asked to recognise crystals that it has seen from other sides; by composition, to read
    compositions that it has not seen; by chemical system, element sets that it has not seen.

    Parameters
    ----------
    rule
        What stays together.
    electrodes, formulas
        The electrodes and their reduced formulas.
    owners
        Position in `electrodes` of each image, (images,).
    orientations
        Number of each image among those of its electrode, (images,).
    seed
        Same seed, same split, whatever the order of electrodes and images.
    shares
        Shares of what the rule keeps together in training, validation and test, alike for every working ion.

    Returns
    -------
    numpy.ndarray
        int8, (images,), positions in ``PARTS``.

    Raises
    ------
    UserError
        If the rule is not known, or as :func:`split_by_composition`.
    """
    if rule not in get_args(SplitRule):
        raise UserError(f"The split by {rule!r} is not known: choose from {', '.join(get_args(SplitRule))}.")
    ions = [electrode.working_ion for electrode in electrodes]
    if rule == "image":
        names = [f"{electrodes[n].id} {rank:06d}" for n, rank in zip(owners, orientations, strict=True)]
        return split_by_composition(names, [ions[n] for n in owners], seed, shares, what="images")
    shown = np.unique(owners)
    if rule == "composition":
        keys, what = [formulas[n] for n in shown], "compositions"
    else:
        keys, what = [electrodes[n].chemical_system for n in shown], "chemical systems"
    part = np.zeros(len(electrodes), dtype=np.int8)
    part[shown] = split_by_composition(keys, [ions[n] for n in shown], seed, shares, what=what)
    return part[owners]


def split_by_composition(
    compositions: Sequence[str],
    strata: Sequence[str],
    seed: int,
    shares: Sequence[float] = DEFAULT_SHARES,
    what: str = "compositions",
) -> np.ndarray:
    """Assign each sample to a part, whole compositions at a time and stratum by stratum.

    Parameters
    ----------
    compositions
        What must stay together, one entry a sample (the reduced discharge formula).
    strata
        What should be spread evenly over the parts, one entry a sample (the working ion). A composition that occurs in
        several strata counts for its most frequent one.
    seed
        Same seed, same split, whatever the order of the samples.
    shares
        Shares of the compositions in training, validation and test; they sum to 1.
    what
        What the compositions are called in an error.

    Returns
    -------
    numpy.ndarray
        int8, shape (samples,), positions in ``PARTS``.

    Raises
    ------
    UserError
        If the shares are not three non-negative numbers that sum to 1, or a part stays empty although its share is
        not zero.
    """
    if len(shares) != len(PARTS) or not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-6):
        raise UserError(
            f"The split shares {tuple(shares)} are not three fractions that sum to 1: give e.g. 0.7,0.15,0.15."
        )
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for composition, stratum in zip(compositions, strata, strict=True):
        seen[composition][stratum] += 1
    groups: dict[str, list[str]] = defaultdict(list)
    for composition in sorted(seen):
        stratum = min(seen[composition].items(), key=lambda item: (-item[1], item[0]))[0]
        groups[stratum].append(composition)
    generator = np.random.default_rng(seed)
    part_of: dict[str, int] = {}
    assigned = np.zeros(len(PARTS))
    for stratum in sorted(groups):
        members = generator.permutation(groups[stratum])
        quota = np.array(shares) * len(members)
        counts = np.floor(quota + 1e-9)
        # What whole numbers leave over goes where the whole split is furthest behind, so that many small strata do not
        # all land in training.
        for _ in range(len(members) - int(counts.sum())):
            behind = np.array(shares) * (assigned.sum() + len(members)) - assigned - counts
            counts[np.argmax(np.where(counts < quota - 1e-9, behind, -np.inf))] += 1
        assigned += counts
        parts = np.repeat(np.arange(len(PARTS)), counts.astype(int)).tolist()
        part_of.update(zip(members.tolist(), parts, strict=True))
    empty = [PARTS[part] for part, share in enumerate(shares) if share > 0 and assigned[part] == 0]
    if empty:
        raise UserError(
            f"{len(seen)} {what} are too few for a split into {', '.join(PARTS)} ({empty[0]} stays empty): "
            "simulate more electrodes."
        )
    return np.array([part_of[composition] for composition in compositions], dtype=np.int8)


def inverse_frequency_weights(classes: Sequence[str]) -> np.ndarray:
    """Return weights that give every class the same total, with mean 1 (thesis section 4.2.1).

    Parameters
    ----------
    classes
        One class a sample (the working ion).

    Returns
    -------
    numpy.ndarray
        float32, shape (samples,): N / (K n_c) for N samples in K classes of which n_c are in the sample's class.
    """
    counts = Counter(classes)
    return np.array([len(classes) / (len(counts) * counts[name]) for name in classes], dtype=np.float32)
