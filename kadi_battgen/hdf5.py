"""Opening HDF5 files of our own schemas."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file

#: Oldest format version to write (``libver`` of h5py): that of HDF5 1.10 has the fast indices of chunks, and every library
#: since then reads it. "latest" would follow whatever is installed: files of HDF5 2.0 are closed to a Kadi4Mat server's 1.14.
FORMAT: Final = "v110"


def open_schema(
    path: str | os.PathLike[str], schema: str, version: int, required: tuple[str, ...], made_by: str
) -> h5py.File:
    """Open an HDF5 file of one of our schemas for reading.

    Raises
    ------
    UserError
        If the file is missing, empty, truncated, of another schema or version, or lacks a data set.
    """
    source = existing_file(path)
    try:
        file = h5py.File(source, "r")
    except OSError as error:
        raise UserError(f"{source} is empty, truncated or not HDF5: make it again with {made_by}.") from error
    try:
        if not np.array_equal(file.attrs.get("schema"), schema):
            raise UserError(
                f"{source} has schema {file.attrs.get('schema')!r}, not {schema!r}: make it with {made_by}."
            )
        if not np.array_equal(file.attrs.get("schema_version"), version):
            raise UserError(
                f"{source} has schema version {file.attrs.get('schema_version')}, but version {version} is read here: "
                f"make it again with {made_by}."
            )
        missing = [name for name in required if name not in file]
        if missing:
            raise UserError(f"{source} lacks the data set {missing[0]!r}: make it again with {made_by}.")
    except BaseException:
        file.close()
        raise
    return file


class LazyFile:
    """An HDF5 file that is opened for reading when something is first read from it; use it as a context manager.

    Instances may be handed to worker processes: each process opens the file for itself.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: h5py.File | None = None
        self._owner = -1

    @property
    def _handle(self) -> h5py.File:
        # An HDF5 handle must not be shared between processes.
        if self._file is None or self._owner != os.getpid():
            self._file = h5py.File(self.path, "r")
            self._owner = os.getpid()
        return self._file

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_file": None, "_owner": -1}

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        if self._file is not None and self._owner == os.getpid():
            self._file.close()
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
