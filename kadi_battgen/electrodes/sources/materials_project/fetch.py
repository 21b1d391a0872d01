"""Electrodes of the Materials Project, from its server or from what was fetched before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kadi_battgen.electrodes.collection import ElectrodeCollection
from kadi_battgen.electrodes.properties import WORKING_IONS
from kadi_battgen.electrodes.refusals import RefusedRow
from kadi_battgen.electrodes.sources.materials_project.cache import DocumentCache, Part
from kadi_battgen.electrodes.sources.materials_project.client import (
    ELECTRODE_FIELDS,
    STRUCTURE_FIELDS,
    MaterialsProject,
)
from kadi_battgen.electrodes.sources.materials_project.convert import (
    SOURCE,
    Batch,
    Candidate,
    convert_batch,
    discharge_id,
    distinct_ids,
    structures_by_id,
)
from kadi_battgen.electrodes.sources.materials_project.duplicates import KEPT, RULES, without_duplicates
from kadi_battgen.electrodes.sources.materials_project.patience import Patience
from kadi_battgen.electrodes.sources.materials_project.settings import FetchSettings
from kadi_battgen.errors import UserError
from kadi_battgen.progress import progress_bar

if TYPE_CHECKING:
    from kadi_battgen.parallel.cluster import Cluster

LICENCE = "CC-BY-4.0"

CITATION = "A. Jain et al., APL Mater. 1, 011002 (2013), doi:10.1063/1.4812323"


def electrodes_from_materials_project(
    settings: FetchSettings, progress: bool = True, cluster: Cluster | None = None
) -> tuple[ElectrodeCollection, list[RefusedRow]]:
    """Fetch insertion electrodes with their discharge structures from the Materials Project.

    What arrives is kept in a cache at once, so that a fetch that was stopped goes on with the next, and one that is
    repeated asks nothing of the server, not even for the version of its database: it gives the same electrodes as
    before. With ``refresh`` the server is asked for its version, and what the cache has of another one is fetched again;
    the same happens where something is missing in the cache and the server has moved on, for electrodes of two versions
    are never mixed.

    Parameters
    ----------
    settings
        What to fetch.
    progress
        Whether to show bars on standard error.
    cluster
        Where the documents are converted into electrodes; in this process if not given. The server is asked from this
        process alone, one search after the other.

    Returns
    -------
    tuple of ElectrodeCollection and list of RefusedRow
        The electrodes, ordered by working ion and id, with the version of the database, the time of retrieval, the rule
        for duplicates and what it removed in the metadata; and every electrode of the server that is not among them.
        The volume change is a fraction, all other units are those of
        :mod:`kadi_battgen.electrodes.properties`.

    Raises
    ------
    UserError
        If the server cannot be reached, refuses the API key or keeps failing, the cache cannot be written, or there are no
        electrodes.
    """
    address = settings.address
    cache = DocumentCache(settings.cache_folder, address)
    server = MaterialsProject(address, _patience(settings, address, cache))
    try:
        fetched = _fetch(settings, cache, server, progress)
    finally:
        server.close()
    candidates, refused = _convert(fetched, cluster, progress)
    candidates, repeated = distinct_ids(candidates)
    electrodes, duplicates = without_duplicates(candidates, settings.duplicates, settings.kept)
    if not electrodes:
        raise UserError(
            f"The Materials Project at {address} has no electrode of {', '.join(settings.working_ions)} that can be used "
            f"({len(refused)} refused): choose other working ions."
        )
    metadata = _metadata(settings, address, fetched)
    metadata["received"] = sum(len(batch.documents) for batch in fetched.batches)
    metadata["refused"] = len(refused) + len(repeated)
    metadata["duplicates_removed"] = len(duplicates)
    metadata["electrodes_per_ion"] = dict(Counter(electrode.working_ion for electrode in electrodes))
    return ElectrodeCollection(tuple(electrodes), metadata), [*refused, *repeated, *duplicates]


@dataclass
class _Fetched:
    """What was fetched: batches of documents, all of one version of the database."""

    version: str
    batches: list[Batch] = field(default_factory=list)
    retrieved: str = ""

    def take(self, part: Part) -> tuple[dict[str, Any], ...]:
        """Return the documents of a part and remember when the last one came."""
        self.retrieved = max(self.retrieved, part.retrieved)
        return part.documents


class _MovedOnError(Exception):
    """The server's database is of another version than what the cache holds."""


def _patience(settings: FetchSettings, address: str, cache: DocumentCache) -> Patience:
    return Patience(
        server=f"The Materials Project at {address}",
        way_out=f"what was fetched is kept in {cache.folder}, and the same command goes on from there",
        timeout=settings.timeout,
        attempts=settings.attempts,
        first_wait=settings.first_wait,
        longest_wait=settings.longest_wait,
    )


def _fetch(settings: FetchSettings, cache: DocumentCache, server: MaterialsProject, progress: bool) -> _Fetched:
    version = None if settings.refresh else cache.version()
    while True:
        if version is None:
            version = server.database_version()
            cache.remember_version(version)
        try:
            return _fetch_version(version, settings, cache, server, progress)
        except _MovedOnError:
            version = None


def _fetch_version(
    version: str, settings: FetchSettings, cache: DocumentCache, server: MaterialsProject, progress: bool
) -> _Fetched:
    """Fetch electrodes and structures of one version of the database."""
    fetched = _Fetched(version)

    def part(
        kind: str, request: Mapping[str, Any], ask: Callable[[], list[dict[str, Any]]]
    ) -> tuple[dict[str, Any], ...]:
        kept = cache.read(version, kind, request)
        if kept is None:
            if server.database_version() != version:
                raise _MovedOnError
            kept = cache.write(version, kind, request, ask())
        return fetched.take(kept)

    electrodes = {}
    ions = settings.working_ions
    for ion in progress_bar(ions, description="Insertion electrodes", unit="ion", enabled=progress):
        request = {"working_ion": ion, "fields": list(ELECTRODE_FIELDS)}
        electrodes[ion] = part(f"electrodes-{ion}", request, partial(server.electrodes, ion))
    # Batches within an ion, so that it makes no difference which other ions are fetched.
    batches = [(ion, ids) for ion in ions for ids in _id_batches(electrodes[ion], settings.batch_size)]
    structures: dict[str, dict[str, Any]] = {ion: {} for ion in ions}
    for ion, ids in progress_bar(batches, description="Discharge structures", unit="batch", enabled=progress):
        request = {"material_ids": ids, "fields": list(STRUCTURE_FIELDS)}
        documents = part(f"structures-{ion}", request, partial(server.structures, ids))
        structures[ion].update(structures_by_id(documents))
    for ion in ions:
        fetched.batches += _batches(electrodes[ion], structures[ion], settings.batch_size)
    return fetched


def _id_batches(documents: tuple[dict[str, Any], ...], size: int) -> Iterator[list[str]]:
    ids = sorted({identifier for document in documents if (identifier := discharge_id(document)) is not None})
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _batches(documents: tuple[dict[str, Any], ...], structures: Mapping[str, Any], size: int) -> Iterator[Batch]:
    for start in range(0, len(documents), size):
        some = documents[start : start + size]
        wanted = {discharge_id(document) for document in some}
        yield Batch(some, {name: structures[name] for name in wanted if name is not None and name in structures})


def _convert(fetched: _Fetched, cluster: Cluster | None, progress: bool) -> tuple[list[Candidate], list[RefusedRow]]:
    """Return all electrodes that pass the checks, ordered by working ion and id, and rows for the others."""
    batches = fetched.batches
    done: list[Any] = [None] * len(batches)
    results = enumerate(map(convert_batch, batches)) if cluster is None else cluster.run(convert_batch, batches)
    for position, result in progress_bar(
        results, total=len(batches), description="Checking", unit="batch", enabled=progress
    ):
        done[position] = result
    candidates = [candidate for found, _ in done for candidate in found]
    candidates.sort(key=_order)
    return candidates, [row for _, rows in done for row in rows]


def _order(candidate: Candidate) -> tuple[Any, ...]:
    electrode = candidate.electrode
    return (
        WORKING_IONS.index(electrode.working_ion),
        len(electrode.id),
        electrode.id,
        candidate.thermo_type,
        candidate.id_discharge,
        electrode.formula_charge,
        electrode.properties.average_voltage,
    )


def _metadata(settings: FetchSettings, address: str, fetched: _Fetched) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "endpoint": address,
        "database_version": fetched.version,
        "retrieved": fetched.retrieved,
        "licence": LICENCE,
        "citations": {SOURCE: [CITATION]},
        "working_ions": list(settings.working_ions),
        "duplicates": {
            "rule": settings.duplicates,
            "meaning": RULES[settings.duplicates],
            "kept": settings.kept,
            "meaning_of_kept": KEPT[settings.kept],
        },
        "volume_change": "a fraction, as the interface sends it",
    }
