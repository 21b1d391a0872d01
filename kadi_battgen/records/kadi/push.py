"""Push local records to Kadi4Mat: sources before results, and as often as one likes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from kadi_battgen.errors import UserError
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.pushing import PushedRecord, Pusher
from kadi_battgen.records.kadi.session import KadiError
from kadi_battgen.records.local import LocalStore
from kadi_battgen.records.model import Record

#: Collection for records that name no project.
DEFAULT_PROJECT: Final = "kadi-battgen"


@dataclass
class PushReport:
    """What a push did.

    Attributes
    ----------
    pushed
        The records that are in Kadi4Mat now, in the order in which they came there.
    failures
        Records that could not be pushed, with a sentence why.
    stopped
        Whether the push ended early, since nothing further could have succeeded.
    """

    pushed: list[PushedRecord] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    @property
    def warnings(self) -> list[str]:
        """What could not be done for records that are there, a sentence each."""
        return [warning for record in self.pushed for warning in record.warnings]


def push(
    store: LocalStore,
    client: KadiClient,
    identifiers: Iterable[str] | None = None,
    *,
    project: str | None = None,
    compare: bool = True,
    progress: bool = True,
    done: Callable[[PushedRecord], object] = lambda _: None,
) -> PushReport:
    """Bring records with their files and links to Kadi4Mat; what is there already is not sent again.

    Every record keeps its identifier. A second push changes nothing, and an interrupted one is completed by repeating it.

    Parameters
    ----------
    store
        The local records.
    client
        Where they go.
    identifiers
        Which ones, with everything in the store that they came from; all by default.
    project
        Collection for records that name none.
    compare
        Whether records are compared with what Kadi4Mat has even if they are known to have been pushed completely.
    progress
        Whether bars show how files are sent.
    done
        Told of every record that is there.

    Returns
    -------
    PushReport
        What was pushed and what failed; Kadi4Mat being away is no exception here.

    Raises
    ------
    UserError
        If a named record is not in the store.
    """
    pusher = Pusher(store, client, project or DEFAULT_PROJECT, progress=progress)
    report = PushReport()
    for record in _sources_first(store, identifiers, report):
        try:
            if not compare and pusher.has_all_of(record):
                continue
            pushed = pusher.push(record)
        except UserError as error:
            report.failures[record.identifier] = str(error)
            if isinstance(error, KadiError) and error.concerns_all:
                report.stopped = True
                break
        else:
            report.pushed.append(pushed)
            done(pushed)
    return report


def _sources_first(store: LocalStore, identifiers: Iterable[str] | None, report: PushReport) -> Iterator[Record]:
    """Yield the records and their sources in the store, each once and after its own sources."""
    wanted = store.identifiers() if identifiers is None else list(identifiers)
    if identifiers is not None:
        for identifier in wanted:
            store.load(identifier)
    seen: set[str] = set()
    # Not recursive: a chain may be longer than Python's stack.
    waiting = [(identifier, False) for identifier in reversed(wanted)]
    while waiting:
        identifier, sources_done = waiting.pop()
        if identifier in seen and not sources_done:
            continue
        seen.add(identifier)
        try:
            record = store.load(identifier)
        except UserError as error:
            if identifier in wanted:
                report.failures[identifier] = str(error)
            continue  # a source that is not here may be in Kadi4Mat
        if sources_done:
            yield record
            continue
        waiting.append((identifier, True))
        waiting.extend((link.record, False) for link in record.links if link.record not in seen)
