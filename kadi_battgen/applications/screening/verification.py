"""A second look at candidates with a universal potential that did not label the training data (CHGNet).

The nearest known framework is decorated with the candidate's elements, both ends are relaxed, and voltage, volume change and
formation energy follow. The training data were labelled with DFT and 7net-l3i5; checking with the same model would only tell
whether the generator has learned it. Without competing phases there is no convex hull, so the formation energy says whether a
compound is bound against its elements, not whether it is stable.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kadi_battgen.applications.screening.candidates import Candidate
from kadi_battgen.applications.screening.decoration import Decoration, decorate
from kadi_battgen.electrodes.building.elements import NoReferenceError
from kadi_battgen.electrodes.building.relaxation import SECOND_MODEL
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.errors import UserError
from kadi_battgen.progress import progress_bar

#: Mean absolute error of the potential's voltages against measured ones, V (the data card of the bundled electrodes).
EXPECTED_VOLTAGE_ERROR = 0.3

#: What a check costs on one core of a processor of 2024, seconds.
EXPECTED_SECONDS = 10

_RELAXATION_STEPS = 150


@dataclass(frozen=True)
class Verification:
    """What the potential says of one candidate.

    Attributes
    ----------
    outcome
        ``converged``, or why there is nothing to say.
    template
        Id of the known electrode whose framework was decorated; empty where none fits.
    average_voltage
        V against the metal of the working ion, by the same potential; None where the relaxation did not converge.
    volume_change
        Fraction; likewise.
    formation_energy
        eV/atom of the discharged phase against its elements, each in a simple crystal; likewise.
    seconds
        What it took.
    """

    outcome: str
    template: str
    average_voltage: float | None
    volume_change: float | None
    formation_energy: float | None
    seconds: float

    def row(self, candidate: Candidate) -> dict[str, Any]:
        """Return the columns that are added to the candidate's row, with how far it misses the target."""
        voltage, change = FUNCTIONAL_PROPERTIES["average_voltage"], FUNCTIONAL_PROPERTIES["volume_change"]
        ranges = candidate.target.ranges
        met = {
            entry.column: None
            if entry.name not in ranges or value is None
            else ranges[entry.name].miss(value, 1.0) == 0
            for entry, value in ((voltage, self.average_voltage), (change, self.volume_change))
        }
        return {
            "verification": self.outcome,
            "verification_template_id": self.template or None,
            f"verified_{voltage.column}": _rounded(self.average_voltage),
            f"verified_{voltage.column}_in_target": met[voltage.column],
            f"verified_{change.column}": _rounded(self.volume_change),
            f"verified_{change.column}_in_target": met[change.column],
            "verified_formation_energy_eV_per_atom": _rounded(self.formation_energy),
            "verification_method": SECOND_MODEL,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def require_potential() -> None:
    """Check that the potential is installed.

    Raises
    ------
    UserError
        If the optional extra ``potentials`` is missing.
    """
    for package in ("ase", "chgnet"):
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"A check with {SECOND_MODEL} needs {package}, which is not installed: pip install "
                "'kadi-battgen[potentials]' (CPython 3.10 to 3.12), or screen without --verify."
            )


def verify_candidates(
    candidates: Sequence[Candidate], known: ElectrodeCollection, number: int, *, progress: bool = True
) -> list[Verification]:
    """Check the first `number` of ranked candidates.

    Parameters
    ----------
    candidates
        Best first.
    known
        Electrodes whose frameworks are decorated.
    number
        How many to check; each takes about :data:`EXPECTED_SECONDS` on one core.

    Raises
    ------
    UserError
        If the optional extra ``potentials`` is missing.
    """
    require_potential()
    chosen = candidates[:number]
    energies: dict[str, float] = {}
    return [
        _verify(candidate, known, energies)
        for candidate in progress_bar(chosen, description="Relaxing candidates", unit="candidate", enabled=progress)
    ]


def _verify(candidate: Candidate, known: ElectrodeCollection, energies: dict[str, float]) -> Verification:
    started = time.monotonic()
    decoration = decorate(candidate, known) if candidate.working_ion_present else None
    if decoration is None:
        why = "no known framework fits" if candidate.working_ion_present else "the working ion is absent"
        return Verification(why, "", None, None, None, time.monotonic() - started)
    try:
        outcome, values = _relaxed(decoration, energies)
    except UserError:
        raise
    except Exception as error:
        # An exploding cell ends in many ways inside the potential; the candidate is marked and the others go on.
        outcome, values = f"relaxation failed ({type(error).__name__})", (None, None, None)
    return Verification(outcome, decoration.template.id, *values, time.monotonic() - started)


def _relaxed(
    decoration: Decoration, energies: dict[str, float]
) -> tuple[str, tuple[float | None, float | None, float | None]]:
    from kadi_battgen.electrodes.building.candidates import element_counts, without
    from kadi_battgen.electrodes.building.relaxation import relax
    from kadi_battgen.electrodes.building.voltages import average_voltage, volume_change

    discharge = relax(decoration.crystal, SECOND_MODEL, _RELAXATION_STEPS)
    if not discharge["converged"]:
        return "the discharged end did not converge", (None, None, None)
    # The emptied host starts from the relaxed discharged cell: started from the template it may fall apart.
    charge = relax(without(discharge["crystal"], decoration.removed), SECOND_MODEL, _RELAXATION_STEPS)
    counts, ion = element_counts(decoration.crystal), decoration.working_ion
    for symbol in counts:
        if symbol not in energies:
            energies[symbol] = _elemental(symbol)
    apart = [n * energies[symbol] for symbol, n in counts.items()]
    bound = (
        None
        if any(math.isnan(energy) for energy in apart)
        else (discharge["energy"] - sum(apart)) / sum(counts.values())
    )
    if not charge["converged"]:
        return "the charged end did not converge", (None, None, bound)
    voltage = average_voltage(discharge["energy"], charge["energy"], energies[ion], len(decoration.removed), ion)
    return "converged", (voltage, volume_change(discharge["volume"], charge["volume"]), bound)


def _elemental(symbol: str) -> float:
    """Return the energy of an element in eV/atom, NaN where there is no crystal to take it from."""
    from kadi_battgen.electrodes.building.elements import elemental_energy

    try:
        return elemental_energy(symbol, SECOND_MODEL)
    except NoReferenceError:
        return math.nan
