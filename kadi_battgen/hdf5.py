"""Opening HDF5 files of our own schemas."""

from __future__ import annotations

import os

import h5py
import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file


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
