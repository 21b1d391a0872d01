"""Where a result comes from, as a tree of records for people to read."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.records.artifacts import Input
from kadi_battgen.records.chain import read_chain
from kadi_battgen.records.model import Metric, Record
from kadi_battgen.records.paths import written_path
from kadi_battgen.records.store import Store

#: Metrics of a record that the tree names; the record itself has all.
_SHOWN = 4


@dataclass(frozen=True)
class Provenance:
    """A record and everything that it came from.

    Attributes
    ----------
    records
        The record itself first, then its sources, nearest first.
    missing
        Why a record that others name cannot be read, by its identifier.
    """

    records: tuple[Record, ...]
    missing: dict[str, str]

    @classmethod
    def read(cls, store: Store, identifier: str) -> Provenance:
        """Walk back from a record.

        Raises
        ------
        UserError
            If the record to start from is missing.
        """
        records = read_chain(store, identifier)
        found = {record.identifier for record in records}
        missing = {}
        for link in (link for record in records for link in record.links):
            if link.record not in found and link.record not in missing:
                try:
                    store.load(link.record)
                except UserError as error:
                    missing[link.record] = str(error)
        return cls(tuple(records), missing)

    @property
    def root(self) -> Record:
        """The record that the walk starts from."""
        return self.records[0]


def provenance_tree(store: Store, identifier: str, width: int = 120) -> list[str]:
    """Return the way from a record back to its sources, as lines of text.

    Every record is described once, with a number in brackets that stands for it wherever it is a source again. What no
    record made is named with its place and its checksum.

    Parameters
    ----------
    store
        Where the records are.
    identifier
        Where to start.
    width
        Longest line in characters.

    Raises
    ------
    UserError
        If the record to start from is missing.
    """
    provenance = Provenance.read(store, identifier)
    return list(_Tree(store, provenance, width).lines(provenance.root, "", ""))


class _Tree:
    def __init__(self, store: Store, provenance: Provenance, width: int) -> None:
        self._store = store
        self._records = {record.identifier: record for record in provenance.records}
        self._missing = provenance.missing
        self._width = width
        self._numbers: dict[str, int] = {}
        self._version = ""

    def lines(self, record: Record, label: str, prefix: str) -> Iterator[str]:
        """Yield the lines of a record and its sources; the first one has no prefix, which its caller has written."""
        number = self._numbers.get(record.identifier)
        if number is not None:
            yield f"{label}see [{number}] {record.title}"
            return
        self._numbers[record.identifier] = len(self._numbers) + 1
        yield f"{label}[{self._numbers[record.identifier]}] {record.title}"
        sources = list(self._sources(record))
        for text in self._described(record):
            yield from self._wrapped(text, prefix + ("│    " if sources else "     "))
        for position, (role, source) in enumerate(sources, start=1):
            last = position == len(sources)
            branch, below = (f"{prefix}└─ ", f"{prefix}   ") if last else (f"{prefix}├─ ", f"{prefix}│  ")
            if isinstance(source, str):
                first, *rest = textwrap.wrap(f"{role}: {source}", max(40, self._width - len(branch)))
                yield branch + first
                yield from (f"{below}  {line}" for line in rest)
            else:
                own = self.lines(source, f"{role}: ", below)
                yield branch + next(own)
                yield from own

    def _described(self, record: Record) -> list[str]:
        # One version of the software for all is the rule, and told once.
        version = describe_software(record)
        told, self._version = version == self._version, version
        return [*describe(record), *([] if told else [f"computed with {version}"])]

    def _sources(self, record: Record) -> Iterator[tuple[str, Record | str]]:
        """Yield what a record used: its role, and the record that made it or a text about what no record made."""
        for used in record.inputs:
            several = len(used.records) + any(entry.record is None for entry in used.files) > 1
            for identifier in used.records:
                parts = _parts(used, identifier) if several else []
                role = f"{used.role} ({', '.join(parts)})" if parts else used.role
                yield role, self._records.get(identifier) or f"missing: {self._missing[identifier]}"
            if not used.records:
                yield used.role, self._outside(record, used)
            elif outside := _parts(used, None):
                yield f"{used.role} ({', '.join(outside)})", f"in {self._place(record, used)}, made by no record"

    def _outside(self, record: Record, used: Input) -> str:
        what = f", {len(used.files)} files" if used.kind == "folder" else ""
        kept = " and kept in this one" if used.stored is not None else ""
        digest = f"SHA-256{' of the list of files' if used.kind == 'folder' else ''} {used.sha256}"
        return f"{self._place(record, used)}{what}, made by no record{kept} ({digest})"

    def _place(self, record: Record, used: Input) -> str:
        place = self._store.locate(record.identifier, used.path)
        # A place on another machine, or one where nothing is any more, would lead astray.
        return written_path(place, Path.cwd()) if place.exists() else used.name

    def _wrapped(self, text: str, prefix: str) -> list[str]:
        lines = textwrap.wrap(text, max(40, self._width - len(prefix)), subsequent_indent="  ", break_long_words=False)
        return [prefix + line for line in lines]


def _parts(used: Input, identifier: str | None) -> list[str]:
    """Return the files and sub-folders of an input that a record made (None: that none made), each once."""
    return list(dict.fromkeys(entry.path.split("/")[0] for entry in used.files if entry.record == identifier))


def describe(record: Record) -> list[str]:
    """Return what people want to know of a run beside its title, in a few lines."""
    lines = [f"{record.record_type}, record {record.identifier}"]
    if record.command:
        lines.append(f"ran: {shlex.join(record.command)}")
    lines.append(_ending(record))
    if record.error is not None:
        lines.append(f"error: {record.error.type}: {record.error.message}")
    if record.metrics:
        lines.append(f"measured: {_listed([describe_metric(metric) for metric in record.metrics])}")
    for made in record.results:
        what = f", {_lowered(made.description)}" if made.description else ""
        lines.append(f"made {made.name} (SHA-256 {made.sha256[:16]}...){what}")
    if record.license:
        lines.append(f"licence {record.license}")
    return lines


def describe_metric(metric: Metric) -> str:
    """Return a metric as words, such as ``mean_absolute_error (test) 0.12 V``."""
    part = f" ({metric.part})" if metric.part else ""
    value = "undefined" if metric.value is None else f"{metric.value:.4g}"
    if isinstance(metric.value, int):
        value = str(metric.value)
    return f"{metric.name}{part} {value}{'' if metric.unit == '1' else f' {metric.unit}'}"


def describe_software(record: Record) -> str:
    """Return the version of kadi-battgen that ran, with the commit of a checkout."""
    software = record.software
    commit = f", commit {software.git_commit[:10]}" if software.git_commit else ""
    return f"{software.name} {software.version}{commit}{' with changes' if software.git_modified else ''}"


def _ending(record: Record) -> str:
    duration = "" if record.duration_s is None else f" after {_spoken(record.duration_s)}"
    seed = "" if record.seed is None else f", seed {record.seed}"
    device = "" if record.device is None else f", {record.device}"
    return f"{record.state}{duration}, started {record.started:%Y-%m-%d %H:%M:%S} UTC{seed}{device}"


def _spoken(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _lowered(sentence: str) -> str:
    """Return a sentence to go on with after a comma: its first letter small, unless it begins an abbreviation."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
