"""Getting back what a run used, so that it can be run again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.records.artifacts import FileChecksum, Input
from kadi_battgen.records.chain import read_chain
from kadi_battgen.records.checksums import folder_checksums, folder_files, manifest_digest
from kadi_battgen.records.local import RECORD_FILE, LocalStore
from kadi_battgen.records.model import Record
from kadi_battgen.records.paths import link_or_copy
from kadi_battgen.records.store import Store


def obtain_inputs(store: Store, record: Record) -> dict[str, Path]:
    """Return where everything lies that a run used, with the content and under the name that it had.

    It is taken from the record's own copy, else from where the run had it, else from the records that made it.

    Parameters
    ----------
    store
        Where the record and its sources are; its workspace takes what has to be put together.
    record
        The run.

    Returns
    -------
    dict
        Path by role.

    Raises
    ------
    UserError
        If an input is gone, or nobody has it unchanged; the sentence names it.
    """
    paths: dict[str, Path] = {}
    for used in record.inputs:
        if used.role in paths:
            raise UserError(
                f"The record {record.identifier} has two inputs called {used.role}: repeat the run by hand."
            )
        paths[used.role] = _obtain_input(store, record, used)
    return paths


def copy_sources(store: Store, record: Record, target: LocalStore) -> None:
    """Put the records that a run came from into another local store, so that what is made there links to them.

    Large files are hard-linked. Only records on this machine are copied; what else the run used, the new record keeps
    itself.
    """
    here = getattr(store, "local", store)  # a store that is connected to Kadi4Mat has a local one
    if not isinstance(here, LocalStore):
        return
    known = set(here.identifiers())
    for source in read_chain(store, record.identifier)[1:]:
        if source.identifier not in known:
            continue
        origin, place = here.record_folder(source.identifier), target.record_folder(source.identifier)
        if not (place / RECORD_FILE).is_file():
            # The record itself comes last: a folder without one is no record yet.
            for path in sorted(folder_files(origin), key=(origin / RECORD_FILE).__eq__):
                link_or_copy(path, place / path.relative_to(origin))


def _obtain_input(store: Store, record: Record, used: Input) -> Path:
    name = Path(used.path).name or used.role
    try:
        found = store.obtain(record.identifier, used)
    except UserError:
        if not used.records:
            raise
        found = None
    if used.kind == "folder":
        return _assembled(store, used, name, lambda entry: _file_of_folder(store, record, used, entry, found))
    if found is None:
        content = FileChecksum(path=name, sha256=used.sha256, size=used.size)
        found = _from_sources(store, record, used, content, used.records)
    return _under_name(store, found, name)


def _file_of_folder(store: Store, record: Record, used: Input, entry: FileChecksum, found: Path | None) -> Path:
    if found is not None:
        return found / entry.path
    return _from_sources(store, record, used, entry, (entry.record,) if entry.record else used.records)


def _from_sources(store: Store, record: Record, used: Input, content: FileChecksum, identifiers: Iterable[str]) -> Path:
    """Return the place of one file with a known checksum among what some records made."""
    reasons = []
    for identifier in identifiers:
        try:
            source = store.load(identifier)
            for made in source.files:
                if made.sha256 == content.sha256:
                    return store.obtain(identifier, made)
                for entry in made.files:
                    if entry.sha256 == content.sha256:
                        return store.obtain(identifier, made) / entry.path
            reasons.append(f"the record {identifier} has no file with this checksum")
        except UserError as error:
            reasons.append(str(error).rstrip("."))
    what = content.path if used.kind == "file" else f"{content.path} in the folder {Path(used.path).name}"
    raise UserError(
        f"{record.identifier} used {what} as {used.role} (SHA-256 {content.sha256[:16]}...), which is gone or changed: "
        f"{'; '.join(reasons)}."
    )


def _under_name(store: Store, path: Path, name: str) -> Path:
    """Return `path` itself, or a link of the name that the run had, which some steps write down."""
    if path.name == name:
        return path
    place = store.workspace() / sha256_file(path)[:32] / name
    if not place.is_file() or sha256_file(place) != sha256_file(path):
        link_or_copy(path, place)
    return place


def _assembled(store: Store, used: Input, name: str, source: Callable[[FileChecksum], Path]) -> Path:
    """Return a folder in the store's workspace with just the files of an input, and nothing beside it.

    A file more than the run had, in the folder or around it, could change what a step reads.
    """
    key = hashlib.sha256(f"{name} {used.sha256}".encode()).hexdigest()[:32]
    place = store.workspace() / key / name
    if place.is_dir() and manifest_digest(folder_checksums(place)) == used.sha256:
        return place
    shutil.rmtree(place, ignore_errors=True)
    for entry in used.files:
        link_or_copy(source(entry), place / entry.path)
    return place
