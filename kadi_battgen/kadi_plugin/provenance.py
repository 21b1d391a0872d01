"""The chain of provenance on a record's page: what its run used, and what used its results, as far as the viewer may read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kadi.lib.web import url_for
from kadi.modules.records.links import get_permitted_record_links
from kadi.modules.records.models import Record, RecordLink

from kadi_battgen.kadi_plugin.kinds import RECORD_SCHEMA
from kadi_battgen.kadi_plugin.limits import MOST_LINKS, MOST_RECORDS
from kadi_battgen.kadi_plugin.values import plain_text


@dataclass
class Step:
    """A record in the chain.

    Attributes
    ----------
    title, identifier, type, url
        The record.
    role
        What it was to the record that used it.
    again
        Whether it stands in the chain already, with its sources.
    sources
        The records that it used in turn.
    missing
        Sources that its metadata names and that are not here for this viewer.
    """

    title: str
    identifier: str
    type: str
    url: str
    role: str = ""
    again: bool = False
    sources: list[Step] = field(default_factory=list)
    missing: int = 0


@dataclass(frozen=True)
class Chain:
    """Where a record comes from and where it went.

    Attributes
    ----------
    root
        The record with its sources.
    users
        Records that used it.
    cut
        Whether there are more records than are shown.
    """

    root: Step
    users: list[Step]
    cut: bool


def is_ours(record: Any) -> bool:
    """Tell whether a run of ours made a record, by its extra metadata."""
    return _values(_group(record, "run")).get("schema") == RECORD_SCHEMA


def read_chain(record: Any) -> Chain:
    """Walk from a record over its links, as far as the current user may read what they lead to.

    Links go from a run to what it used. Nothing is told of a record that the user may not read but what the metadata of a
    record that he may read says.
    """
    walk = _Walk()
    root = walk.step(record, "")
    users = [_step(link.record_from, link.name) for link in _links(record, "in") if is_ours(link.record_from)]
    return Chain(root, users, walk.cut)


def direct_sources(record: Any) -> list[dict[str, str]]:
    """Return role, title and address of the records that a record used and the current user may read."""
    steps = [_step(link.record_to, link.name) for link in _links(record, "out")]
    return [{"role": step.role, "title": step.title, "url": step.url} for step in steps]


class _Walk:
    def __init__(self) -> None:
        self._seen: set[int] = set()
        self.cut = False

    def step(self, record: Any, role: str) -> Step:
        """Return a record with its sources, each told once."""
        made = _step(record, role)
        if record.id in self._seen:
            made.again = True
            return made
        self._seen.add(record.id)
        found = set()
        for link in _links(record, "out"):
            found.add(link.record_to.identifier)
            if len(self._seen) >= MOST_RECORDS:
                self.cut = True
                break
            made.sources.append(self.step(link.record_to, link.name))
        made.missing = 0 if self.cut else len(set(_named_sources(record)) - found)
        return made


def _step(record: Any, role: str) -> Step:
    return Step(
        title=plain_text(record.title, 200),
        identifier=plain_text(record.identifier, 60),
        type=plain_text(record.type or "", 60),
        url=url_for("records.view_record", id=record.id),
        role=plain_text(role, 80),
    )


def _links(record: Any, direction: str) -> list[Any]:
    links = get_permitted_record_links(record, direction=direction).order_by(RecordLink.created_at)
    return list(links.limit(MOST_LINKS))


def _group(record: Record, key: str) -> list[Any]:
    extras = record.extras if isinstance(record.extras, list) else []
    entries = (entry for entry in extras if isinstance(entry, dict) and entry.get("key") == key)
    value: Any = next((entry.get("value") for entry in entries), [])
    return value if isinstance(value, list) else []


def _values(entries: list[Any]) -> dict[str, Any]:
    return {str(entry.get("key")): entry.get("value") for entry in entries if isinstance(entry, dict)}


def _named_sources(record: Record) -> Iterator[str]:
    """Yield the identifiers of records that a record's metadata names as sources."""
    for entry in _group(record, "inputs")[:MOST_LINKS]:
        values = entry.get("value") if isinstance(entry, dict) else None
        records = _values(values).get("records") if isinstance(values, list) else None
        for named in records[:MOST_LINKS] if isinstance(records, list) else ():
            if isinstance(named, dict) and isinstance(named.get("value"), str):
                yield named["value"]
