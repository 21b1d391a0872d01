"""What a record becomes in Kadi4Mat: title, description, tags, licence and extra metadata.

The extra metadata is for reading and searching; ``record.json``, which is uploaded with every ended run, is the record
itself.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from kadi_battgen.records.artifacts import Artifact, Input, Output
from kadi_battgen.records.kadi import limits
from kadi_battgen.records.kadi.extras import Extra, entry, field_entry, group, plain_entry, sequence
from kadi_battgen.records.kadi.record_types import record_type
from kadi_battgen.records.kadi.vocabulary import (
    FILE,
    GROUP_TERMS,
    MACHINE,
    QUANTITIES,
    RUN,
    SOFTWARE,
    UNITS,
    Field,
)
from kadi_battgen.records.model import SCHEMA, Metric, Record
from kadi_battgen.records.values import LARGEST_INTEGER

#: Metrics that belong to no part of a data set.
NO_PART = "run"


def kadi_fields(record: Record, licenses: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a record in Kadi4Mat, as its API takes and returns them.

    Parameters
    ----------
    record
        The record.
    licenses
        Names of the licences that the instance knows; another one is told in the extra metadata.
    """
    known = record.license if record.license in licenses else None
    return {
        "title": limits.one_line(record.title, limits.LONGEST_TITLE) or record.identifier,
        "type": limits.one_line(record.record_type, limits.LONGEST_TYPE).lower() or None,
        "description": limits.many_lines(_description(record), limits.LONGEST_DESCRIPTION),
        "tags": limits.tag_names((*record.tags, record.step, *_state_tag(record))),
        "license": known,
        "extras": list(_extras(record, None if known else record.license)),
    }


def digest(fields: Mapping[str, Any]) -> str:
    """Return a digest of the fields, which tells whether a later version of them differs."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode("utf-8")).hexdigest()


def made_from(found: Mapping[str, Any], record: Record) -> bool:
    """Tell whether what Kadi4Mat has under the record's identifier is this record, in whatever state."""
    run = {extra["key"]: extra["value"] for extra in _group_named(found, "run")}
    ours = {extra["key"]: extra["value"] for extra in _run(record, validated=False)}
    return all(run.get(key) == ours[key] for key in ("schema", "step", "started"))


def run_state(found: Mapping[str, Any]) -> str | None:
    """Return the state of the run that a record in Kadi4Mat tells of, None if it tells of none."""
    run = {extra["key"]: extra["value"] for extra in _group_named(found, "run")}
    return run.get("state") if run.get("schema") == SCHEMA else None


def _group_named(found: Mapping[str, Any], key: str) -> list[Extra]:
    extras = found.get("extras") or []
    return next((extra["value"] for extra in extras if extra.get("key") == key and extra["type"] == "dict"), [])


def _state_tag(record: Record) -> tuple[str, ...]:
    return () if record.state == "succeeded" else (record.state,)


def _description(record: Record) -> str:
    lines = [record.description] if record.description.strip() else []
    match record.state:
        case "running":
            lines.append("The run has started and has not ended yet.")
        case "killed":
            lines.append(
                "The run was killed: its process ended without finishing it, and its results are not complete."
            )
        case "failed" | "interrupted":
            reason = f": {record.error.type}: {record.error.message}" if record.error is not None else "."
            lines.append(f"The run {'failed' if record.state == 'failed' else 'was interrupted'}{reason}")
        case _:
            pass
    return "\n\n".join(lines)


def _extras(record: Record, unknown_license: str | None) -> Iterator[Extra]:
    # A failed run may have been asked for what no option allows, and must be told of all the same.
    validated = record.state == "succeeded"
    yield group("run", _run(record, validated=True), term=GROUP_TERMS["run"])
    if unknown_license is not None:
        yield plain_entry("license", unknown_license)
    yield group("configuration", _configuration(record, validated), description="All options of the step")
    if record.settings:
        settings = (plain_entry(key, value) for key, value in record.settings.items())
        yield group("settings", settings, description="All settings that the options stand for")
    if record.metrics:
        yield group("metrics", _metrics(record.metrics), description="Measured numbers by part of the data set")
    yield sequence("inputs", (_artifact(made, made.role) for made in record.inputs), term=GROUP_TERMS["inputs"])
    yield sequence("files", (_artifact(made, made.role) for made in record.files), term=GROUP_TERMS["files"])
    software = record.software.model_dump(exclude={"packages"})
    packages = group("packages", (plain_entry(name, version) for name, version in record.software.packages.items()))
    yield group("software", [*_fields(SOFTWARE, software), packages], term=GROUP_TERMS["software"])
    yield group("machine", _fields(MACHINE, record.machine.model_dump()))
    units = {unit: UNITS[unit] for unit in _units(record) if unit in UNITS}
    if units:
        iris = (entry("str", iri, key=unit, validation={"iri": True}) for unit, iri in units.items())
        yield group("units", iris, description="The units of this record as terms of QUDT")


def _run(record: Record, *, validated: bool) -> list[Extra]:
    values = {
        "schema": record.schema_name,
        "version": record.version,
        "step": record.step,
        "state": record.state,
        "error_type": record.error.type if record.error else None,
        "error_message": record.error.message if record.error else None,
        "command": shlex.join(record.command) or None,
        "seed": record.seed,
        "device": record.device,
        "started": record.started,
        "ended": record.ended,
        "duration": record.duration_s,
    }
    return list(_fields(RUN, values, validated=validated))


def _fields(fields: tuple[Field, ...], values: Mapping[str, Any], *, validated: bool = True) -> Iterator[Extra]:
    for field in fields:
        if values.get(field.key) is not None:
            yield field_entry(field, values[field.key], validated=validated)


def _configuration(record: Record, validated: bool) -> Iterator[Extra]:
    kind = record_type(record.record_type)
    for key, value in record.configuration.items():
        field = kind.field(key)
        yield plain_entry(key, value) if field is None else field_entry(field, value, validated=validated)


def _metrics(metrics: list[Metric]) -> Iterator[Extra]:
    parts: dict[str, list[Metric]] = {}
    for metric in metrics:
        parts.setdefault(metric.part or NO_PART, []).append(metric)
    for part, measured in parts.items():
        yield group(part, (_metric(metric) for metric in measured))


def _metric(metric: Metric) -> Extra:
    known = QUANTITIES.get(metric.name)
    description = known.description if known else None
    exact = isinstance(metric.value, int) and abs(metric.value) <= LARGEST_INTEGER
    return entry(
        "int" if exact else "float",
        metric.value if exact or metric.value is None else float(metric.value),
        key=metric.name,
        unit=None if metric.unit == "1" else limits.one_line(metric.unit, limits.LONGEST_KEY) or None,
        term=metric.term or (known.term if known else None),
        description="; ".join(part for part in (description, metric.note) if part),
    )


def _artifact(made: Artifact, role: str) -> Extra:
    values = {**made.model_dump(include={"description", "kind", "sha256", "size", "media_type"}), "role": role}
    values["name"] = made.stored or made.path
    values["description"] = made.description or None
    about = list(_fields(FILE, values))
    if isinstance(made, Input) and made.records:
        about.append(plain_entry("records", list(made.records), Field("records", "str", "Records that generated it")))
    if made.files:
        inner = (
            group(None, [plain_entry("name", file.path), plain_entry("sha256", file.sha256), _size(file.size)])
            for file in made.files
        )
        about.append(sequence("files", inner))
    return group(None, about, term=made.term if isinstance(made, Input | Output) else None)


def _size(size: int) -> Extra:
    return field_entry(next(field for field in FILE if field.key == "size"), size)


def _units(record: Record) -> dict[str, None]:
    """Return the units that the record uses, in the order of their appearance."""
    units = dict.fromkeys(field.unit for field in (*RUN, *FILE) if field.unit)
    for key in record.configuration:
        field = record_type(record.record_type).field(key)
        if field is not None and field.unit:
            units[field.unit] = None
    return {unit: None for unit in (*units, *(metric.unit for metric in record.metrics)) if unit}
