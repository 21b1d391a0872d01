"""Kadi4Mat templates for every type of record, made from the same tables as the records' own metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.extras import Extra, entry, field_entry, group, sequence
from kadi_battgen.records.kadi.record_types import RECORD_TYPES, RecordType
from kadi_battgen.records.kadi.session import KadiError
from kadi_battgen.records.kadi.vocabulary import FILE, GROUP_TERMS, MACHINE, RUN, SOFTWARE, UNITS, Field
from kadi_battgen.records.model import SCHEMA, VERSION

#: What the identifiers of our templates begin with.
PREFIX: Final = "kadi-battgen-"


@dataclass(frozen=True)
class InstalledTemplate:
    """A template that is there now.

    Attributes
    ----------
    identifier
        Its identifier in Kadi4Mat.
    outcome
        What had to be done for it.
    """

    identifier: str
    outcome: Literal["created", "updated", "unchanged"]


def template_fields(kind: RecordType) -> dict[str, Any]:
    """Return the fields of the template of a type of record, as Kadi4Mat's API takes and returns them."""
    data = {
        "title": "",
        "identifier": "",
        "type": kind.name,
        "description": "",
        "license": None,
        "tags": ["kadi-battgen"],
        "extras": _extras(kind),
        "collections": [],
        "record_links": [],
        "roles": [],
    }
    return {
        "title": f"kadi-battgen: {kind.title}",
        "type": "record",
        "description": f"{kind.description} Records of this type are made by battgen; values are checked when saved.",
        "data": data,
    }


def install_templates(client: KadiClient) -> list[InstalledTemplate]:
    """Create the templates of all types of records, or bring them up to date; a second call changes nothing.

    Parameters
    ----------
    client
        The instance to install them on.

    Raises
    ------
    KadiError
        If the instance cannot be reached, or a template belongs to someone else who has not given access to it.
    """
    return [_install(client, kind) for kind in RECORD_TYPES.values()]


def _install(client: KadiClient, kind: RecordType) -> InstalledTemplate:
    identifier, wanted = f"{PREFIX}{kind.name}", template_fields(kind)
    try:
        found = client.find("templates", identifier)
    except KadiError as error:
        if error.status != 403:
            raise
        raise KadiError(
            f"The template {identifier} on {client.address} belongs to someone else: ask its owner to share it, or to "
            "install the templates.",
            403,
        ) from None
    if found is None:
        # Others on the instance may use it too: it holds nothing of anyone's work.
        found = client.create("templates", identifier, {**wanted, "visibility": "public"})
        outcome: Literal["created", "updated", "unchanged"] = "created"
    else:
        outcome = "unchanged"
    changed = {name: value for name, value in wanted.items() if not _same(value, found.get(name))}
    if changed:
        client.edit("templates", found["id"], identifier, changed)
        outcome = "created" if outcome == "created" else "updated"
    return InstalledTemplate(identifier, outcome)


def _same(ours: Any, theirs: Any) -> bool:
    """Tell whether Kadi4Mat has what we want; it adds the empty values that we leave out."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(_same(ours.get(key), theirs.get(key)) for key in ours.keys() | theirs.keys())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return bool(ours == theirs)


def _extras(kind: RecordType) -> list[Extra]:
    packages = group("packages", [], description="Versions of the installed packages")
    units = (entry("str", iri, key=unit, validation={"iri": True}) for unit, iri in UNITS.items())
    return [
        group("run", map(_empty, RUN), term=GROUP_TERMS["run"]),
        group("configuration", map(_empty, kind.options), description="All options of the step"),
        group("metrics", [], description="Measured numbers by part of the data set"),
        sequence("inputs", [group(None, map(_empty, FILE))], term=GROUP_TERMS["inputs"]),
        sequence("files", [group(None, map(_empty, FILE))], term=GROUP_TERMS["files"]),
        group("software", [*map(_empty, SOFTWARE), packages], term=GROUP_TERMS["software"]),
        group("machine", map(_empty, MACHINE)),
        group("units", units, description="Units as terms of QUDT"),
    ]


def _empty(field: Field) -> Extra:
    """Return the entry of a field to be filled in; the format is the only thing that is known beforehand."""
    known = {"schema": SCHEMA, "version": VERSION}
    made = field_entry(field, known.get(field.key) if field in RUN else None)
    if field.validation():
        made["validation"] = field.validation()
    return made
