"""What an RO-Crate says of the records in it.

Each record is a data set in the layout of Kadi4Mat's own exports, which kadi-apy's importer needs to keep type, extras
and links; its run is an action in the sense of the Process Run Crate profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kadi_battgen.records.crate.export import ExportedFile
from kadi_battgen.records.crate.graph import Entity, Graph, file_iri, moment, unique
from kadi_battgen.records.crate.runs import add_run, add_source
from kadi_battgen.records.kadi.limits import file_name
from kadi_battgen.records.model import Record

PROCESS_RUN_CRATE: Final = "https://w3id.org/ro/wfrun/process/0.5"

_KADI: Final = "https://kadi.iam.kit.edu"


@dataclass(frozen=True)
class CrateRecord:
    """A record with what a crate holds of it.

    Attributes
    ----------
    record
        The record.
    metadata
        Its title, description and tags as Kadi4Mat has them.
    files
        Its files.
    export
        Its JSON document as Kadi4Mat exports it.
    """

    record: Record
    metadata: Mapping[str, Any]
    files: Sequence[ExportedFile]
    export: bytes


def crate_document(entries: Sequence[CrateRecord]) -> dict[str, Any]:
    """Return the JSON-LD document that describes a crate of one or several records.

    Parameters
    ----------
    entries
        The records; the first one gives the crate its name.
    """
    graph = Graph()
    made = {
        entry.record.identifier: {file.sha256: file_iri(entry.record.identifier, file.path) for file in entry.files}
        for entry in entries
    }
    _describe_crate(graph, entries)
    for entry in entries:
        _add_record(graph, entry, made)
        add_run(graph, entry.record, made)
    return graph.document()


def _describe_crate(graph: Graph, entries: Sequence[CrateRecord]) -> None:
    first, several = entries[0], len(entries) > 1
    remark = "Virtual research environment in whose export layout this crate is written."
    kadi = graph.add(_KADI, "Organization", name="Kadi4Mat", url=_KADI, description=remark)
    software = first.record.software
    graph.describe_file(sdPublisher=kadi, description=f"Written by {software.name} {software.version}.")
    titles = "; ".join(f"{entry.metadata['title']} ({entry.record.identifier})" for entry in entries)
    version = PROCESS_RUN_CRATE.rpartition("/")[2]
    graph.describe_root(
        name=(first.record.project or software.name) if several else first.metadata["title"],
        description=f"{len(entries)} records with their links: {titles}." if several else _description(first),
        datePublished=max(moment(entry.record, end=True) for entry in entries),
        genre="collection" if several else "record",
        conformsTo=graph.add(PROCESS_RUN_CRATE, "CreativeWork", name="Process Run Crate", version=version),
        license=unique(graph.add_licence(entry.record.license) for entry in entries),
        keywords=list(dict.fromkeys(tag for entry in entries for tag in entry.metadata["tags"])),
        hasPart=[{"@id": f"./{entry.record.identifier}/"} for entry in entries],
        mentions=[{"@id": f"#{entry.record.identifier}"} for entry in entries],
    )


def _add_record(graph: Graph, entry: CrateRecord, made: Mapping[str, Mapping[str, str]]) -> None:
    record = entry.record
    identifier = record.identifier
    export = graph.add(
        f"./{identifier}/{identifier}.json",
        "File",
        name=f"{identifier}.json",
        encodingFormat="application/json",
        contentSize=str(len(entry.export)),
        description="The record as Kadi4Mat exports it",
    )
    graph.add(
        f"./{identifier}/",
        "Dataset",
        name=entry.metadata["title"],
        description=_description(entry),
        identifier=identifier,
        dateCreated=moment(record),
        dateModified=moment(record, end=True),
        datePublished=moment(record, end=True),
        license=graph.add_licence(record.license),
        keywords=list(entry.metadata["tags"]),
        isBasedOn=unique(add_source(graph, link.record, made) for link in record.links),
        variableMeasured=list(_add_metrics(graph, record)),
        hasPart=[export, *(_add_file(graph, identifier, file) for file in entry.files)],
    )


def _add_file(graph: Graph, identifier: str, file: ExportedFile) -> Entity:
    return graph.add(
        file_iri(identifier, file.path),
        "File",
        name=file_name(file.path),
        encodingFormat=file.media_type,
        contentSize=str(file.size),
        sha256=file.sha256,
        description=[file.description] if file.description else [],
    )


def _add_metrics(graph: Graph, record: Record) -> Iterator[Entity]:
    for number, metric in enumerate(record.metrics, start=1):
        values = {"value": metric.value, "description": metric.note, "identifier": metric.term}
        yield graph.add(
            f"#{record.identifier}-metric-{number}",
            "PropertyValue",
            name=f"{metric.name} ({metric.part})" if metric.part else metric.name,
            propertyID=".".join(["metrics", *([metric.part] if metric.part else []), metric.name]),
            unitText=metric.unit,
            **{name: value for name, value in values.items() if value is not None},
        )


def _description(entry: CrateRecord) -> str:
    return str(entry.metadata["description"] or f"Run of {entry.record.software.name} {entry.record.step}.")
