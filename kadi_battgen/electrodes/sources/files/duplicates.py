"""Electrodes of one working ion and one composition: the first of a table stays."""

from __future__ import annotations

from collections.abc import Sequence

from kadi_battgen.electrodes.composition import composition_vector, parse_formula
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.sources.materials_project.settings import DuplicateRule


def repeated(electrodes: Sequence[Electrode], rule: DuplicateRule) -> dict[str, str]:
    """Return the electrodes that repeat an earlier one, by id, with the id of that one.

    Parameters
    ----------
    electrodes
        Electrodes in the order of their table; the first of several is no repetition.
    rule
        Compositions that are compared, per formula unit, among electrodes of one working ion.
    """
    if rule == "none":
        return {}
    first: dict[tuple[str, ...], str] = {}
    found = {}
    for electrode in electrodes:
        formulas = [electrode.formula_discharge]
        formulas += [electrode.formula_charge] if rule == "both-formulas" else []
        key = (electrode.working_ion, *map(_reduced, formulas))
        if key in first:
            found[electrode.id] = first[key]
        else:
            first[key] = electrode.id
    return found


def _reduced(formula: str) -> str:
    """Return a formula per atom, so that LiFePO4 and Li2Fe2P2O8 are the same."""
    vector = composition_vector(parse_formula(formula))
    shares = vector / vector.sum()
    return " ".join(f"{index}:{shares[index]:.4f}" for index in shares.nonzero()[0])
