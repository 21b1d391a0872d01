"""The JSON-LD graph of an RO-Crate: entities that refer to each other by their IRIs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from kadi_battgen.records.model import Record

#: File of the description in a crate's folder.
METADATA_FILE: Final = "ro-crate-metadata.json"

#: Version of the RO-Crate specification, the one that Kadi4Mat itself exports.
RO_CRATE_VERSION: Final = "1.1"

#: Terms that the context of that version lacks; as in the context of later versions.
_MORE_TERMS: Final = {"sha256": "http://schema.org/sha256"}

#: What importers expect as a list even where it has one entry only.
_LISTS: Final = ("hasPart",)

#: A reference to an entity, ``{"@id": IRI}``.
Entity = dict[str, str]


class Graph:
    """A crate that is being described."""

    def __init__(self) -> None:
        from rocrate.rocrate import ROCrate

        self._crate = ROCrate(version=RO_CRATE_VERSION)
        self._crate.metadata.extra_terms.update(_MORE_TERMS)

    def describe_file(self, **values: Any) -> None:
        """State more on the description itself."""
        for name, value in _compact(values).items():
            self._crate.metadata[name] = value

    def describe_root(self, **values: Any) -> None:
        """State what the crate as a whole is."""
        for name, value in _compact(values).items():
            self._crate.root_dataset[name] = value

    def add(self, iri: str, kind: str, **values: Any) -> Entity:
        """Describe something, unless it is described already, and return a reference to it.

        Parameters
        ----------
        iri
            What it is called: an address, a path in the crate, or a name after ``#``.
        kind
            Its type in schema.org.
        values
            Its properties; empty lists are left out.
        """
        from rocrate.model import ContextEntity

        if self._crate.get(iri) is None:
            # Not rocrate's own File and Dataset, which leave out the leading "./" that kadi-apy's importer counts on.
            self._crate.add(ContextEntity(self._crate, iri, {"@type": kind, **_compact(values)}))
        return {"@id": iri}

    def add_licence(self, licence: str | None) -> Entity:
        """Describe a licence, given as SPDX identifier or in other words, or state that there is none."""
        if licence is None:
            remark = "The record names no licence: ask its author before its files are used again."
            return self.add("#no-licence", "CreativeWork", name="No licence given", description=remark)
        values = {"name": licence, "identifier": licence}
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", licence) and not licence.startswith("LicenseRef-"):
            iri = f"https://spdx.org/licenses/{licence}"
            return self.add(iri, "CreativeWork", **values, url=iri)
        return self.add(f"#licence-{quote(licence, safe='')}", "CreativeWork", **values)

    def document(self) -> dict[str, Any]:
        """Return the JSON-LD document."""
        return dict(self._crate.metadata.generate())


def file_iri(identifier: str, path: str) -> str:
    """Return how a crate names a file of a record; `path` is relative to the record's ``files`` folder."""
    return f"./{identifier}/files/{quote(path)}"


def moment(record: Record, *, end: bool = False) -> str:
    """Return when a run started, or when it ended if that is known."""
    return ((record.ended if end else None) or record.started).isoformat(timespec="milliseconds")


def unique(references: Iterable[Entity]) -> list[Entity]:
    """Return references in their order, each once."""
    return [{"@id": iri} for iri in dict.fromkeys(reference["@id"] for reference in references)]


def _compact(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without empty lists, and with single entries instead of lists of one."""
    compact = {}
    for name, value in values.items():
        if isinstance(value, list) and len(value) < 2 and name not in _LISTS:
            if value:
                compact[name] = value[0]
        else:
            compact[name] = value
    return compact
