"""Bring one record and its sources to Kadi4Mat: only what is missing or differs, so that it can always be repeated."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kadi_battgen.errors import UserError
from kadi_battgen.records.artifacts import Input
from kadi_battgen.records.companions import COMPANIONS, companion_files
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.collections import Collections
from kadi_battgen.records.kadi.content import Content
from kadi_battgen.records.kadi.extras import same
from kadi_battgen.records.kadi.files import remote_files, transfer_bar, upload
from kadi_battgen.records.kadi.limits import LONGEST_LINK_NAME, file_name, iri, one_line
from kadi_battgen.records.kadi.metadata import digest, kadi_fields, made_from
from kadi_battgen.records.kadi.session import KadiError
from kadi_battgen.records.kadi.sync import Copy, read_copy, write_copy
from kadi_battgen.records.local import RECORD_FILE, LocalStore
from kadi_battgen.records.model import Record

Outcome = Literal["created", "updated", "unchanged"]


@dataclass
class PushedRecord:
    """What a push did with one record.

    Attributes
    ----------
    identifier
        Of the record, here and there.
    state
        State of its run; one that is still running has no files yet.
    outcome
        What had to be done.
    files
        Number of files sent.
    warnings
        What could not be done, a sentence each.
    """

    identifier: str
    state: str
    outcome: Outcome = "unchanged"
    files: int = 0
    warnings: list[str] = field(default_factory=list)

    def changed(self) -> None:
        """Note that something had to be sent."""
        if self.outcome == "unchanged":
            self.outcome = "updated"


class Pusher:
    """Brings records of a local store to one instance.

    Parameters
    ----------
    store
        Where the records are.
    client
        Where they go.
    project
        Collection for records that name none.
    progress
        Whether bars show how files are sent.
    """

    def __init__(self, store: LocalStore, client: KadiClient, project: str, *, progress: bool = True) -> None:
        self._store = store
        self._client = client
        self._collections = Collections(client)
        self._project = project
        self._progress = progress
        self._remembers: bool | None = None

    def copy_of(self, identifier: str) -> Copy | None:
        """Return what is known of a record's copy without asking the server."""
        return read_copy(self._store.record_folder(identifier), self._client.address)

    def has_all_of(self, record: Record) -> bool:
        """Tell whether all of a record has been pushed, as far as that is known.

        The first time the server is asked whether it remembers: one that was set up anew has none of the others either.
        """
        known = self.copy_of(record.identifier)
        if known is None or not known.complete or known.state != record.state:
            return False
        if self._remembers is None:
            self._remembers = self._client.find("records", record.identifier) is not None
        return self._remembers

    def describe(self, record: Record) -> PushedRecord:
        """Create or update the record itself, without its files and links.

        Raises
        ------
        KadiError
            If Kadi4Mat cannot be reached or refuses it.
        """
        pushed = PushedRecord(record.identifier, record.state)
        self._describe(record, pushed)
        return pushed

    def push(self, record: Record) -> PushedRecord:
        """Bring a record to Kadi4Mat; its sources must be there already to be linked.

        Files are sent once the run has ended, ``record.json`` last: where it lies, all others do.

        Raises
        ------
        KadiError
            If Kadi4Mat cannot be reached or refuses it.
        UserError
            If a file is gone or has changed since the run.
        """
        pushed = PushedRecord(record.identifier, record.state)
        number, metadata = self._describe(record, pushed)
        self._link(record, number, pushed)
        if record.state != "running":
            self._send_files(record, number, pushed)
            self._note(record, Copy(number, record.state, metadata, complete=not pushed.warnings))
        return pushed

    def _describe(self, record: Record, pushed: PushedRecord) -> tuple[int, str]:
        """Create or update the record and return its number there and the digest of what is written there."""
        fields = kadi_fields(record, self._client.licenses if record.license else ())
        metadata = digest(fields)
        known = self.copy_of(record.identifier)
        found = self._find(record)
        if found is None:
            found = self._client.create("records", record.identifier, fields)
            self._require_own(found, record)
            pushed.outcome = "created"
        # What was written once and is changed there since has been changed by people.
        written = known is not None and known.id == found["id"] and known.metadata == metadata
        if not written:
            changed = {name: value for name, value in fields.items() if not _same(name, value, found.get(name))}
            if changed:
                self._client.edit("records", found["id"], record.identifier, changed)
                pushed.changed()
        if known is None or known.id != found["id"]:
            self._collections.add(record.project or self._project, found["id"], record.identifier)
        complete = written and known is not None and known.complete
        self._note(record, Copy(found["id"], record.state, metadata, complete=complete))
        return found["id"], metadata

    def _find(self, record: Record) -> dict[str, Any] | None:
        try:
            found = self._client.find("records", record.identifier)
        except KadiError as error:
            if error.status != 403 or self.copy_of(record.identifier) is not None:
                raise
            raise self._foreign(record) from None
        if found is not None:
            self._require_own(found, record)
        return found

    def _require_own(self, found: dict[str, Any], record: Record) -> None:
        if not made_from(found, record):
            raise self._foreign(record)

    def _foreign(self, record: Record) -> KadiError:
        return KadiError(
            f"{self._client.address} has another record with the identifier {record.identifier}: give that one another "
            "identifier, or repeat the run for a new one.",
            403,
        )

    def _link(self, record: Record, number: int, pushed: PushedRecord) -> None:
        """Link the record to those it used results of; what cannot be linked is warned of."""
        wanted = {(one_line(link.name, LONGEST_LINK_NAME), link.record): link.term for link in record.links}
        if not wanted:
            return
        there = self._client.links(number, record.identifier)
        for (name, source), term in wanted.items():
            if (name, source) in there:
                continue
            warning = f"{record.identifier} cannot be linked to {source}, the {name} that it used: "
            try:
                target = self._number(source)
                if target is None:
                    pushed.warnings.append(f"{warning}that record is neither in {self._store.folder} nor in Kadi4Mat.")
                    continue
                self._client.link(number, record.identifier, target, name, iri(term))
            except KadiError as error:
                if error.status != 403:
                    raise
                pushed.warnings.append(f"{warning}{error}")
            else:
                pushed.changed()

    def _number(self, identifier: str) -> int | None:
        # Not what is known of an earlier push: a server that was set up anew has other numbers.
        found = self._client.find("records", identifier)
        return None if found is None else int(found["id"])

    def _send_files(self, record: Record, number: int, pushed: PushedRecord) -> None:
        folder = self._store.files_folder(record.identifier)
        companions = companion_files(record)
        own = companions.pop(RECORD_FILE)
        sources: dict[str, Path | bytes] = {path: folder / path for path in record.stored_files()}
        sources |= {**companions, RECORD_FILE: own}
        total = sum(len(source) if isinstance(source, bytes) else _size(source) for source in sources.values())
        there = remote_files(self._client, number, record.identifier)
        with transfer_bar(total, record.identifier, enabled=self._progress) as bar:
            for path, source in sources.items():
                content = _content(record, path, source)
                name = file_name(path)
                if upload(self._client, number, record.identifier, name, content, there.get(name), bar.update):
                    pushed.files += 1
                    pushed.changed()

    def _note(self, record: Record, copy: Copy) -> None:
        write_copy(self._store.record_folder(record.identifier), self._client.address, copy)


def _same(name: str, ours: Any, theirs: Any) -> bool:
    return same(ours, theirs) if name == "extras" else bool(ours == theirs)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _content(record: Record, path: str, source: Path | bytes) -> Content:
    """Read what is to be sent, and check that it is what the run made."""
    if isinstance(source, Path) and not source.is_file():
        raise UserError(f"The file {source} of the record {record.identifier} is gone: restore it or repeat the run.")
    content = Content.of(source, _description(record, path))
    stated = record.stored_files().get(path)
    if stated is not None and content.sha256 != stated.sha256:
        raise UserError(
            f"The file {path} has changed since the run {record.identifier} made it: restore it or repeat the run."
        )
    return content


def _description(record: Record, path: str) -> str:
    """Return what a file of a record is, in a few words."""
    if path in COMPANIONS:
        return COMPANIONS[path]
    found = next((part for part in (*record.files, *record.inputs) if path in part.stored_files()), None)
    if isinstance(found, Input):
        return found.description or f"Input {found.role}"
    return found.description if found is not None else ""
