"""Records in a local folder: one folder per run, which is an RO-Crate with copies of the run's files."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from pydantic import ValidationError

from kadi_battgen.errors import UserError
from kadi_battgen.files import read_json, sha256_file, write_json
from kadi_battgen.records.artifacts import IDENTIFIER_PATTERN, Artifact, inner_path
from kadi_battgen.records.checksums import folder_files
from kadi_battgen.records.environment import process_is_gone
from kadi_battgen.records.model import SCHEMA, VERSION, Record
from kadi_battgen.records.paths import link_or_copy, written_path

#: The file in a record's folder.
RECORD_FILE = "record.json"


class LocalStore:
    """Records in a local folder, one folder per run with copies of its files.

    The folder of the run ``ID`` holds ``record.json``, the files in ``ID/files/`` and, once the run has ended, the
    descriptions that make it an RO-Crate in the layout of Kadi4Mat's own exports.

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

    def files_folder(self, identifier: str) -> Path:
        """Return the folder of the files that a record keeps, whether it exists or not."""
        return self.record_folder(identifier) / identifier / "files"

    def save(self, record: Record) -> None:
        """Write `record` to its folder, all of it or nothing; one that has ended becomes an RO-Crate."""
        folder = self.record_folder(record.identifier)
        write_json(folder / RECORD_FILE, record.model_dump(mode="json", by_alias=True))
        if record.state != "running":
            from kadi_battgen.records.crate import write_crate

            write_crate(folder, record)

    def load(self, identifier: str) -> Record:
        """Return a record; one whose process is gone without an end is ``killed``, and becomes an RO-Crate now."""
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
            self._settle(record)
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

    def fetch(self, identifier: str) -> Record:
        """Raise UserError: a local store knows no Kadi4Mat."""
        raise UserError(
            f"kadi:{identifier} is a record in Kadi4Mat, but no instance is chosen: give --instance NAME "
            "(kadi-apy config create sets one up)."
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

    def keep(self, identifier: str, path: Path, name: str) -> str:
        """Copy (or hard-link, if large) a file or folder into the record, in place of an earlier one of that name."""
        target = self.files_folder(identifier) / inner_path(name)
        if not path.is_dir():
            link_or_copy(path, target)
            return name
        for old in folder_files(target) if target.is_dir() else []:
            if not (path / old.relative_to(target)).is_file():
                old.unlink()
        for file in folder_files(path):
            link_or_copy(file, target / file.relative_to(path))
        return name

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the path behind a reference of a record of this store."""
        expanded = Path(reference).expanduser()
        return Path(os.path.normpath(self.record_folder(identifier) / expanded))

    def obtain(self, identifier: str, artifact: Artifact) -> Path:
        """Return a local path of what a record used or generated, with the content that the record states.

        That is the record's own copy, or else the place where the run had it.

        Raises
        ------
        UserError
            If neither has the content any more.
        """
        places = [self.locate(identifier, artifact.path)]
        if artifact.stored is not None:
            places.insert(0, self.files_folder(identifier) / artifact.stored)
        for place in places:
            if has_content(place, artifact):
                return place
        raise UserError(
            f"The record {identifier} names {artifact.name}, but {' and '.join(str(place) for place in places)} "
            f"{'is' if len(places) == 1 else 'are'} gone or changed since: restore the file or repeat the run."
        )

    def workspace(self) -> Path:
        """Return a hidden folder inside the store, for what is put together from several records."""
        return self.folder / ".workspace"

    def _settle(self, record: Record) -> None:
        """Write the crate of a run that could not do so itself; where nothing can be written, there is none."""
        from kadi_battgen.records.crate import METADATA_FILE, write_crate

        folder = self.record_folder(record.identifier)
        if not (folder / METADATA_FILE).is_file():
            with contextlib.suppress(OSError, UserError):
                write_crate(folder, record)

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


def has_content(path: Path, artifact: Artifact) -> bool:
    """Tell whether there is a file or folder at `path` with the checksums of `artifact`."""
    if artifact.kind == "file":
        return path.is_file() and sha256_file(path) == artifact.sha256
    return path.is_dir() and all(
        (path / entry.path).is_file() and sha256_file(path / entry.path) == entry.sha256 for entry in artifact.files
    )
