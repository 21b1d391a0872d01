"""Documents of the Materials Project as electrodes, each checked; one that is wrong costs only itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from kadi_battgen.electrodes.collection import describe_validation
from kadi_battgen.electrodes.electrode import CrystalStructure, Electrode, FunctionalPropertyValues
from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.electrodes.sources.materials_project.identifiers import battery_id, normalised_id
from kadi_battgen.errors import UserError

#: The source's name in every electrode.
SOURCE = "Materials Project"

#: The functional properties by their names there. ``max_delta_volume`` is a fraction, although described as per cent.
PROPERTY_FIELDS = {
    "average_voltage": "average_voltage",
    "gravimetric_capacity": "capacity_grav",
    "volumetric_capacity": "capacity_vol",
    "gravimetric_energy": "energy_grav",
    "volumetric_energy": "energy_vol",
    "volume_change": "max_delta_volume",
}


@dataclass(frozen=True)
class Candidate:
    """An electrode that passed all checks, with what decides between duplicates.

    Attributes
    ----------
    electrode
        The electrode; its id may still be that of another.
    thermo_type
        Mix of functionals behind its energies, such as ``GGA_GGA+U``; empty if not known.
    id_discharge
        Identifier of the discharged material.
    stability_charge, stability_discharge
        Energies of the two ends above the convex hull in eV/atom; None if not known.
    """

    electrode: Electrode
    thermo_type: str
    id_discharge: str
    stability_charge: float | None
    stability_discharge: float | None


@dataclass(frozen=True)
class Batch:
    """Electrode documents with the material documents of their discharged ends, by normalised identifier."""

    documents: tuple[Mapping[str, Any], ...]
    materials: Mapping[str, Mapping[str, Any]]


def discharge_id(document: Mapping[str, Any]) -> str | None:
    """Return the normalised identifier of an electrode's discharged end; None if it has none that can be read."""
    try:
        return normalised_id(document["id_discharge"])
    except (KeyError, ValueError):
        return None


def structures_by_id(documents: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return material documents by their normalised identifiers; those without a readable one are left out."""
    found = {}
    for document in documents:
        try:
            found[normalised_id(document["material_id"])] = document
        except (KeyError, ValueError):
            continue
    return found


def convert_batch(batch: Batch) -> tuple[list[Candidate], list[RefusedRow]]:
    """Return the electrodes of a batch, and a row for each document that is none, both in the documents' order.

    A pure function of its batch, so that batches can be converted anywhere.
    """
    candidates, refused = [], []
    for document in batch.documents:
        name = _name(document)
        try:
            candidates.append(_candidate(document, name, batch.materials))
        except _RefusalError as refusal:
            refused.append(refused_row(name, refusal.field, refusal.reason, refusal.kind))
    return candidates, refused


def refused_row(name: str, field: str, reason: str, kind: str) -> RefusedRow:
    """Return the row for the electrode called `name`; the arguments are those of `RefusedRow`."""
    return RefusedRow(f"{SOURCE}, insertion electrode {name}", name, field, reason, kind)


def distinct_ids(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[RefusedRow]]:
    """Return candidates with distinct ids, and rows for those that are another one once more.

    The Materials Project calls electrodes of one host by one name, also if they were computed with several functionals
    or from several sets of materials. Those get the functionals and the discharged material at the end of the id.
    """
    shared = Counter(candidate.electrode.id for candidate in candidates)
    kept: list[Candidate] = []
    refused = []
    seen: set[str] = set()
    for candidate in candidates:
        name = candidate.electrode.id
        if shared[name] > 1:
            name = "_".join(filter(None, (name, candidate.thermo_type, candidate.id_discharge)))
        if name in seen:
            reason = f"another electrode with the same id, functionals and discharged end came before it as {name}"
            refused.append(refused_row(candidate.electrode.id, "material_ids", reason, "repeated id"))
            continue
        seen.add(name)
        # Checked already: a copy with another id.
        kept.append(replace(candidate, electrode=candidate.electrode.model_copy(update={"id": name})))
    return kept, refused


class _RefusalError(Exception):
    def __init__(self, field: str, reason: str, kind: str = "wrong value") -> None:
        super().__init__(reason)
        self.field, self.reason, self.kind = field, reason, kind


def _name(document: Mapping[str, Any]) -> str:
    """Return the electrode's identifier, or what is nearest to it in a document that has none."""
    ion = document.get("working_ion")
    for given in (document.get("material_ids"), [str(document.get("id_discharge"))]):
        try:
            return battery_id([normalised_id(each) for each in given or ()], str(ion))
        except (ValueError, TypeError):
            continue
    return f"without id_{ion}"


def _candidate(document: Mapping[str, Any], name: str, materials: Mapping[str, Mapping[str, Any]]) -> Candidate:
    missing = next((field for field in _REQUIRED if document.get(field) is None), None)
    if missing is not None:
        raise _RefusalError(missing, f"{missing} is missing in the document", "missing value")
    discharged = discharge_id(document)
    if discharged is None:
        raise _RefusalError("id_discharge", f"{document['id_discharge']!r} is no identifier such as mp-1002")
    structure = _structure(discharged, materials)
    thermo_type = str(document.get("thermo_type") or "")
    try:
        electrode = Electrode(
            id=name,
            working_ion=document["working_ion"],
            formula_charge=document["formula_charge"],
            formula_discharge=document["formula_discharge"],
            properties=FunctionalPropertyValues.model_validate(
                {name: document[field] for name, field in PROPERTY_FIELDS.items()}
            ),
            structure=structure,
            source=SOURCE,
            source_id=f"{name} (discharged {discharged})",
            method=f"DFT, Materials Project{f' ({thermo_type})' if thermo_type else ''}",
        )
    except (ValidationError, UserError) as error:
        raise _RefusalError(_field(error), describe_validation(error)) from error
    stabilities = (_number(document.get("stability_charge")), _number(document.get("stability_discharge")))
    return Candidate(electrode, thermo_type, discharged, *stabilities)


_REQUIRED = ("working_ion", "formula_charge", "formula_discharge", "id_discharge", *PROPERTY_FIELDS.values())


def _structure(discharged: str, materials: Mapping[str, Mapping[str, Any]]) -> CrystalStructure:
    if discharged not in materials:
        raise _RefusalError(
            "id_discharge",
            f"there is no structure of the discharged end {discharged}: it is deprecated, or not under CC BY 4.0",
            "missing structure",
        )
    from pymatgen.core import Structure

    try:
        structure = Structure.from_dict(materials[discharged]["structure"])
    except Exception as error:
        raise _RefusalError(
            "structure", f"the structure of {discharged} cannot be read ({type(error).__name__})", "wrong structure"
        ) from error
    try:
        return CrystalStructure.from_pymatgen(structure)
    except (UserError, ValidationError, AttributeError) as error:
        reason = "is no atom of an element" if isinstance(error, AttributeError) else describe_validation(error)
        raise _RefusalError("structure", f"the structure of {discharged}: {reason}", "wrong structure") from error


def _field(error: ValidationError | UserError) -> str:
    """Return the Materials Project's name of the field that a validation complains of; empty for the row as a whole."""
    location = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
    return PROPERTY_FIELDS.get(str(location[-1]), str(location[-1])) if location else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value == value else None
