"""Where electrodes come from: one module or package a source."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from kadi_battgen.parallel.cluster import Cluster

#: Sources by name, each with the arguments of :func:`load_source` that only it takes.
SOURCES = {
    "bundled": (),
    "files": ("folder", "table", "strict"),
    "materials-project": ("endpoint", "cache", "refresh"),
}

#: Rules for duplicates by name (see :data:`kadi_battgen.electrodes.sources.materials_project.settings.DuplicateRule`).
DUPLICATE_RULES = ("none", "discharge-formula", "both-formulas")


def load_source(
    source: str,
    *,
    working_ions: tuple[str, ...] | None = None,
    duplicates: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    table: str | os.PathLike[str] | None = None,
    strict: bool = False,
    endpoint: str | None = None,
    cache: Path | None = None,
    refresh: bool = False,
    cluster: Cluster | None = None,
    progress: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[ElectrodeCollection, list[RefusedRow]]:
    """Return the electrodes of a source, and the rows of it that are none.

    Parameters
    ----------
    source
        One of ``SOURCES``.
    working_ions
        Ions that are asked for; all ten if not given. Sources that are read as a whole return the others too.
    duplicates
        One of ``DUPLICATE_RULES``; if not given, the source's own rule, which is ``none`` for files.
    folder, table, strict
        Structures and property table of the source ``files``, and whether the first refused row ends it.
    endpoint, cache, refresh
        Address, cache folder and whether to ask for a newer version, of the source ``materials-project``.
    cluster
        Where structures are parsed and documents converted; in this process if not given.
    progress
        Show progress on standard error.
    tell
        Called with each line that people should know about how a source is understood.

    Raises
    ------
    UserError
        If the source is unknown or does not take an argument, or a file it needs is missing or wrong.
    """
    if source not in SOURCES:
        raise UserError(f"Source {source!r} is not known: choose from {', '.join(SOURCES)}.")
    own: dict[str, Any] = {
        **{"folder": folder, "table": table, "strict": strict},
        **{"endpoint": endpoint, "cache": cache, "refresh": refresh},
    }
    for other, names in SOURCES.items():
        given = next((name for name in names if other != source and own[name]), None)
        if given is not None:
            raise UserError(
                f"Source {source} takes no {given}, {other} does: leave out --{given} or give --source {other}."
            )
    if source == "bundled":
        return _bundled(duplicates)
    if source == "files":
        from kadi_battgen.electrodes.sources.files import electrodes_from_files

        if folder is None or table is None:
            raise UserError("Source files needs --folder (structures) and --table (properties): give both.")
        return electrodes_from_files(
            folder,
            table,
            duplicates=_rule(duplicates or "none"),
            strict=strict,
            cluster=cluster,
            progress=progress,
            tell=tell,
        )
    from kadi_battgen.electrodes.sources.materials_project import FetchSettings, electrodes_from_materials_project

    chosen = {"working_ions": working_ions, "endpoint": endpoint, "duplicates": duplicates, "cache": cache}
    given_settings = {name: value for name, value in chosen.items() if value is not None}
    settings = FetchSettings.model_validate({**given_settings, "refresh": refresh})
    return electrodes_from_materials_project(settings, progress=progress, cluster=cluster)


def _bundled(duplicates: str | None) -> tuple[ElectrodeCollection, list[RefusedRow]]:
    from kadi_battgen.electrodes.sources.bundled import bundled_electrodes

    if duplicates is not None:
        raise UserError("Source bundled holds each composition once for each working ion: leave out --duplicates.")
    return bundled_electrodes(), []


def _rule(name: str) -> Any:
    if name not in DUPLICATE_RULES:
        raise UserError(f"Rule {name!r} for duplicates is not known: choose from {', '.join(DUPLICATE_RULES)}.")
    return name
