"""A record as the JSON document that Kadi4Mat itself exports, which its tools read back with type, extras and links."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kadi_battgen.records.companions import COMPANIONS
from kadi_battgen.records.kadi.limits import LONGEST_LINK_NAME, file_name, one_line
from kadi_battgen.records.model import Record

#: Licences that every Kadi4Mat knows. An import with another one silently loses type and extra metadata; such a licence
#: is told in the extra metadata instead.
KADI_LICENCES: Final = frozenset(
    {
        *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0", "EUPL-1.1", "EPL-2.0"),
        *("GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0"),
        *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "ODC-BY-1.0", "ODbL-1.0", "PDDL-1.0"),
    }
)

#: Of a file whose name does not tell its kind.
_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class ExportedFile:
    """A file that an exported record holds.

    Attributes
    ----------
    path
        Path relative to the record's ``files`` folder, with forward slashes; its name in Kadi4Mat.
    sha256
        Checksum of the content, hexadecimal.
    size
        Size in bytes.
    media_type
        MIME type.
    description
        What it is.
    """

    path: str
    sha256: str
    size: int
    media_type: str
    description: str = ""


def exported_files(record: Record, companions: Mapping[str, bytes]) -> list[ExportedFile]:
    """Return the files of a record and its companions, ordered by path.

    Parameters
    ----------
    record
        The record.
    companions
        Name and content of the files that accompany it.
    """
    found = {}
    for artifact in (*record.inputs, *record.files):
        for path, entry in artifact.stored_files().items():
            known = artifact.media_type if artifact.kind == "file" else None
            description = artifact.description if artifact.kind == "file" else f"Part of: {artifact.description}"
            found[path] = ExportedFile(path, entry.sha256, entry.size, known or media_type(path), description)
    for name, content in companions.items():
        digest, description = hashlib.sha256(content).hexdigest(), COMPANIONS.get(name, "")
        found[name] = ExportedFile(name, digest, len(content), media_type(name), description)
    return [found[path] for path in sorted(found)]


def media_type(name: str) -> str:
    """Return the MIME type that the name of a file tells."""
    kind, encoding = mimetypes.guess_type(name)
    return "application/gzip" if encoding == "gzip" else kind or _UNKNOWN


def kadi_export(record: Record, metadata: Mapping[str, Any], files: list[ExportedFile]) -> bytes:
    """Return the JSON document of a record as Kadi4Mat exports it.

    Parameters
    ----------
    record
        The record.
    metadata
        Title, description, type, tags, license and extras as Kadi4Mat has them.
    files
        The files that go with it.
    """
    links = dict.fromkeys((one_line(link.name, LONGEST_LINK_NAME), link.term, link.record) for link in record.links)
    document = {
        "id": export_number(record.identifier),
        "identifier": record.identifier,
        **metadata,
        "created_at": record.started.isoformat(),
        "last_modified": (record.ended or record.started).isoformat(),
        "links": [
            {
                "id": export_number(f"{record.identifier} {name} {target}"),
                "name": name,
                "term": term,
                "record_to": {"id": export_number(target), "identifier": target},
            }
            for name, term, target in links
        ],
        "files": [
            {
                "name": file_name(file.path),
                "size": file.size,
                "mimetype": file.media_type,
                "description": file.description,
            }
            for file in files
        ],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def export_number(text: str) -> int:
    """Return the number that stands for something in an export, where a database of Kadi4Mat would have given one."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8")).digest()[:6], "big")
