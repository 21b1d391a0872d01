"""Data cards: what a data set is, where it comes from and what is wrong with it, computed from the data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import FUNCTIONAL_PROPERTIES, WORKING_IONS
from kadi_battgen.electrodes.refusals import RefusedRow, count_refusals
from kadi_battgen.files import write_text

#: Quantiles of the property table.
QUANTILES = {"smallest": 0.0, "1 %": 0.01, "median": 0.5, "99 %": 0.99, "largest": 1.0}

#: Metadata that stand in the section on the origin, with what people call them.
_ORIGIN = {
    "title": "title",
    "source": "source",
    "endpoint": "address",
    "database_version": "version of the database",
    "retrieved": "retrieved",
    "table": "table",
    "table_sha256": "SHA-256 of the table",
    "structures": "structures",
    "structures_sha256": "SHA-256 of the structures",
    "duplicates": "duplicates",
    "volume_change": "volume change",
}


def card_path(output: str | os.PathLike[str]) -> str:
    """Return where the card of a data set lies: beside it, with ``.card.md`` in place of its ending."""
    return f"{without_ending(output)}.card.md"


def without_ending(output: str | os.PathLike[str]) -> str:
    """Return the path of a data set without ``.json``, ``.json.gz``, ``.h5`` or ``.hdf5``."""
    path = os.fspath(output)
    return next((path[: -len(end)] for end in (".json.gz", ".json", ".h5", ".hdf5") if path.endswith(end)), path)


def write_card(
    path: str | os.PathLike[str],
    collection: ElectrodeCollection,
    name: str,
    refused: Sequence[RefusedRow] = (),
) -> None:
    """Write the data card (Markdown) of an electrode collection.

    Parameters
    ----------
    path
        File to write.
    collection
        The electrodes that the card describes.
    name
        File name of the collection.
    refused
        Rows of its source that were refused.
    """
    electrodes = collection.electrodes
    parts = [
        f"# Data card: {name}\n\n{len(electrodes)} insertion electrodes: the two formulas, the six functional properties, "
        "the crystal structure of the discharged phase, and for each how its values were obtained (`method`).",
        origin_section(collection.metadata),
        "\n\n".join(
            ["## Contents", ion_table({"electrodes": electrodes}), property_table(electrodes), _sizes(electrodes)]
        ),
        _methods(electrodes),
        _refusals(refused),
        faults_section([*electrode_faults(electrodes), *stated_faults(collection.metadata)]),
        licence_section(collection.metadata),
    ]
    write_text(path, "\n\n".join(part for part in parts if part) + "\n")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    # What comes from a user's table must not end the cell.
    return " ".join(text.split()).replace("|", "\\|")


def ion_table(parts: Mapping[str, Iterable[Electrode]]) -> str:
    """Return the number of electrodes by working ion, one column for each part."""
    counts = {part: Counter(electrode.working_ion for electrode in members) for part, members in parts.items()}
    rows: list[Sequence[object]] = [[ion, *(count[ion] for count in counts.values())] for ion in WORKING_IONS]
    rows.append(["all", *(count.total() for count in counts.values())])
    return markdown_table(["working ion", *counts], rows)


def property_table(electrodes: Sequence[Electrode]) -> str:
    """Return smallest, 1 %, median, 99 % and largest value of each functional property with its unit."""
    values = np.stack([electrode.properties.as_vector() for electrode in electrodes])
    quantiles = np.quantile(values, list(QUANTILES.values()), axis=0)
    rows = [
        [entry.label, entry.unit, *map(float, quantiles[:, column])]
        for column, entry in enumerate(FUNCTIONAL_PROPERTIES.values())
    ]
    return markdown_table(["property", "unit", *QUANTILES], rows)


def _sizes(electrodes: Sequence[Electrode]) -> str:
    atoms = np.array([len(electrode.structure.species) for electrode in electrodes])
    elements = {symbol for electrode in electrodes for symbol in electrode.structure.species}
    compositions = len({(electrode.working_ion, electrode.composition.tobytes()) for electrode in electrodes})
    return (
        f"Cells have {atoms.min()} to {atoms.max()} atoms (median {np.median(atoms):.0f}); {len(elements)} elements occur. "
        f"{compositions} pairs of working ion and discharged composition are distinct. Volume change is a fraction; "
        "capacities and energies are normalised by the mass and the volume of the discharged phase."
    )


def origin_section(metadata: Mapping[str, Any]) -> str:
    """Return where a data set comes from, as far as the metadata of its electrodes tell."""
    lines = [f"* {label}: {_plain(metadata[key])}" for key, label in _ORIGIN.items() if metadata.get(key)]
    lines += [f"* column {line}" for line in metadata.get("columns", ())]
    if metadata.get("columns_ignored"):
        lines.append(f"* columns that were not used: {', '.join(metadata['columns_ignored'])}")
    lines += [
        f"* {name} was derived where it was missing: {text}" for name, text in metadata.get("derived", {}).items()
    ]
    if metadata.get("further_steps"):
        lines.append(
            f"* {metadata['further_steps']} rows shared their id with a row of other ends and have another one here"
        )
    return "## Origin\n\n" + ("\n".join(lines) if lines else "Not stated.")


def _plain(value: Any) -> str:
    """Return a value of the metadata on one line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(entry)}" for name, entry in value.items())
    return " ".join(str(value).split())


def _methods(electrodes: Sequence[Electrode]) -> str:
    counts = Counter(electrode.method for electrode in electrodes).most_common()
    rows: list[Sequence[object]] = list(counts[:20])
    if len(counts) > 20:
        rows.append([f"{len(counts) - 20} others", sum(count for _, count in counts[20:])])
    return "## How the values were obtained\n\n" + markdown_table(["method", "electrodes"], rows)


def _refusals(refused: Sequence[RefusedRow]) -> str:
    if not refused:
        return "## Refused rows\n\nNone."
    rows = [[kind, field or "the whole row", count] for (kind, field), count in count_refusals(refused).items()]
    text = f"{len(refused)} rows of the source are not in the set."
    return f"## Refused rows\n\n{text}\n\n" + markdown_table(["reason", "field", "rows"], rows)


def electrode_faults(electrodes: Sequence[Electrode]) -> list[str]:
    """Return what is remarkable about the values, one sentence each."""
    found = {
        "have a negative voltage: the ion leaves on its own": [e.properties.average_voltage < 0 for e in electrodes],
        "have a voltage above 6 V, beyond what electrolytes bear": [
            e.properties.average_voltage > 6 for e in electrodes
        ],
        "change their volume by more than 100 %: hardly insertion": [
            e.properties.volume_change > 1 for e in electrodes
        ],
        "have a cell of more than 100 atoms": [len(e.structure.species) > 100 for e in electrodes],
    }
    faults = [f"{sum(flags)} of {len(electrodes)} {what}." for what, flags in found.items() if any(flags)]
    counts = Counter(electrode.working_ion for electrode in electrodes)
    few = [ion for ion in WORKING_IONS if counts[ion] < 10]
    if few:
        faults.append(f"Fewer than ten electrodes stand for {', '.join(few)}: what is learnt of them is uncertain.")
    commonest, share = counts.most_common(1)[0]
    if share > len(electrodes) / 2 and len(counts) > 1:
        faults.append(f"{share / len(electrodes):.0%} are {commonest} electrodes: weight the ions when training.")
    return faults


def stated_faults(metadata: Mapping[str, Any]) -> list[str]:
    """Return the faults that the metadata tell, and what is known of their source."""
    faults = [f"{fault.rstrip('.')}." for fault in metadata.get("known_faults", ())]
    if metadata.get("source") == "Materials Project":
        faults.append(
            "Voltages are DFT values (PBE, with U for some metals in oxides and fluorides): expect some tenths of a volt of "
            "difference from measurements."
        )
    if str(metadata.get("title", "")).startswith("Bundled electrodes"):
        faults.append(
            "Most values are those of a universal potential, not of DFT or a measurement: the set's own card, "
            "kadi_battgen/bundled/electrodes.card.md, tells how far they are off."
        )
    if metadata.get("source") == "files":
        faults.append(
            "The values were checked against each other (V Q = E, formulas, density) and against nothing else."
        )
    return faults


def faults_section(faults: Sequence[str]) -> str:
    """Return the section on known faults."""
    return "## Known faults\n\n" + ("\n".join(f"* {fault}" for fault in faults) if faults else "None are known.")


def licence_section(metadata: Mapping[str, Any]) -> str:
    """Return licence and citations, as far as the metadata tell."""
    licence = metadata.get("licence")
    lines = [f"Licence: {licence}." if licence else "Licence: not stated; it is that of whoever made the source."]
    citations = metadata.get("citations") or {}
    if citations:
        lines += ["", "Whoever publishes work with this set cites:", ""]
        groups = citations.values() if isinstance(citations, Mapping) else [citations]
        lines += [f"* {_plain(reference)}" for group in groups for reference in group]
    return "## Licence and citations\n\n" + "\n".join(lines)
