"""The part of the data card that sets the voltages against measurements and against other calculations."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, median

from kadi_battgen.electrodes.building.comparison import literature_rows, table_differences
from kadi_battgen.electrodes.building.methods import (
    METHOD_HOST,
    METHOD_PAIR,
    METHOD_PROTOTYPE,
    METHOD_SUBSTITUTION,
    METHODS,
)
from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL
from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.electrode import Electrode

#: Names of the methods in the tables of the card.
HEADS = {
    METHOD_PAIR: "DFT pairs",
    METHOD_HOST: "relaxed crystals",
    METHOD_PROTOTYPE: "relaxed prototypes",
    METHOD_SUBSTITUTION: "changed crystals",
}


def methods_of(collection: ElectrodeCollection) -> dict[str, str]:
    """Methods for which the set had candidates, by kind of candidate."""
    return {kind: method for kind, method in METHODS.items() if collection.metadata["candidates"].get(kind)}


def accuracy(collection: ElectrodeCollection, tables: list[Path]) -> str:
    """Write the sections on measured and on other calculated voltages.

    Parameters
    ----------
    collection
        The set.
    tables
        Tables of Materials Project electrodes; without any the text says so.
    """
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
            f"{HEADS[found.method][:-1]}, {_space_group(found)} | {measured.reference} |"
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
    groups += [
        (HEADS[method], [d for e, d in found if e.method == method]) for method in methods_of(collection).values()
    ]
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
