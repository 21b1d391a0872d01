"""Chemical formulas and the fixed-length composition vector (thesis section 4.2.1)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from kadi_battgen.electrodes.properties import FARADAY_MAH_PER_MOL, WORKING_ION_CHARGES
from kadi_battgen.errors import UserError

#: The elements up to Z = 112; the position in this tuple is Z - 1.
ELEMENTS = tuple(
    (
        "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y "
        "Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re "
        "Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn"
    ).split()
)

#: Index of an element in the composition vector, by symbol.
ELEMENT_INDEX = {symbol: index for index, symbol in enumerate(ELEMENTS)}

#: Length of the composition vector.
COMPOSITION_LENGTH = len(ELEMENTS)


@lru_cache(maxsize=65536)
def parse_formula(formula: str) -> Mapping[str, float]:
    """Return the number of atoms of each element in a formula such as ``LiFePO4`` or ``Na3V2(PO4)3``.

    Raises
    ------
    UserError
        If the formula does not parse or holds an element beyond Z = 112.
    """
    from pymatgen.core import Composition

    try:
        amounts = {str(symbol): float(amount) for symbol, amount in Composition(formula).get_el_amt_dict().items()}
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"The formula {formula!r} does not parse: write it like LiFePO4 or Na3V2(PO4)3.") from error
    unknown = sorted(set(amounts) - set(ELEMENT_INDEX))
    if unknown or not amounts:
        what = f"holds {', '.join(unknown)}, no element up to Z = {COMPOSITION_LENGTH}" if unknown else "is empty"
        raise UserError(f"The formula {formula!r} {what}: write it like LiFePO4 or Na3V2(PO4)3.")
    return amounts


def composition_vector(formula: str | Mapping[str, float]) -> np.ndarray:
    """Return the atom counts of a formula as a vector over the elements up to Z = 112.

    Parameters
    ----------
    formula
        A formula, or numbers of atoms by element symbol. The counts are taken as written: the caller chooses between
        a formula unit and a cell.

    Returns
    -------
    numpy.ndarray
        float32, shape (112,); index Z - 1 holds the count of element Z.
    """
    amounts = parse_formula(formula) if isinstance(formula, str) else formula
    vector = np.zeros(COMPOSITION_LENGTH, dtype=np.float32)
    for symbol, amount in amounts.items():
        vector[ELEMENT_INDEX[symbol]] = amount
    return vector


def amounts_from_vector(vector: np.ndarray) -> dict[str, float]:
    """Return the non-zero entries of a composition vector as numbers of atoms by element symbol."""
    return {ELEMENTS[index]: float(vector[index]) for index in np.flatnonzero(vector)}


def formula_from_vector(vector: np.ndarray, threshold: float = 0.25) -> str:
    """Return the integer formula nearest to a (predicted) composition vector.

    Counts are rounded to whole atoms; those below `threshold` atoms vanish, and those between it and 0.5 are kept as
    one atom, since an element that a model half sees is more likely there than not. Elements are ordered as in
    chemical formulas (cations first, by electronegativity). An all-zero vector gives an empty string.
    """
    counts = np.where(vector >= threshold, np.maximum(np.rint(vector), 1.0), 0.0)
    if not counts.any():
        return ""
    from pymatgen.core import Composition

    with unknown_electronegativities():
        return str(Composition(amounts_from_vector(counts)).reduced_formula)


@contextmanager
def unknown_electronegativities() -> Iterator[None]:
    """Let pymatgen order elements some of which (noble gases, the heaviest) have no electronegativity, without its warning.

    They only change the order of writing; every other warning is let through.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No Pauling electronegativity")
        yield


def molar_mass(formula: str) -> float:
    """Return the molar mass of a formula in g/mol."""
    from pymatgen.core import Composition

    return float(Composition(parse_formula(formula)).weight)


@lru_cache(maxsize=1)
def atomic_masses() -> np.ndarray:
    """Return the atomic masses of the elements up to Z = 112 in g/mol, float64, shape (112,)."""
    from pymatgen.core import Element

    return np.array([float(Element(symbol).atomic_mass) for symbol in ELEMENTS])


def theoretical_gravimetric_capacity(
    formula_discharge: str, working_ion: str, ions_transferred: float | None = None
) -> float:
    """Return the capacity that follows from the formula alone, Q = n z F / (3.6 M), in mAh/g.

    Parameters
    ----------
    formula_discharge
        Formula of the discharged phase.
    working_ion
        Symbol of the working ion; its charge number is z.
    ions_transferred
        Working ions n per formula that leave on charging; by default all of them.
    """
    available = parse_formula(formula_discharge).get(working_ion, 0.0)
    transferred = available if ions_transferred is None else ions_transferred
    return transferred * WORKING_ION_CHARGES[working_ion] * FARADAY_MAH_PER_MOL / molar_mass(formula_discharge)
