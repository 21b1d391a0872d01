"""Formulas beyond those of the electrodes: exchanged elements, and what follows from a formula alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kadi_battgen.electrodes.composition import ELEMENT_INDEX, atomic_masses
from kadi_battgen.electrodes.properties import (
    FARADAY_MAH_PER_MOL,
    FUNCTIONAL_PROPERTIES,
    WORKING_ION_CHARGES,
    WORKING_IONS,
)

#: Elements that replace one another in electrodes.
SUBSTITUTION_CLASSES = (
    ("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Zn", "Al", "Y"),
    (
        "Ti",
        "V",
        "Cr",
        "Mn",
        "Fe",
        "Co",
        "Ni",
        "Cu",
        "Nb",
        "Mo",
        "W",
        "Ru",
        "Rh",
        "Zr",
        "Hf",
        "Ta",
        "Sc",
        "Ir",
        "Pd",
        "Pt",
    ),
    ("Re", "Os", "Ag", "Au", "Cd", "Hg", "La", "Ce", "Nd", "Sm", "Gd", "Eu", "Bi", "Sb", "Sn", "Pb", "In", "Ga", "Tl"),
    ("P", "Si", "As", "Ge", "B", "C", "N", "Te"),
    ("O", "S", "Se"),
    ("F", "Cl", "Br", "I"),
    ("H", "Sr", "Ba", "Be"),
)

_CLASS_INDICES = tuple(np.array([ELEMENT_INDEX[symbol] for symbol in members]) for members in SUBSTITUTION_CLASSES)


def substituted(counts: np.ndarray, generator: np.random.Generator, probability: float = 0.5) -> np.ndarray:
    """Return compositions in which elements are exchanged for others of their class at unchanged counts.

    A few hundred formulas do not show a network all combinations it will have to encode; exchanged elements do.

    Parameters
    ----------
    counts
        Atoms per formula, (samples, 112).
    generator
        Source of randomness.
    probability
        Chance of each element to be exchanged.
    """
    result = counts.copy()
    for members in _CLASS_INDICES:
        present = counts[:, members] > 0
        for row, place in zip(*np.nonzero(present), strict=True):
            if generator.random() < probability:
                other = members[generator.integers(len(members))]
                if result[row, other] == 0:
                    result[row, other] = result[row, members[place]]
                    result[row, members[place]] = 0.0
    return result


@dataclass(frozen=True)
class FormulaSamples:
    """Formulas with the working ion and the gravimetric capacity that follow from them.

    Attributes
    ----------
    compositions
        Atoms per formula, float32, (samples, 112).
    properties
        Functional properties in their units, (samples, 6): the theoretical gravimetric capacity, NaN for all others.
    ions
        Positions in ``WORKING_IONS``, (samples,).
    """

    compositions: np.ndarray
    properties: np.ndarray
    ions: np.ndarray


def formula_samples(counts: np.ndarray, copies: int, seed: int) -> FormulaSamples:
    """Return substitutions of the training compositions with what their formulas alone say.

    The gravimetric capacity is n z F / (3.6 M), all working ions leaving: no crystal and no calculation is needed to know
    it. These formulas teach a generative model how ion, capacity and formula belong together; voltages and volumes, which
    a formula does not tell, are left open.

    Parameters
    ----------
    counts
        Compositions of the training part, (compositions, 112).
    copies
        Substitutions of each composition.
    seed
        Seed of the substitutions.
    """
    generator = np.random.default_rng(seed)
    compositions = np.concatenate([substituted(counts, generator) for _ in range(copies)])
    ion_counts = compositions[:, [ELEMENT_INDEX[ion] for ion in WORKING_IONS]]
    compositions, ion_counts = compositions[ion_counts.any(axis=1)], ion_counts[ion_counts.any(axis=1)]
    # A formula with several of the ten ions is an electrode for each of them: draw one.
    ions = np.argmax(generator.random(ion_counts.shape) * (ion_counts > 0), axis=1)
    charges = np.array(list(WORKING_ION_CHARGES.values()))
    transferred = ion_counts[np.arange(len(ions)), ions] * charges[ions]
    properties = np.full((len(ions), len(FUNCTIONAL_PROPERTIES)), np.nan)
    column = list(FUNCTIONAL_PROPERTIES).index("gravimetric_capacity")
    properties[:, column] = transferred * FARADAY_MAH_PER_MOL / (compositions @ atomic_masses())
    return FormulaSamples(compositions, properties, ions)
