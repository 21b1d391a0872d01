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
