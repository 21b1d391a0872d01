"""Oxidation-state bookkeeping: how much working ion can leave a host before its metals are over-oxidised.

Formal charges of the non-redox elements are fixed; what is left over must be carried by the transition metals, whose
ranges are those seen in insertion compounds and their close relatives. This is a filter on candidates, not a prediction.
"""

from __future__ import annotations

from collections.abc import Mapping

from kadi_battgen.electrodes.properties import WORKING_ION_CHARGES as ION_CHARGES

#: Lowest and highest mean oxidation state accepted for a redox metal in an insertion host.
REDOX_RANGES = {
    "Ti": (2, 4), "V": (2, 5), "Cr": (2, 6), "Mn": (2, 4), "Fe": (2, 4), "Co": (2, 4), "Ni": (2, 4), "Cu": (1, 3),
    "Zr": (2, 4), "Nb": (2, 5), "Mo": (2, 6), "Ru": (2, 6), "Rh": (2, 5), "Pd": (1, 4), "Ag": (1, 3), "Hf": (2, 4),
    "Ta": (2, 5), "W": (3, 6), "Re": (3, 7), "Os": (3, 7), "Ir": (3, 6), "Pt": (2, 4), "Au": (1, 3),
}  # fmt: skip

FIXED_CATIONS = {
    "Li": 1, "Na": 1, "K": 1, "Rb": 1, "Cs": 1, "Tl": 1, "Be": 2, "Mg": 2, "Ca": 2, "Sr": 2, "Ba": 2, "Zn": 2,
    "Cd": 2, "Pb": 2, "Al": 3, "Ga": 3, "In": 3, "Sc": 3, "Y": 3, "Bi": 3, "La": 3, "Pr": 3, "Nd": 3, "Sm": 3,
    "Gd": 3, "Tb": 3, "Dy": 3, "Ho": 3, "Er": 3, "Tm": 3, "Lu": 3, "B": 3, "Si": 4, "Ge": 4, "Sn": 4, "C": 4,
    "P": 5, "As": 5, "Sb": 5,
}  # fmt: skip

ANIONS = {"O": -2, "F": -1, "Cl": -1, "Br": -1, "I": -1, "S": -2, "Se": -2, "Te": -2}


def fixed_charge(element: str, counts: Mapping[str, float]) -> float | None:
    """Formal charge of a non-redox element in a compound.

    Parameters
    ----------
    element
        Chemical symbol.
    counts
        Element counts of the whole compound: sulfur and selenium are cations beside oxygen, phosphorus is +4 in P2S6.

    Returns
    -------
    float or None
        The charge in units of e, or None where it cannot be told from the composition.
    """
    if element in ("S", "Se", "Te") and "O" in counts:
        # Only complete sulfate, selenate or tellurate groups are unambiguous.
        return 6.0 if element == "S" and counts["O"] >= 4 * counts["S"] else None
    if element == "P":
        sulfur = counts.get("S", 0) + counts.get("Se", 0)
        if "O" not in counts and sulfur:
            ratio = sulfur / counts["P"]
            return 4.0 if ratio == 3 else 5.0 if ratio >= 4 else None
        return 5.0 if "O" in counts or counts.get("F", 0) >= 6 * counts["P"] else None
    if element in ("Sb", "As", "C") and "O" not in counts:
        return None
    if element in ANIONS:
        return float(ANIONS[element])
    return float(FIXED_CATIONS[element]) if element in FIXED_CATIONS else None


def extractable_electrons(counts: Mapping[str, float], working_ion: str) -> tuple[float, float] | None:
    """Electrons the redox metals of a discharged compound can still give.

    Parameters
    ----------
    counts
        Element counts of the discharged compound.
    working_ion
        Symbol of the ion to be extracted.

    Returns
    -------
    tuple of float or None
        Mean oxidation state of the redox metals as discharged, and the electrons left until all are at their highest
        accepted state (both per the counts given). None where the formal charges cannot be told, no redox metal or no
        anion is present, or the discharged state is itself outside the accepted range.
    """
    redox = {e: n for e, n in counts.items() if e in REDOX_RANGES}
    if not redox or working_ion not in counts or not any(e in ANIONS for e in counts):
        return None
    carried = 0.0
    for element, count in counts.items():
        if element in redox:
            continue
        charge = fixed_charge(element, counts)
        if charge is None:
            return None
        carried -= count * charge
    lowest = sum(n * REDOX_RANGES[e][0] for e, n in redox.items())
    highest = sum(n * REDOX_RANGES[e][1] for e, n in redox.items())
    if not lowest - 1e-9 <= carried <= highest + 1e-9:
        return None
    return carried / sum(redox.values()), highest - carried


def extractable_ions(counts: Mapping[str, float], working_ion: str) -> int:
    """Whole number of working ions that can leave before the host is over-oxidised (0 where none can).

    Parameters
    ----------
    counts
        Element counts of the discharged cell.
    working_ion
        Symbol of the working ion, one of `ION_CHARGES`.
    """
    found = extractable_electrons(counts, working_ion)
    if found is None:
        return 0
    return min(round(counts[working_ion]), int((found[1] + 1e-9) // ION_CHARGES[working_ion]))


def excluded_family(counts: Mapping[str, float]) -> str | None:
    """Name of a family the potentials are known to fail for, or None.

    Cyanides (hexacyanoferrates come out 1.0 to 1.3 V low) and Chevrel phases Mo6X8.
    """
    if "C" in counts and "N" in counts:
        return "cyanide"
    chalcogen = sum(counts.get(e, 0) for e in ("S", "Se", "Te"))
    if "Mo" in counts and "O" not in counts and abs(8 * counts["Mo"] - 6 * chalcogen) < 1e-6:
        return "Chevrel phase"
    return None
