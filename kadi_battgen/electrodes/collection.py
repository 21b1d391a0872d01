"""Electrode collections on disk: one JSON document, compressed where the name ends in ``.gz``."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from kadi_battgen.electrodes.electrode import Electrode
from kadi_battgen.electrodes.properties import WORKING_IONS, check_working_ion
from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, existing_file

SCHEMA = "kadi-battgen/electrodes"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ElectrodeCollection:
    """Electrodes with what is known of all of them.

    Attributes
    ----------
    electrodes
        The electrodes, in a stable order.
    metadata
        Source, licence, citations, database version and the like; plain JSON values.
    """

    electrodes: tuple[Electrode, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.electrodes)

    def counts(self) -> dict[str, int]:
        """Return the number of electrodes per working ion, for all ten ions."""
        found = Counter(electrode.working_ion for electrode in self.electrodes)
        return {ion: found.get(ion, 0) for ion in WORKING_IONS}

    def origin(self) -> str:
        """Return one line on where the electrodes come from, with version of the database and licence where known."""
        counts = Counter(electrode.source for electrode in self.electrodes)
        known = {"database version": "database_version", "licence": "licence"}
        facts = [f"{count} from {source}" for source, count in counts.most_common()]
        facts += [f"{label} {self.metadata[key]}" for label, key in known.items() if self.metadata.get(key)]
        return ", ".join(facts)

    @property
    def license(self) -> str | None:
        """Licence as an SPDX identifier such as ``CC-BY-4.0``, None where it is not known."""
        stated = self.metadata.get("licence")
        return str(stated).replace(" ", "-") if stated else None

    def select(self, working_ions: Sequence[str] | None = None, limit: int | None = None) -> ElectrodeCollection:
        """Return the electrodes of some working ions, at most `limit` of them.

        A limit takes the ions in turn, so that a small selection stays as balanced as the set allows; within an ion
        the collection's own order holds.

        Raises
        ------
        UserError
            If an ion is unknown, or nothing is left.
        """
        ions = [check_working_ion(ion) for ion in working_ions] if working_ions else list(WORKING_IONS)
        queues = {ion: [e for e in self.electrodes if e.working_ion == ion] for ion in ions}
        chosen = [electrode for queue in queues.values() for electrode in queue]
        if limit is not None:
            turns = sorted(
                (turn, ions.index(ion), e.id) for ion, queue in queues.items() for turn, e in enumerate(queue)
            )
            kept = {electrode_id for _, _, electrode_id in turns[:limit]}
            chosen = [electrode for electrode in chosen if electrode.id in kept]
        if not chosen:
            raise UserError(
                f"No electrode is left for working ion {', '.join(ions)}: choose another ion or a larger limit."
            )
        return ElectrodeCollection(tuple(chosen), self.metadata)


def write_electrodes(
    path: str | os.PathLike[str], electrodes: Iterable[Electrode], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write electrodes to `path`; the same electrodes give the same bytes.

    Parameters
    ----------
    path
        ``.json`` or ``.json.gz``.
    electrodes
        Electrodes with distinct ids.
    metadata
        Plain JSON values that hold for the whole collection.

    Raises
    ------
    UserError
        If two electrodes have the same id.
    """
    electrodes = tuple(electrodes)
    check_unique_ids(electrodes, path)
    rows = [electrode.model_dump(mode="json") for electrode in electrodes]
    document = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "metadata": dict(metadata or {}),
        "electrodes": rows,
    }
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if str(path).endswith(".gz"):
        content = gzip.compress(content, compresslevel=9, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_electrodes(path: str | os.PathLike[str]) -> ElectrodeCollection:
    """Read a collection written by :func:`write_electrodes` and check every electrode.

    Raises
    ------
    UserError
        If the file is missing, truncated, not a collection, or an electrode in it is wrong or occurs twice.
    """
    source = existing_file(path)
    try:
        content = source.read_bytes()
        document = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"{source} is empty, truncated or not JSON: fetch the electrodes again.") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UserError(f"{source} is not an electrode collection: make one with battgen fetch-electrodes.")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{source} has schema version {document.get('schema_version')} but {SCHEMA_VERSION} is read here: "
            "fetch the electrodes again."
        )
    if not isinstance(document.get("electrodes"), list):
        raise UserError(f"{source} holds no list of electrodes: fetch the electrodes again.")
    electrodes = tuple(_electrode(row, source) for row in document["electrodes"])
    check_unique_ids(electrodes, source)
    return ElectrodeCollection(electrodes, document.get("metadata", {}))


def check_unique_ids(electrodes: Iterable[Electrode], where: str | os.PathLike[str]) -> None:
    """Check that no two electrodes of `where`, a file, have the same id.

    Raises
    ------
    UserError
        If two have.
    """
    repeated = [name for name, count in Counter(electrode.id for electrode in electrodes).items() if count > 1]
    if repeated:
        raise UserError(f"Electrode id {repeated[0]!r} occurs more than once: ids must be unique in {where}.")


def _electrode(row: Mapping[str, Any], source: os.PathLike[str]) -> Electrode:
    try:
        return Electrode.model_validate(row)
    except (ValidationError, UserError) as error:
        name = row.get("id", "?") if isinstance(row, Mapping) else "?"
        raise UserError(f"{source}, electrode {name}: {describe_validation(error)}.") from error


def describe_validation(error: ValidationError | UserError) -> str:
    """Return the first complaint of a pydantic validation as one phrase that names the field."""
    if isinstance(error, UserError):
        return str(error).rstrip(".")
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
