"""Names of the ways in which rows are made, as the set states them."""

from __future__ import annotations

from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL

METHOD_PAIR = "DFT, OQMD"
METHOD_HOST = f"{LABEL_MODEL} relaxation of an OQMD/ICSD crystal and of its host without the ion"
METHOD_SUBSTITUTION = (
    f"{LABEL_MODEL} relaxation of an OQMD/ICSD crystal with elements exchanged and of its host without the ion"
)
METHOD_PROTOTYPE = f"{LABEL_MODEL} relaxation of a prototype and of its host without the ion"

#: Method of each kind of candidate, in the order of the set and of its card.
METHODS = {
    "pair": METHOD_PAIR,
    "host": METHOD_HOST,
    "prototype": METHOD_PROTOTYPE,
    "substitution": METHOD_SUBSTITUTION,
}
