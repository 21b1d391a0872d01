"""Where records are kept: the interface, the local folder, and no store at all."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from kadi_battgen.errors import UserError
from kadi_battgen.files import read_json, write_json
from kadi_battgen.records.environment import process_is_gone
from kadi_battgen.records.model import IDENTIFIER_PATTERN, SCHEMA, VERSION, Record

#: The file in a record's folder.
RECORD_FILE = "record.json"


class Store(Protocol):
    """A place for records. The code that runs a step does not know which one it has."""

    def save(self, record: Record) -> None:
        """Write `record`, or write it anew if one with its identifier exists."""

    def load(self, identifier: str) -> Record:
        """Return a record; one whose process is gone without an end is ``killed``.

        Raises
        ------
        UserError
            If there is none, or it cannot be read.
        """

    def identifiers(self) -> list[str]:
        """Return the identifiers of all records, sorted."""

    def find_by_checksum(self, sha256: str) -> str | None:
        """Return the identifier of the newest record that generated content with this checksum."""

    def reference(self, identifier: str, path: Path) -> str:
        """Return how the record `identifier` writes down the place of `path`."""

    def add_file(self, identifier: str, path: Path) -> str:
        """Take a generated file or folder into the record `identifier` and return how it writes down its place."""

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the local path behind a reference of the record `identifier`."""


class LocalStore:
    """Records in a local folder, one folder per run; files stay where they are and are referred to.

    Parameters
    ----------
    folder
        Created with the first record.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser().absolute()
        # By identifier: (modification time, size) of record.json, and (succeeded, start, generated checksums).
        self._index: dict[str, tuple[tuple[int, int], tuple[bool, str, frozenset[str]]]] = {}

    def record_folder(self, identifier: str) -> Path:
        """Return the folder of a record, whether it exists or not.

        Raises
        ------
        UserError
            If `identifier` is not one (it could otherwise name a folder outside the store).
        """
        if not re.fullmatch(IDENTIFIER_PATTERN, identifier):
            raise UserError(
                f"{identifier!r} is no record identifier: it has lower-case letters, digits, hyphens and underscores, "
                "at most 50."
            )
        return self.folder / identifier

    def save(self, record: Record) -> None:
        """Write `record` to its folder, all of it or nothing."""
        write_json(self.record_folder(record.identifier) / RECORD_FILE, record.model_dump(mode="json", by_alias=True))

    def load(self, identifier: str) -> Record:
        """Return a record; one whose process is gone without an end is ``killed``."""
        path = self.record_folder(identifier) / RECORD_FILE
        if not path.is_file():
            raise UserError(f"There is no record {identifier} in {self.folder}: give one of its folders' names.")
        document = read_json(path)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise UserError(f"{path} is not a {SCHEMA} document: restore it or remove its folder.")
        if document.get("version") != VERSION:
            raise UserError(
                f"{path} has version {document.get('version')} of the record format, this program reads {VERSION}: "
                "use the version of kadi-battgen that wrote it."
            )
        try:
            record = Record.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{path}: {field}: {first['msg']}; restore the file or remove its folder.") from error
        if record.state == "running" and process_is_gone(record.process):
            record.state = "killed"
        return record

    def identifiers(self) -> list[str]:
        """Return the identifiers of all records, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(
            path.parent.name
            for path in self.folder.glob(f"*/{RECORD_FILE}")
            if re.fullmatch(IDENTIFIER_PATTERN, path.parent.name)
        )

    def find_by_checksum(self, sha256: str) -> str | None:
        """Return the identifier of the newest record that generated content with this checksum.

        Repeating a deterministic step gives the same bytes, so several records may have made it; those that succeeded
        go first.
        """
        self._refresh_index()
        made = [
            (succeeded, started, identifier)
            for identifier, (_, (succeeded, started, checksums)) in self._index.items()
            if sha256 in checksums
        ]
        return max(made)[2] if made else None

    def reference(self, identifier: str, path: Path) -> str:
        """Return `path` relative to the record's folder, or from the home folder or the root where that says less."""
        return written_path(path, self.record_folder(identifier))

    def add_file(self, identifier: str, path: Path) -> str:
        """Return the reference of a generated file, which stays where it is."""
        return self.reference(identifier, path)

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the path behind a reference of a record of this store."""
        expanded = Path(reference).expanduser()
        return Path(os.path.normpath(self.record_folder(identifier) / expanded))

    def _refresh_index(self) -> None:
        """Read the records that are new or changed since the last look."""
        known = self.identifiers()
        self._index = {identifier: self._index[identifier] for identifier in known if identifier in self._index}
        for identifier in known:
            path = self.folder / identifier / RECORD_FILE
            try:
                status = path.stat()
                stamp = (status.st_mtime_ns, status.st_size)
                if identifier in self._index and self._index[identifier][0] == stamp:
                    continue
                record = Record.model_validate(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError):
                # A record that cannot be read links to nothing; load() says what is wrong with it.
                self._index.pop(identifier, None)
                continue
            entry = (record.state == "succeeded", record.started.isoformat(), frozenset(record.generated_checksums()))
            self._index[identifier] = (stamp, entry)


class NoStore:
    """Keeps nothing: for calls without a record, on the same code path."""

    def save(self, record: Record) -> None:
        """Do nothing."""

    def load(self, identifier: str) -> Record:
        """Raise UserError: there are no records."""
        raise UserError(f"There is no record {identifier}: name the folder of a record store.")

    def identifiers(self) -> list[str]:
        """Return an empty list."""
        return []

    def find_by_checksum(self, sha256: str) -> str | None:
        """Return None."""
        return None

    def reference(self, identifier: str, path: Path) -> str:
        """Return the path relative to the current folder where possible."""
        return written_path(path, Path.cwd())

    def add_file(self, identifier: str, path: Path) -> str:
        """Return the path relative to the current folder where possible."""
        return self.reference(identifier, path)

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the path behind a reference."""
        return Path(os.path.normpath(Path.cwd() / Path(reference).expanduser()))


def written_path(path: Path, folder: Path) -> str:
    """Return `path` as text: relative to `folder`, else from the home folder as ``~``, else absolute.

    A relative path that climbs up to the root of the file system would be no more portable than an absolute one and
    would spell out the user's name on its way down into a home folder.
    """
    absolute, start, home = Path(os.path.abspath(path)), Path(os.path.abspath(folder)), Path.home()
    if len(Path(os.path.commonpath([absolute, start])).parts) > 1 and not (
        absolute.is_relative_to(home) and not start.is_relative_to(home)
    ):
        return Path(os.path.relpath(absolute, start)).as_posix()
    if len(home.parts) > 1 and absolute.is_relative_to(home):
        return f"~/{absolute.relative_to(home).as_posix()}"
    return absolute.as_posix()
