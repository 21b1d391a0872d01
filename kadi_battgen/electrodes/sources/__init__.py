"""Where electrodes come from: one module a source."""

from __future__ import annotations

import os

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.errors import UserError

#: Sources by name.
SOURCES = ("bundled", "files")


def load_source(
    source: str, *, folder: str | os.PathLike[str] | None = None, table: str | os.PathLike[str] | None = None
) -> ElectrodeCollection:
    """Return all electrodes of a source.

    Parameters
    ----------
    source
        One of ``SOURCES``.
    folder, table
        Structure files and property table of the source ``files``.

    Raises
    ------
    UserError
        If the source is unknown, or a file it needs is missing or wrong.
    """
    if source == "bundled":
        from kadi_battgen.electrodes.sources.bundled import bundled_electrodes

        return bundled_electrodes()
    if source == "files":
        from kadi_battgen.electrodes.sources.files import electrodes_from_files

        if folder is None or table is None:
            raise UserError("Source files needs --folder (structures) and --table (properties): give both.")
        return electrodes_from_files(folder, table)
    raise UserError(f"Source {source!r} is not known: choose from {', '.join(SOURCES)}.")
