"""Unpack an RO-Crate that came from somewhere: what its names say never leads outside the folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.records.artifacts import IDENTIFIER_PATTERN
from kadi_battgen.records.crate.graph import METADATA_FILE

#: More than any record holds; archives made to fill a disk hold more.
LARGEST_COUNT: Final = 100_000
LARGEST_SIZE: Final = 200 * 1024**3

#: Largest description that is read into memory.
_LARGEST_METADATA: Final = 64 * 1024**2

#: Longest name of a file on the usual file systems, in bytes.
_LONGEST_NAME: Final = 255

_BLOCK: Final = 1024 * 1024

#: What reading a damaged archive raises.
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)


def unpack(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    largest_count: int = LARGEST_COUNT,
    largest_size: int = LARGEST_SIZE,
) -> list[str]:
    """Unpack an RO-Crate archive (.eln, .zip) into a new folder and check the checksums of its files.

    Every name in the archive is checked before anything is written; the folder appears only when all files are in it
    and have the content that the crate states.

    Parameters
    ----------
    path
        The archive.
    folder
        Folder to make; it must not exist, or be empty.
    largest_count
        Number of files and folders from which on the archive is refused.
    largest_size
        Total size in bytes from which on the archive is refused.

    Returns
    -------
    list of str
        Identifiers of the records in the crate.

    Raises
    ------
    UserError
        If the archive is damaged or no crate, a name in it leads elsewhere or is a link or device, it is too large, a
        file does not have its checksum, or the folder is in use.
    """
    source, target = existing_file(path), Path(os.path.abspath(folder))
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise UserError(f"{target} exists already: name a new folder to unpack {source.name} into.")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(source) as archive:
            members = _checked_members(source, archive, largest_count, largest_size)
            # Read before anything is written: most archives that are no crate end here.
            document = _document(source, archive, members)
            target.parent.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(target.parent).free
            needed = sum(member.file_size for member in members.values())
            if needed > free:
                raise UserError(
                    f"{source} needs {needed} bytes, but {target.parent} has {free}: make room or go elsewhere."
                )
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            written = {name: _extract(archive, member, temporary / name) for name, member in members.items()}
        _check_content(source, document, written)
        os.rename(temporary, target)
    except _DAMAGED as error:
        raise UserError(f"{source} is damaged or no RO-Crate archive ({error}): get it again.") from error
    except OSError as error:
        raise UserError(
            f"{source} cannot be unpacked into {target} ({error.strerror or error}): choose another folder."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return _identifiers(document)


def _checked_members(
    source: Path, archive: zipfile.ZipFile, largest_count: int, largest_size: int
) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by their path inside its one root folder.

    Raises
    ------
    UserError
        If a member could be written elsewhere than in the folder, or there is too much.
    """
    entries = archive.infolist()
    if len(entries) > largest_count:
        raise UserError(f"{source} holds {len(entries)} files, more than {largest_count}: it is no crate of records.")
    size = sum(entry.file_size for entry in entries)
    if size > largest_size:
        raise UserError(f"{source} would take {size} bytes, more than {largest_size}: unpack it with other means.")
    for entry in entries:
        reason = _objection(entry)
        if reason:
            raise UserError(
                f"{source} holds {entry.orig_filename!r}, {reason}: nothing was unpacked; do not trust the archive."
            )
    roots = {entry.filename.partition("/")[0] for entry in entries}
    if len(roots) != 1 or any("/" not in entry.filename for entry in entries):
        raise UserError(f"{source} has not one root folder with everything in it: it is no RO-Crate archive (.eln).")
    members: dict[str, zipfile.ZipInfo] = {}
    folders: set[str] = set()
    for entry in entries:
        inner = entry.filename.partition("/")[2]
        if entry.is_dir():
            continue
        if inner in members:
            raise UserError(f"{source} holds {inner!r} twice: nothing was unpacked; do not trust the archive.")
        members[inner] = entry
        folders.update(parent.as_posix() for parent in PurePosixPath(inner).parents)
    both = sorted(folders & members.keys())
    if both:
        raise UserError(f"{source} has {both[0]!r} as a file and as a folder: nothing was unpacked.")
    return members


def _objection(entry: zipfile.ZipInfo) -> str:
    """Return why a member must not be written, empty if it may."""
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    parts = name.removesuffix("/").split("/")
    if name != entry.filename or "\0" in name or "\\" in name:
        return "a name with characters that mean something else elsewhere"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "an absolute path"
    if any(part in ("", ".", "..") for part in parts):
        return "a path that climbs or has empty parts"
    if any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST_NAME for part in parts):
        return f"a name of more than {_LONGEST_NAME} bytes"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link, device or other special file"
    if (kind == stat.S_IFDIR) != entry.is_dir() and kind:
        return "a folder that says it is a file, or the other way round"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compressed in an unusual way"
    return "encrypted" if entry.flag_bits & 0x1 else ""


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> tuple[int, str]:
    """Write one file and return its size and SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    # "x": whatever lies there already was not written by this call.
    with archive.open(member) as packed, target.open("xb") as stream:
        while block := packed.read(_BLOCK):
            digest.update(block)
            size += len(block)
            stream.write(block)
    return size, digest.hexdigest()


def _document(source: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> dict[str, dict[str, Any]]:
    """Return what the crate says of itself, by IRI."""
    member = members.get(METADATA_FILE)
    if member is None or member.file_size > _LARGEST_METADATA:
        what = "no" if member is None else "an oversized"
        raise UserError(f"{source} has {what} {METADATA_FILE} in its root folder: it is no RO-Crate archive (.eln).")
    try:
        graph = json.loads(archive.read(member))["@graph"]
        entities = {entity["@id"]: entity for entity in graph if isinstance(entity["@id"], str)}
        return {iri: entities[iri] for iri in ("./", *entities)}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f"{METADATA_FILE} in {source} is no description of an RO-Crate: get the archive again."
        ) from error


def _check_content(source: Path, document: dict[str, dict[str, Any]], written: dict[str, tuple[int, str]]) -> None:
    """Compare the files with what the crate states of them.

    Raises
    ------
    UserError
        If one is missing or has another size or checksum.
    """
    for iri, entity in document.items():
        if "File" not in _listed(entity.get("@type")) or re.match(r"[a-z][a-z0-9+.-]*:", iri):
            continue
        name = unquote(iri).removeprefix("./")
        if name not in written:
            raise UserError(f"{source} states a file {name!r} that is not in it: get the archive again.")
        size, digest = written[name]
        stated = (str(entity.get("contentSize", size)), entity.get("sha256", digest))
        if stated != (str(size), digest):
            raise UserError(f"{name} in {source} is not the file that the crate states: get the archive again.")


def _identifiers(document: dict[str, dict[str, Any]]) -> list[str]:
    """Return the identifiers of the records that are parts of the root data set."""
    parts = [part.get("@id") for part in _listed(document.get("./", {}).get("hasPart")) if isinstance(part, dict)]
    found: Iterator[Any] = (document.get(iri, {}).get("identifier") for iri in parts if isinstance(iri, str))
    return [text for text in found if isinstance(text, str) and re.fullmatch(IDENTIFIER_PATTERN, text)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
