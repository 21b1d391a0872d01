"""Records as an RO-Crate in the layout of Kadi4Mat's own exports."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.records.companions import companion_files
from kadi_battgen.records.crate.contents import CrateRecord, crate_document
from kadi_battgen.records.crate.export import KADI_LICENCES, exported_files, kadi_export
from kadi_battgen.records.crate.graph import METADATA_FILE
from kadi_battgen.records.kadi.metadata import kadi_fields
from kadi_battgen.records.model import Record
from kadi_battgen.records.store import Store

#: Kinds of files that shrink when they are compressed; weights, HDF5 and pictures do not.
_COMPRESSIBLE = (".cif", ".csv", ".html", ".json", ".md", ".svg", ".txt", ".vasp", ".xyz", ".yaml")

#: The earliest date that a ZIP archive can hold: the same records give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_crate(folder: Path, record: Record) -> None:
    """Write the descriptions that make the folder of an ended run an RO-Crate.

    Parameters
    ----------
    folder
        The record's folder, with its files in ``ID/files/`` already.
    record
        The record.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    entry, companions = _entry(record)
    inner = folder / record.identifier
    contents = {inner / "files" / name: content for name, content in companions.items()}
    contents[inner / f"{record.identifier}.json"] = entry.export
    # Last: where it is, all that it describes is there too.
    contents[folder / METADATA_FILE] = _dump([entry])
    for path, content in contents.items():
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)


def pack(store: Store, identifiers: Sequence[str], path: str | os.PathLike[str]) -> Path:
    """Write one archive (.eln) with one or several records and the links among them.

    The same records give the same bytes.

    Parameters
    ----------
    store
        Where the records are.
    identifiers
        Records to pack; the first one gives the archive's folder its name.
    path
        The archive to write.

    Returns
    -------
    Path
        The archive.

    Raises
    ------
    UserError
        If a record is missing or still running, a file of it is gone or changed, or the archive cannot be written.
    """
    records = [store.load(identifier) for identifier in dict.fromkeys(identifiers)]
    if not records:
        raise UserError("There is nothing to pack: name at least one record.")
    for record in records:
        if record.state == "running":
            raise UserError(f"The record {record.identifier} is still running: pack it when its run has ended.")
        for name in record.stored_files():
            if "\\" in name:
                raise UserError(
                    f"The record {record.identifier} holds {name!r}: a backslash in a name separates folders on other "
                    "systems, so that no archive can carry it; repeat the run with another name."
                )
    target, root = Path(path), records[0].identifier
    with atomic_path(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        described = [_entry(record) for record in records]
        # First, since importers take the folder's name from the first member.
        _write(archive, f"{root}/{METADATA_FILE}", _dump([entry for entry, _ in described]))
        for entry, companions in sorted(described, key=lambda pair: pair[0].record.identifier):
            folder = f"{root}/{entry.record.identifier}"
            _write(archive, f"{folder}/{entry.record.identifier}.json", entry.export)
            places = _places(store, entry.record)
            for file in entry.files:
                content = companions.get(file.path)
                name = f"{folder}/files/{file.path}"
                if content is not None:
                    _write(archive, name, content)
                else:
                    _copy(archive, name, places[file.path], file.sha256)
    return target


def _entry(record: Record) -> tuple[CrateRecord, dict[str, bytes]]:
    """Return what a crate holds of a record, and the content of the files that accompany it."""
    companions = companion_files(record)
    metadata = kadi_fields(record, KADI_LICENCES)
    files = exported_files(record, companions)
    return CrateRecord(record, metadata, files, kadi_export(record, metadata, files)), companions


def _dump(entries: Sequence[CrateRecord]) -> bytes:
    document = crate_document(entries)
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _places(store: Store, record: Record) -> dict[str, Path]:
    """Return where the content of each stored file of a record lies, by its path relative to the ``files`` folder."""
    places = {}
    for artifact in (*record.inputs, *record.files):
        if artifact.stored is None:
            continue
        place = store.obtain(record.identifier, artifact)
        for path in artifact.stored_files():
            places[path] = place if artifact.kind == "file" else place / path.removeprefix(f"{artifact.stored}/")
    return places


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _DATE)
    member.create_system, member.external_attr = 3, 0o100644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED if name.lower().endswith(_COMPRESSIBLE) else zipfile.ZIP_STORED
    return member


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_member(name), content)


def _copy(archive: zipfile.ZipFile, name: str, source: Path, sha256: str) -> None:
    member = _member(name)
    member.file_size = source.stat().st_size
    digest = hashlib.sha256()
    with source.open("rb") as stream, archive.open(member, "w") as packed:
        while block := stream.read(1024 * 1024):
            digest.update(block)
            packed.write(block)
    if digest.hexdigest() != sha256:
        raise UserError(f"{source} changed while it was packed: pack again when nothing writes into it.")
