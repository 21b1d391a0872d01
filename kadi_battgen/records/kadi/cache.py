"""Records and files of Kadi4Mat on this machine, each downloaded once and verified by its checksum."""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from kadi_battgen.errors import UserError
from kadi_battgen.files import write_json
from kadi_battgen.records.artifacts import Artifact
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.content import RemoteFile
from kadi_battgen.records.kadi.files import download, remote_files, transfer_bar
from kadi_battgen.records.kadi.foreign import FOREIGN_STEP, adopt
from kadi_battgen.records.kadi.limits import file_name
from kadi_battgen.records.kadi.metadata import run_state
from kadi_battgen.records.kadi.session import KadiError
from kadi_battgen.records.local import RECORD_FILE, LocalStore, has_content
from kadi_battgen.records.model import SCHEMA, VERSION, Record

#: A larger record.json is not one of ours.
LARGEST_RECORD: Final = 50_000_000

#: So many records are fetched along one provenance chain at most.
LONGEST_CHAIN: Final = 500


class RecordCache(LocalStore):
    """What has been downloaded from one instance, laid out like a local store.

    Only names that the record itself states, and that stay inside its folder, become paths; the names that files have in
    Kadi4Mat never do.

    Parameters
    ----------
    folder
        Created when it is first needed, for its owner's eyes only: records may be private.
    """

    def fetch_from(self, client: KadiClient, identifier: str) -> Record:
        """Return a record, downloaded with the records that it came from if it is not here.

        Raises
        ------
        UserError
            If there is no such record, its run has not ended, or it cannot be read.
        """
        record = self._fetch_one(client, identifier)
        seen, waiting = {identifier}, deque(link.record for link in record.links)
        while waiting and len(seen) < LONGEST_CHAIN:
            source = waiting.popleft()
            if source in seen:
                continue
            seen.add(source)
            try:
                waiting.extend(link.record for link in self._fetch_one(client, source, with_files=False).links)
            except UserError as error:
                # A source that is gone or not for us leaves the chain shorter; a server that is away must be told.
                if isinstance(error, KadiError) and error.concerns_all:
                    raise
        return record

    def obtain_from(self, client: KadiClient, identifier: str, artifact: Artifact) -> Path:
        """Return a local path of what a downloaded record generated or used, downloaded if it is not here.

        Raises
        ------
        UserError
            If the record keeps no copy of it, or the copy is gone or not the one that the record states.
        """
        if artifact.stored is None:
            raise UserError(f"kadi:{identifier} keeps no copy of {artifact.name}: name the record that generated it.")
        # Not obtain(), which also looks where the run had it: on another machine that place is somebody else's.
        place = self.files_folder(identifier) / artifact.stored
        if has_content(place, artifact):
            return place
        found = client.find("records", identifier)
        there = {} if found is None else remote_files(client, found["id"], identifier)
        wanted = artifact.stored_files()
        missing = [path for path in wanted if file_name(path) not in there]
        if found is None or missing:
            raise UserError(
                f"kadi:{identifier} has no file {(missing or [artifact.stored])[0]} on {client.address}: "
                "repeat its push, or the run."
            )
        self._make_private()
        total = sum(entry.size for entry in wanted.values())
        with transfer_bar(total, f"kadi:{identifier}") as bar:
            for path, entry in wanted.items():
                remote, target = there[file_name(path)], self.files_folder(identifier) / path
                if remote.size != entry.size:
                    raise UserError(
                        f"kadi:{identifier}: the file {path} on {client.address} has {remote.size} bytes instead of "
                        f"{entry.size}: repeat the push of the record."
                    )
                download(client, found["id"], identifier, remote, target, entry.sha256, bar.update)
        return place

    def _fetch_one(self, client: KadiClient, identifier: str, *, with_files: bool = True) -> Record:
        if (self.record_folder(identifier) / RECORD_FILE).is_file():
            with contextlib.suppress(UserError):
                record = self.load(identifier)
                if record.step != FOREIGN_STEP:  # those of runs do not change once they have ended
                    return record
        found = client.find("records", identifier)
        if found is None:
            raise KadiError(f"{client.address} has no record {identifier}: check the identifier behind kadi:.", 404)
        state = run_state(found)
        if state is None:
            self._make_private()
            record = adopt(client, found, self.files_folder(identifier) if with_files else None)
            if with_files or not (self.record_folder(identifier) / RECORD_FILE).is_file():
                self._write(record)
            return record
        if state == "running":
            raise UserError(f"kadi:{identifier} is a run that has not ended (or was cut off): name one that succeeded.")
        remote = remote_files(client, found["id"], identifier).get(RECORD_FILE)
        if remote is None:
            raise UserError(f"kadi:{identifier} has no {RECORD_FILE}: repeat its push with 'battgen push'.")
        return self._read(client, identifier, found["id"], remote)

    def _read(self, client: KadiClient, identifier: str, number: int, remote: RemoteFile) -> Record:
        if remote.size > LARGEST_RECORD:
            raise UserError(f"kadi:{identifier}: {RECORD_FILE} has {remote.size} bytes, which is no record of battgen.")
        self._make_private()
        temporary = self.folder / f".{identifier}.{os.getpid()}.json"
        try:
            download(client, number, identifier, remote, temporary, None)
            document = json.loads(temporary.read_text(encoding="utf-8"))
            record = Record.model_validate(document)
        except (ValidationError, ValueError, RecursionError):
            raise UserError(
                f"kadi:{identifier}: {RECORD_FILE} on {client.address} is no {SCHEMA} document of version {VERSION}: "
                "use the version of kadi-battgen that wrote it, or have it pushed again."
            ) from None
        finally:
            temporary.unlink(missing_ok=True)
        if record.identifier != identifier:
            raise UserError(
                f"kadi:{identifier}: {RECORD_FILE} on {client.address} is that of the record {record.identifier}: have the "
                "right one pushed again."
            )
        self._write(record)
        return record

    def _write(self, record: Record) -> None:
        write_json(self.record_folder(record.identifier) / RECORD_FILE, record.model_dump(mode="json", by_alias=True))

    def _make_private(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
