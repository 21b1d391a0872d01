"""Guards: which computed candidates become electrodes, and why the others do not."""

from __future__ import annotations

from typing import Any

from kadi_battgen.electrodes.building.candidates import ase_atoms, element_counts, without
from kadi_battgen.electrodes.building.oxidation import ANIONS
from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL, SECOND_MODEL
from kadi_battgen.electrodes.building.voltages import (
    common_ends,
    model_voltage,
    model_volume_change,
    record_ends,
    voltage_spread,
    volume_change,
)

VOLTAGE_RANGE = (0.0, 5.5)  # V, both exclusive
LARGEST_VOLUME_CHANGE = {
    "pair": 0.5,
    "host": 0.25,
    "substitution": 0.25,
    "prototype": 0.25,
}  # fractions; both ends of a pair are real crystals
_HOPELESS_VOLUME_CHANGE = 0.4  # fraction, with the second potential
LARGEST_SPREAD = 0.35  # V, between the two potentials
SHORTEST_DISTANCE = 1.0  # Angstrom
LONGEST_CELL_EDGE = 23.0  # Angstrom; what is longer does not fit into the default scan window of the AFM simulation
OXYGEN_DIMER = 1.65  # Angstrom; a peroxide's bond is 1.45 to 1.5 long
SMALLEST_RETENTION = 0.85  # share of the host's cation-anion bonds that survive charging

#: Of several rows of one composition the first of these kinds stays.
KIND_ORDER = ("pair", "host", "substitution", "prototype")

#: Reasons in the order in which they are tested, as the data card prints them.
REASONS = (
    "calculation failed",
    "not converged",
    "atoms too close",
    "cell too long",
    "volume change",
    "host bonds broken",
    "oxygen dimers",
    "voltage outside range",
    "potentials disagree",
    "duplicate composition",
)


def shortest_distance(description: dict[str, Any]) -> float:
    """Shortest distance between two atoms of a crystal, Angstrom (capped at 3)."""
    from ase.neighborlist import neighbor_list

    distances = neighbor_list("d", ase_atoms(description), 3.0)
    return float(distances.min()) if len(distances) else 3.0


def bond_retention(discharge: dict[str, Any], charge: dict[str, Any], removed: list[int] | tuple[int, ...]) -> float:
    """Share of the host's cation-anion bonds in the discharged crystal that the charged one still has.

    A bond is a cation-anion contact below 1.15 times the sum of the covalent radii in the discharged crystal; it survives
    below 1.3 times. Working-ion sites that are emptied do not count.

    Parameters
    ----------
    discharge
        Relaxed discharged crystal.
    charge
        Relaxed charged crystal, its sites in the order of the discharged one's without those in `removed`.
    removed
        Emptied sites of the discharged crystal.
    """
    host = without(discharge, removed)
    before = _contacts(host, 1.15)
    after = _contacts(charge, 1.3)
    total = sum(before.values())
    if not total:
        return 0.0
    return sum(min(count, after.get(pair, 0)) for pair, count in before.items()) / total


def oxygen_dimers(description: dict[str, Any]) -> int:
    """Count oxygen atoms that sit closer than `OXYGEN_DIMER` to another: a host that forms them is losing its oxygen."""
    from ase.neighborlist import neighbor_list

    first, second = neighbor_list("ij", ase_atoms(description), OXYGEN_DIMER)
    species = description["species"]
    return len({i for i, j in zip(first.tolist(), second.tolist(), strict=True) if species[i] == species[j] == "O"})


def _contacts(description: dict[str, Any], factor: float) -> dict[tuple[int, int], int]:
    """Count the cation-anion contacts (periodic images apart) of each pair of sites."""
    from ase.data import covalent_radii
    from ase.neighborlist import neighbor_list

    atoms = ase_atoms(description)
    cutoffs = [factor * covalent_radii[z] for z in atoms.numbers]
    first, second = neighbor_list("ij", atoms, cutoffs)
    species = description["species"]
    counts: dict[tuple[int, int], int] = {}
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        if species[i] not in ANIONS and species[j] in ANIONS:
            counts[i, j] = counts.get((i, j), 0) + 1
    return counts


def hopeless(record: dict[str, Any], metals: dict[str, dict[str, float]]) -> str | None:
    """Reason why the second potential alone rules a candidate out, or None; pairs are never ruled out.

    A voltage of the second potential so far outside the accepted range leaves the first no voltage that is inside and
    near enough to it.

    Parameters
    ----------
    record
        Record with the second potential's relaxations.
    metals
        Energies of the metals for each model, eV/atom.
    """
    if record["candidate"]["kind"] == "pair":
        return None
    voltage = model_voltage(record, SECOND_MODEL, metals)
    if voltage is None:
        return "not converged"
    if model_volume_change(record, SECOND_MODEL) > _HOPELESS_VOLUME_CHANGE:
        return "volume change"
    low, high = VOLTAGE_RANGE
    return None if low - LARGEST_SPREAD < voltage < high + LARGEST_SPREAD else "voltage outside range"


def rejection(record: dict[str, Any], metals: dict[str, dict[str, float]]) -> str | None:
    """Reason why a record is no electrode of the set, or None.

    Parameters
    ----------
    record
        What `relaxation.compute` returned.
    metals
        Energies of the metals for each model, eV/atom.
    """
    candidate = record["candidate"]
    if candidate["kind"] == "pair":
        ends = record_ends(record)
        volumes = [ase_atoms(candidate[end]).get_volume() for end in ("discharge", "charge")]
        change = volume_change(volumes[0] / ends.discharge_cells, volumes[1] / ends.charge_cells)
        if change > LARGEST_VOLUME_CHANGE["pair"]:
            return "volume change"
        inside = VOLTAGE_RANGE[0] < candidate["dft_voltage"] < VOLTAGE_RANGE[1]
        return None if inside else "voltage outside range"
    if record["error"] is not None:
        return str(record["error"]).split(":")[0]
    voltage = model_voltage(record, LABEL_MODEL, metals)
    if voltage is None:
        return "not converged"
    ends_of_label = record["models"][LABEL_MODEL]
    discharge, charge = ends_of_label["discharge"]["crystal"], ends_of_label["charge"]["crystal"]
    if min(shortest_distance(discharge), shortest_distance(charge)) < SHORTEST_DISTANCE:
        return "atoms too close"
    if ase_atoms(discharge).cell.lengths().max() > LONGEST_CELL_EDGE:
        return "cell too long"
    if model_volume_change(record, LABEL_MODEL) > LARGEST_VOLUME_CHANGE[candidate["kind"]]:
        return "volume change"
    if bond_retention(discharge, charge, candidate["removed"]) < SMALLEST_RETENTION:
        return "host bonds broken"
    if oxygen_dimers(charge) > oxygen_dimers(discharge):
        return "oxygen dimers"
    if not VOLTAGE_RANGE[0] < voltage < VOLTAGE_RANGE[1]:
        return "voltage outside range"
    spread = voltage_spread(record, metals)
    if spread is None or spread > LARGEST_SPREAD:
        return "potentials disagree"
    return None


def sort_out(
    records: list[dict[str, Any]], metals: dict[str, dict[str, float]]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    """Part the records into electrodes and rejected ones.

    Of several electrodes with one working ion and one discharged composition one stays: DFT pairs before crystals before
    prototypes, among equals the one whose discharged crystal is lowest in energy.

    Parameters
    ----------
    records
        Computed records.
    metals
        Energies of the metals for each model, eV/atom.

    Returns
    -------
    tuple
        The records that stay, and for each kind of candidate the number rejected for each reason.
    """
    counts: dict[str, dict[str, int]] = {}
    best: dict[tuple[Any, ...], tuple[tuple[float, ...], dict[str, Any]]] = {}

    def reject(record: dict[str, Any], reason: str) -> None:
        kinds = counts.setdefault(record["candidate"]["kind"], {})
        kinds[reason] = kinds.get(reason, 0) + 1

    for record in sorted(records, key=lambda r: r["key"]):
        reason = rejection(record, metals)
        if reason is not None:
            reject(record, reason)
            continue
        identity = _identity(record)
        preference = _preference(record)
        if identity not in best:
            best[identity] = (preference, record)
        elif preference < best[identity][0]:
            reject(best[identity][1], "duplicate composition")
            best[identity] = (preference, record)
        else:
            reject(record, "duplicate composition")
    return [record for _, record in best.values()], counts


def _identity(record: dict[str, Any]) -> tuple[Any, ...]:
    candidate = record["candidate"]
    counts = element_counts(candidate["discharge"])
    reduced = common_ends(counts, counts, candidate["working_ion"]).discharge
    return (candidate["working_ion"], *sorted(reduced.items()))


def _preference(record: dict[str, Any]) -> tuple[float, ...]:
    candidate = record["candidate"]
    if candidate["kind"] == "pair":
        return 0.0, candidate["dft_energy"]
    energy = record["models"][LABEL_MODEL]["discharge"]["energy"] / len(candidate["discharge"]["species"])
    return float(KIND_ORDER.index(candidate["kind"])), energy
