"""Fetched documents on disk, so that a fetch goes on where it was stopped and a second one asks nothing.

A part is what one search returned: the electrodes of one working ion, or a batch of structures. It lies in a file of its
own, written at once, below a folder for the server and one for the version of its database: compressed JSON in two lines,
of which the first describes the second and has its checksum. A part that is missing, truncated or changed is none.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, write_json

SCHEMA = "kadi-battgen/materials-project-part"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Part:
    """What one search returned.

    Attributes
    ----------
    documents
        Its documents, as the server sent them.
    retrieved
        When, in UTC as in ISO 8601.
    """

    documents: tuple[dict[str, Any], ...]
    retrieved: str


class DocumentCache:
    """The parts that were fetched from one server.

    Parameters
    ----------
    folder
        Folder for all servers.
    address
        Endpoint of the server.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self.folder = folder / _file_name(address.partition("://")[2], address)

    def version(self) -> str | None:
        """Return the version of the database that was seen last; None if there is none on record."""
        try:
            document = json.loads((self.folder / "current.json").read_text(encoding="utf-8"))
            found = document["database_version"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, str) and found else None

    def remember_version(self, version: str) -> None:
        """Keep the version of the database that was seen last."""
        with _disk_errors(self.folder):
            write_json(self.folder / "current.json", {"endpoint": self.address, "database_version": version})

    def read(self, version: str, kind: str, request: Mapping[str, Any]) -> Part | None:
        """Return the part that a search returned, None if it is not here, not complete or not what was written.

        Parameters
        ----------
        version
            Version of the database.
        kind
            What is searched for, the beginning of the file's name.
        request
            The criteria and fields of the search.
        """
        try:
            head, _, body = gzip.decompress(self.path(version, kind, request).read_bytes()).partition(b"\n")
            if json.loads(head)["sha256"] != hashlib.sha256(body).hexdigest():
                return None
            described, documents = json.loads(head), json.loads(body)
            if described != self._description(version, request, body, described["retrieved"]):
                return None
        except (OSError, EOFError, ValueError, zlib.error, KeyError, TypeError):
            return None
        return Part(tuple(documents), str(described["retrieved"]))

    def write(self, version: str, kind: str, request: Mapping[str, Any], documents: Sequence[dict[str, Any]]) -> Part:
        """Keep what a search returned now, and return it."""
        body = json.dumps(list(documents), ensure_ascii=False, separators=(",", ":")).encode()
        retrieved = datetime.now(UTC).isoformat(timespec="seconds")
        head = json.dumps(self._description(version, request, body, retrieved)).encode()
        path = self.path(version, kind, request)
        with _disk_errors(path), atomic_path(path) as temporary:
            temporary.write_bytes(gzip.compress(head + b"\n" + body, compresslevel=5, mtime=0))
        return Part(tuple(documents), retrieved)

    def path(self, version: str, kind: str, request: Mapping[str, Any]) -> Path:
        """Return the file of a part."""
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        return self.folder / _file_name(version, version) / f"{kind}-{digest[:16]}.json.gz"

    def _description(self, version: str, request: Mapping[str, Any], body: bytes, retrieved: str) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "endpoint": self.address,
            "database_version": version,
            "request": dict(request),
            "retrieved": retrieved,
            "sha256": hashlib.sha256(body).hexdigest(),
        }


class _disk_errors:  # noqa: N801
    """Says in a sentence that the cache cannot be written to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Do nothing yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise UserError(
                f"The cache file {self._path} cannot be written ({error.strerror}): free some room, or name another cache "
                "folder."
            ) from error


def _file_name(text: str, identity: str) -> str:
    """Return text as the name of a folder, with a digest that tells it from other text that looks like it."""
    return (
        f"{re.sub(r'[^A-Za-z0-9.-]+', '_', text).strip('.')[:80]}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
    )
