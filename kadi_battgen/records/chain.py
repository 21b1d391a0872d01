"""The way back from a record to its sources."""

from __future__ import annotations

from collections import deque

from kadi_battgen.errors import UserError
from kadi_battgen.records.model import Record
from kadi_battgen.records.store import Store


def read_chain(store: Store, identifier: str) -> list[Record]:
    """Return a record and all records that it came from, directly or through others.

    Parameters
    ----------
    store
        Where the records are.
    identifier
        Where to start.

    Returns
    -------
    list of Record
        The record itself first, then its inputs' records and so on (breadth first), each once. A record that has been
        removed from the store is left out; the links that name it are still in those that used it.

    Raises
    ------
    UserError
        If the record to start from is missing.
    """
    found = {identifier: store.load(identifier)}
    waiting = deque([identifier])
    while waiting:
        for link in found[waiting.popleft()].links:
            if link.record in found:
                continue
            try:
                found[link.record] = store.load(link.record)
            except UserError:
                continue
            waiting.append(link.record)
    return list(found.values())


def record_facts(record: Record) -> dict[str, str]:
    """Return what a reader of a provenance list wants to know of a record, as texts by label, in a fixed order."""
    facts = {"Step": record.step, "State": record.state}
    if record.error is not None:
        facts["Error"] = f"{record.error.type}: {record.error.message}"
    if record.seed is not None:
        facts["Seed"] = str(record.seed)
    facts["Started"] = f"{record.started:%Y-%m-%d %H:%M:%S} UTC"
    if record.duration_s is not None:
        facts["Duration"] = f"{record.duration_s:.1f} s"
    if record.device is not None:
        facts["Device"] = record.device
    commit = f", commit {record.software.git_commit[:10]}" if record.software.git_commit else ""
    modified = " with changes" if record.software.git_modified else ""
    facts["Version"] = f"{record.software.name} {record.software.version}{commit}{modified}"
    for entry in record.inputs:
        facts[f"Input {entry.role}"] = f"{entry.path}, SHA-256 {entry.sha256}"
    for made in record.files:
        facts[f"File {made.path.rpartition('/')[2]}"] = f"{made.description or made.kind}, SHA-256 {made.sha256}"
    return facts
