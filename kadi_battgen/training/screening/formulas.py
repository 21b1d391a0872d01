"""Formulas beyond those of the electrodes: exchanged elements, and what follows from a formula alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from kadi_battgen.electrodes.building.oxidation import extractable_electrons
from kadi_battgen.electrodes.composition import ELEMENT_INDEX, amounts_from_vector, atomic_masses, parse_formula
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import (
    FARADAY_MAH_PER_MOL,
    FUNCTIONAL_PROPERTIES,
    WORKING_ION_CHARGES,
    WORKING_IONS,
)
from kadi_battgen.networks.composition_autoencoder import EXTRACTED_SHARES, FormulaTensors

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

#: Positions of the working ions in a composition vector.
ION_COLUMNS = np.array([ELEMENT_INDEX[ion] for ion in WORKING_IONS])

#: The shares of ``EXTRACTED_SHARES`` as numbers.
SHARES = np.array([float(share) for share in EXTRACTED_SHARES])

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
    """Formulas of electrodes with the functional properties that are known of them.

    Attributes
    ----------
    compositions
        Atoms per formula of the discharged phase, float32, (samples, 112).
    properties
        Functional properties in their units, (samples, 6), NaN where they are not known.
    ions
        Positions of the working ions in ``WORKING_IONS``, (samples,).
    shares
        Positions of the extracted shares in ``EXTRACTED_SHARES``, (samples,).
    """

    compositions: np.ndarray
    properties: np.ndarray
    ions: np.ndarray
    shares: np.ndarray

    def __len__(self) -> int:
        return len(self.ions)

    def tensors(self) -> FormulaTensors:
        """Return what the composition autoencoder encodes."""
        return FormulaTensors(
            torch.from_numpy(self.compositions), torch.from_numpy(self.ions), torch.from_numpy(self.shares)
        )


def electrode_samples(electrodes: Sequence[Electrode]) -> FormulaSamples:
    """Return the formulas of electrodes with their own properties and extracted shares."""
    ions = [electrode.working_ion for electrode in electrodes]
    held = [parse_formula(electrode.formula_discharge)[electrode.working_ion] for electrode in electrodes]
    extracted = [electrode.ions_transferred / n for electrode, n in zip(electrodes, held, strict=True)]
    return FormulaSamples(
        np.stack([electrode.composition for electrode in electrodes]),
        np.stack([electrode.properties.as_vector() for electrode in electrodes]),
        np.array([WORKING_IONS.index(ion) for ion in ions], dtype=np.int64),
        np.abs(np.array(extracted)[:, None] - SHARES).argmin(axis=1),
    )


def formula_samples(counts: np.ndarray, copies: int, seed: int) -> FormulaSamples:
    """Return substitutions of the training compositions with what their formulas alone say.

    Kept are those whose formal charges allow some of the ions to leave: the redox metals stay within the oxidation states
    known from insertion compounds. As many leave as these states allow. The gravimetric capacity n z F / (3.6 M) follows;
    no crystal and no calculation is needed to know it. These formulas teach a generative model how ion, capacity and
    formula belong together; voltages and volumes, which a formula does not tell, are left open.

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
    drawn = np.concatenate([substituted(counts, generator) for _ in range(copies)])
    ion_counts = drawn[:, ION_COLUMNS]
    drawn, ion_counts = drawn[ion_counts.any(axis=1)], ion_counts[ion_counts.any(axis=1)]
    # A formula with several of the ten ions is an electrode for each of them: draw one.
    ions = np.argmax(generator.random(ion_counts.shape) * (ion_counts > 0), axis=1)
    shares = np.array([extractable_share(row, ion) for row, ion in zip(drawn, ions, strict=True)], dtype=np.int64)
    plausible = shares >= 0
    compositions, ions, shares = drawn[plausible], ions[plausible], shares[plausible]
    properties = np.full((len(ions), len(FUNCTIONAL_PROPERTIES)), np.nan)
    column = list(FUNCTIONAL_PROPERTIES).index("gravimetric_capacity")
    properties[:, column] = formula_capacities(compositions, ions, SHARES[shares])
    return FormulaSamples(compositions, properties, ions, shares)


def extractable_share(counts: np.ndarray, ion: int) -> int:
    """Return the position of the largest share of the ions that can leave in ``EXTRACTED_SHARES``, -1 where none can.

    Parameters
    ----------
    counts
        Atoms per formula of the discharged phase, (112,).
    ion
        Position of the working ion.
    """
    symbol = WORKING_IONS[ion]
    amounts = amounts_from_vector(counts)
    electrons = extractable_electrons(amounts, symbol)
    if electrons is None:
        return -1
    share = electrons[1] / (amounts[symbol] * WORKING_ION_CHARGES[symbol])
    return int(np.searchsorted(SHARES, share + 1e-6, side="right")) - 1


def formula_capacities(compositions: np.ndarray, ions: np.ndarray, extracted: np.ndarray) -> np.ndarray:
    """Return the gravimetric capacities n z F / (3.6 M) in mAh/g, (samples,); 0 where the ion is not there.

    Parameters
    ----------
    compositions
        Atoms per formula of the discharged phase, (samples, 112).
    ions
        Positions of the working ions, (samples,).
    extracted
        Shares of these ions that leave, fractions, (samples,).
    """
    transferred = compositions[np.arange(len(ions)), ION_COLUMNS[ions]] * extracted * _ION_CHARGES[ions]
    mass = compositions @ atomic_masses()
    return transferred * FARADAY_MAH_PER_MOL / np.where(mass > 0, mass, 1.0)


_ION_CHARGES = np.array(list(WORKING_ION_CHARGES.values()))
