"""Writing files so that a killed run leaves nothing half-written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kadi_battgen.errors import UserError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` when the block succeeds and removed when it fails.

    Parameters
    ----------
    path
        The file to be written. Its folder is created.

    Raises
    ------
    UserError
        If the folder cannot be created or `path` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise UserError(f"{target} is a folder: name a file to write to.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {target.parent} cannot be created ({error.strerror}): choose another output."
        ) from error
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, target)
    except PermissionError as error:
        raise UserError(f"{target} cannot be written (permission denied): choose another output.") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` (UTF-8) to `path`, all of it or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], document: Any) -> None:
    """Write `document` as indented JSON to `path`, all of it or nothing.

    Raises
    ------
    ValueError
        If the document holds a NaN or an infinity, which JSON does not know.
    """
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON document.

    Raises
    ------
    UserError
        If the file is missing or is not JSON.
    """
    source = existing_file(path)
    try:
        return json.loads(source.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(
            f"{source} is not a JSON document ({error}): write it again with the step that made it."
        ) from error


def existing_file(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a file.

    Raises
    ------
    UserError
        If there is no such file.
    """
    source = Path(path)
    if not source.is_file():
        reason = "is a folder, not a file" if source.is_dir() else "does not exist"
        raise UserError(f"{source} {reason}: give the path of an existing file.")
    return source


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
