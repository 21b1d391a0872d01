"""The run of a record as an action: what computed, from what, to what, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from kadi_battgen.records.artifacts import Artifact, Input
from kadi_battgen.records.crate.export import export_number
from kadi_battgen.records.crate.graph import Entity, Graph, file_iri, moment, unique
from kadi_battgen.records.model import Record, Software

#: The files of the records in a crate: by record and checksum, their IRIs.
Made = Mapping[str, Mapping[str, str]]

_STATUS: Final = {"running": "Active", "succeeded": "Completed"}

_REASONS: Final = {
    "interrupted": "The run was interrupted.",
    "killed": "The run was killed: its process ended without recording an end.",
}


def add_run(graph: Graph, record: Record, made: Made) -> Entity:
    """Describe the run of a record as an action in the sense of the Process Run Crate profile.

    Parameters
    ----------
    graph
        The crate.
    record
        The record.
    made
        The files in the crate, which inputs are recognised by.
    """
    identifier = record.identifier
    used: list[Entity] = []
    for number, entry in enumerate(record.inputs, start=1):
        sources = [add_source(graph, source, made) for source in entry.records]
        used += (
            _kept(record, entry)
            or _from_others(entry, made)
            or [_add_absent(graph, f"#{identifier}-input-{number}", entry, f"{entry.role}: ", sources)]
        )
    results: list[Entity] = []
    for number, output in enumerate(record.files, start=1):
        results += _kept(record, output) or [_add_absent(graph, f"#{identifier}-output-{number}", output)]
    return graph.add(
        f"#{identifier}",
        "CreateAction",
        name=f"{record.step}: {record.title}",
        description=" ".join(record.command),
        instrument=_add_software(graph, record.software),
        object=[*unique(used), *_add_settings(graph, record)],
        result=unique(results),
        startTime=moment(record),
        endTime=[moment(record, end=True)] if record.ended is not None else [],
        actionStatus=f"http://schema.org/{_STATUS.get(record.state, 'Failed')}ActionStatus",
        error=[reason] if (reason := _reason(record)) else [],
    )


def add_source(graph: Graph, identifier: str, made: Made) -> Entity:
    """Return the reference to a record that another one came from, whether it is in the crate or not."""
    if identifier in made:
        return {"@id": f"./{identifier}/"}
    return graph.add(f"#record-{identifier}", "CreativeWork", name=f"Record {identifier}", identifier=identifier)


def _kept(record: Record, artifact: Artifact) -> list[Entity]:
    """Return the record's own copies."""
    return [{"@id": file_iri(record.identifier, path)} for path in artifact.stored_files()]


def _from_others(entry: Input, made: Made) -> list[Entity]:
    """Return the files of other records in the crate that are this input, if all of it is there."""
    known = {digest: iri for source in entry.records for digest, iri in made.get(source, {}).items()}
    wanted = [file.sha256 for file in entry.files] or [entry.sha256]
    return [{"@id": known[digest]} for digest in wanted] if all(digest in known for digest in wanted) else []


def _add_absent(
    graph: Graph, iri: str, artifact: Artifact, role: str = "", sources: list[Entity] | None = None
) -> Entity:
    """Describe a file or folder that is not in the crate."""
    digest = f"SHA-256 {'of its manifest ' if artifact.kind == 'folder' else ''}{artifact.sha256}"
    return graph.add(
        iri,
        "CreativeWork",
        name=f"{role}{artifact.name}",
        description=f"{artifact.description or artifact.kind}; {digest}",
        identifier=f"sha256:{artifact.sha256}",
        contentSize=str(artifact.size),
        isPartOf=sources or [],
    )


def _add_software(graph: Graph, software: Software) -> Entity:
    changes = " with changes" if software.git_modified else ""
    commit = f" (commit {software.git_commit}{changes})" if software.git_commit else ""
    return graph.add(
        # Another commit or another version of a package is another application.
        f"#{quote(software.name)}-{export_number(software.model_dump_json())}",
        "SoftwareApplication",
        name=software.name,
        softwareVersion=f"{software.version}{commit}",
        softwareRequirements=[
            f"Python {software.python}",
            *(f"{name} {version}" for name, version in software.packages.items()),
        ],
    )


def _add_settings(graph: Graph, record: Record) -> Iterator[Entity]:
    """Describe the configuration, one value each; what was left open is left out."""
    settings = _flat({"seed": record.seed, **record.configuration, **record.settings})
    for number, (key, value) in enumerate(settings, start=1):
        iri = f"#{record.identifier}-setting-{number}"
        yield graph.add(iri, "PropertyValue", name=key, propertyID=f"configuration.{key}", value=value)


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _flat(entry, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        yield key, json.dumps(value, ensure_ascii=False)
    elif value is not None:
        yield key, value


def _reason(record: Record) -> str:
    """Return why a run did not succeed, empty if it did."""
    reasons = [_REASONS[record.state]] if record.state in _REASONS else []
    if record.error is not None:
        reasons.append(f"{record.error.type}: {record.error.message}")
    return " ".join(reasons)
