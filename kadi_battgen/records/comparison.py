"""Two runs of the same thing side by side: which metrics and files agree, and which versions differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from kadi_battgen.errors import UserError
from kadi_battgen.records.artifacts import Artifact, Output
from kadi_battgen.records.contents import compare_contents
from kadi_battgen.records.differences import Tolerance
from kadi_battgen.records.model import Metric, Record
from kadi_battgen.records.store import Store

SCHEMA: Final = "kadi-battgen/reproduction"
SCHEMA_VERSION: Final = 1

#: Files in a folder of results that tell how a run went and are no results: what it took differs every time.
TOLD_BESIDE: Final = ("resources.json", "card.md")

FileStatus = Literal["same bytes", "same values", "differs", "missing", "new"]


@dataclass(frozen=True)
class MetricComparison:
    """A metric of both runs.

    Attributes
    ----------
    name, part, unit
        As recorded.
    recorded, again
        The values; None where a run does not have it, or where it is undefined.
    difference
        How far they are apart, in the metric's unit; None without two numbers.
    agrees
        Whether that is within the tolerance.
    """

    name: str
    part: str | None
    unit: str
    recorded: float | None
    again: float | None
    difference: float | None
    agrees: bool


@dataclass(frozen=True)
class FileComparison:
    """A file of both runs.

    Attributes
    ----------
    name
        Path relative to the record's files.
    status
        ``same bytes``, ``same values`` within the tolerance, ``differs``, ``missing`` in the second run, or ``new`` in
        it.
    detail
        What differs most.
    difference, relative
        The largest difference of a number, and the same as a fraction of the magnitude; None without one.
    role
        ``result``, or ``preview`` for what only shows results.
    """

    name: str
    status: FileStatus
    detail: str = ""
    difference: float | None = None
    relative: float | None = None
    role: Literal["result", "preview"] = "result"

    @property
    def agrees(self) -> bool:
        """Whether the second run has what the first one had; what it has beside that is no contradiction."""
        return self.status not in ("differs", "missing")

    @property
    def counts(self) -> bool:
        """Whether it is a result: a picture of the same values may differ with the version that drew it."""
        return self.role == "result"


@dataclass(frozen=True)
class FactDifference:
    """A version, a part of the machine or a setting that differs; None where one of the runs does not know it."""

    name: str
    recorded: str | None
    again: str | None


@dataclass(frozen=True)
class Comparison:
    """What two runs have in common.

    Attributes
    ----------
    recorded, again
        The records.
    tolerance
        Of numbers.
    metrics, files
        What was compared.
    versions, settings
        Versions, and settings that the options stand for, that differ: a version may have other presets.
    """

    recorded: Record
    again: Record
    tolerance: Tolerance
    metrics: tuple[MetricComparison, ...]
    files: tuple[FileComparison, ...]
    versions: tuple[FactDifference, ...]
    settings: tuple[FactDifference, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether every metric and every result agrees; previews only show these."""
        files = (entry for entry in self.files if entry.counts)
        return all(entry.agrees for entry in self.metrics) and all(entry.agrees for entry in files)

    def document(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "record": self.recorded.identifier,
            "again": self.again.identifier,
            "agrees": self.agrees,
            "tolerance": asdict(self.tolerance),
            "metrics": [asdict(entry) for entry in self.metrics],
            "files": [{**asdict(entry), "agrees": entry.agrees} for entry in self.files],
            "versions": [asdict(entry) for entry in self.versions],
            "settings": [asdict(entry) for entry in self.settings],
        }


def compare_runs(
    store: Store, recorded: Record, again_store: Store, again: Record, tolerance: Tolerance | None = None
) -> Comparison:
    """Compare a run with its repetition.

    Parameters
    ----------
    store, recorded
        The run and where its record is.
    again_store, again
        The repetition and where its record is.
    tolerance
        Of numbers.
    """
    tolerance = tolerance or Tolerance()
    return Comparison(
        recorded,
        again,
        tolerance,
        tuple(_compare_metrics(recorded.metrics, again.metrics, tolerance)),
        tuple(_compare_files(store, recorded, again_store, again, tolerance)),
        tuple(_compare_facts(_versions(recorded), _versions(again))),
        tuple(_compare_settings(recorded, again)),
    )


def _compare_metrics(
    recorded: Iterable[Metric], again: Iterable[Metric], tolerance: Tolerance
) -> Iterator[MetricComparison]:
    first = {(metric.name, metric.part): metric for metric in recorded}
    second = {(metric.name, metric.part): metric for metric in again}
    for key in dict.fromkeys((*first, *second)):
        values = [found.value if (found := metrics.get(key)) else None for metrics in (first, second)]
        a, b = values
        difference = None if a is None or b is None else abs(a - b)
        if difference is None:
            agrees = a is None and b is None and key in first and key in second
        elif isinstance(a, int) and isinstance(b, int):
            agrees = difference == 0
        else:
            agrees = difference <= tolerance.limit(abs(a or 0.0))
        unit = (first.get(key) or second[key]).unit
        yield MetricComparison(key[0], key[1], unit, a, b, difference, agrees)


def _compare_files(
    store: Store, recorded: Record, again_store: Store, again: Record, tolerance: Tolerance
) -> Iterator[FileComparison]:
    second = {_name(made): made for made in again.files}
    for made in recorded.files:
        other = second.pop(_name(made), None)
        found: Iterable[FileComparison] = [FileComparison(_name(made), "missing")]
        if other is not None:
            found = _compare_output((store, recorded, made), (again_store, again, other), tolerance)
        for entry in found:
            beside = made.kind == "folder" and Path(entry.name).name in TOLD_BESIDE
            yield replace(entry, role="preview" if beside else made.role)
    for name, made in second.items():
        yield FileComparison(name, "new", role=made.role)


def _compare_output(
    first: tuple[Store, Record, Output], second: tuple[Store, Record, Output], tolerance: Tolerance
) -> Iterator[FileComparison]:
    """Compare the files of one output of both runs; only those whose checksums differ are read."""
    folders: dict[str, Path] = {}
    before, after = _contents(first[2]), _contents(second[2])
    for inner in dict.fromkeys((*before, *after)):
        name = f"{_name(first[2])}/{inner}" if inner else _name(first[2])
        if inner not in after:
            yield FileComparison(name, "missing")
        elif inner not in before:
            yield FileComparison(name, "new")
        elif before[inner] == after[inner]:
            yield FileComparison(name, "same bytes")
        else:
            try:
                for key, (store, record, made) in (("first", first), ("second", second)):
                    folders[key] = folders.get(key) or store.obtain(record.identifier, made)
            except UserError as error:
                yield FileComparison(name, "differs", f"the values cannot be compared: {error}")
                continue
            found = compare_contents(folders["first"] / inner, folders["second"] / inner, tolerance)
            status: FileStatus = "same values" if found.agrees else "differs"
            yield FileComparison(name, status, str(found), found.difference, found.relative)


def _compare_facts(first: Mapping[str, str | None], second: Mapping[str, str | None]) -> Iterator[FactDifference]:
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield FactDifference(name, first.get(name), second.get(name))


def _compare_settings(recorded: Record, again: Record) -> Iterator[FactDifference]:
    """Compare settings where both records have them; earlier records know the options alone."""
    if recorded.settings and again.settings:
        yield from _compare_facts(dict(_flat(recorded.settings)), dict(_flat(again.settings)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(value, ensure_ascii=False)


def _versions(record: Record) -> dict[str, str | None]:
    """Return what a result may depend on beside configuration, seed and inputs."""
    software, machine = record.software, record.machine
    modified = None if software.git_modified is None else "modified" if software.git_modified else "as committed"
    return {
        software.name: software.version,
        "commit": software.git_commit,
        "checkout": modified,
        "Python": software.python,
        **software.packages,
        "device": record.device,
        "processor": machine.cpu,
        "cores": str(machine.cores),
        "platform": machine.platform,
    }


def _contents(made: Artifact) -> dict[str, str]:
    """Return the checksums of the files of an output by their path in it; "" for a file itself."""
    return {entry.path: entry.sha256 for entry in made.files} if made.kind == "folder" else {"": made.sha256}


def _name(made: Artifact) -> str:
    return made.stored or made.name
