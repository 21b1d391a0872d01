"""Checksums of files and folders."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import Any

from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.records.artifacts import FileChecksum


def folder_files(folder: Path) -> list[Path]:
    """Return the files in `folder` and below, ordered by path.

    Hidden ones are left out (temporary files of a running write, an editor's or a desktop's own files), and links to
    folders are not followed.
    """
    found = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def folder_checksums(folder: Path) -> list[FileChecksum]:
    """Return path, checksum and size of every file in `folder`, ordered by path.

    Raises
    ------
    UserError
        If there is no file in it.
    """
    entries = [
        FileChecksum(path=path.relative_to(folder).as_posix(), sha256=sha256_file(path), size=path.stat().st_size)
        for path in folder_files(folder)
    ]
    if not entries:
        raise UserError(f"The folder {folder} holds no file: give the folder that an earlier step wrote.")
    return entries


def manifest(entries: list[FileChecksum]) -> str:
    """Return the manifest of a folder: a line per file with checksum and path, as sha256sum writes and checks it."""
    return "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)


def manifest_digest(entries: list[FileChecksum]) -> str:
    """Return the SHA-256 of a folder's manifest, which changes with any file's content or name."""
    return hashlib.sha256(manifest(entries).encode("utf-8")).hexdigest()


def content_facts(path: Path, description: str = "") -> dict[str, Any]:
    """Return the fields of an artifact that follow from the content of a file or folder.

    Raises
    ------
    UserError
        If it does not exist or is a folder without files.
    """
    if path.is_dir():
        entries = folder_checksums(path)
        size = sum(entry.size for entry in entries)
        facts = {"kind": "folder", "sha256": manifest_digest(entries), "size": size, "files": entries}
    elif path.is_file():
        kind, encoding = mimetypes.guess_type(path.name)
        media_type = "application/gzip" if encoding == "gzip" else kind
        facts = {"sha256": sha256_file(path), "size": path.stat().st_size, "media_type": media_type, "files": []}
    else:
        raise UserError(f"{path} does not exist: give the path of an existing file or folder.")
    return {**facts, "description": description}
