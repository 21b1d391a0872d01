"""Where records are kept: the interface, and no store at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from kadi_battgen.errors import UserError
from kadi_battgen.records.artifacts import Artifact
from kadi_battgen.records.model import Record
from kadi_battgen.records.paths import written_path


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
        """Return the identifiers of all records that are here, sorted."""

    def fetch(self, identifier: str) -> Record:
        """Return a record of Kadi4Mat, which is downloaded if it is not here yet.

        Raises
        ------
        UserError
            If no instance of Kadi4Mat is connected, or it has no such record.
        """

    def find_by_checksum(self, sha256: str) -> str | None:
        """Return the identifier of the newest record that generated content with this checksum."""

    def reference(self, identifier: str, path: Path) -> str:
        """Return how the record `identifier` writes down the place of `path`."""

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the local path behind a reference of the record `identifier`."""

    def keep(self, identifier: str, path: Path, name: str) -> str | None:
        """Take a file or folder into the record `identifier` as `name`, a path relative to the record's files.

        Returns
        -------
        str or None
            `name`; None if this store keeps no files.
        """

    def obtain(self, identifier: str, artifact: Artifact) -> Path:
        """Return a local path of what a record used or generated, with the content that the record states.

        Raises
        ------
        UserError
            If it is no longer there, or has changed since.
        """

    def workspace(self) -> Path:
        """Return a folder for what is put together from several records."""


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

    def fetch(self, identifier: str) -> Record:
        """Raise UserError: nothing is connected."""
        return self.load(identifier)

    def find_by_checksum(self, sha256: str) -> str | None:
        """Return None."""
        return None

    def reference(self, identifier: str, path: Path) -> str:
        """Return the path relative to the current folder where possible."""
        return written_path(path, Path.cwd())

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the path behind a reference."""
        return Path(os.path.normpath(Path.cwd() / Path(reference).expanduser()))

    def keep(self, identifier: str, path: Path, name: str) -> str | None:
        """Return None: nothing is kept."""
        return None

    def obtain(self, identifier: str, artifact: Artifact) -> Path:
        """Raise UserError: there are no records."""
        self.load(identifier)
        raise AssertionError("load always raises")

    def workspace(self) -> Path:
        """Raise UserError: there is no place."""
        raise UserError("A record can be named as input only where records are kept: leave out --no-record.")
