"""The records that a report is about, with what they made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.records import Output, Record, Store, find_record, read_chain


@dataclass(frozen=True)
class Step:
    """One record of the chain, and the store that knows where its results are."""

    record: Record
    store: Store

    def results(self, *endings: str) -> list[Path]:
        """Return local paths of the results whose name has one of the endings; all without any.

        Raises
        ------
        UserError
            If one is no longer there, or has changed since.
        """
        return [self._obtain(entry) for entry in self.record.results if not endings or entry.name.endswith(endings)]

    def folders(self) -> list[Path]:
        """Return local paths of the results that are folders."""
        return [self._obtain(entry) for entry in self.record.results if entry.kind == "folder"]

    def used(self, role: str) -> Path | None:
        """Return the local path of an input; None if the run had none of that role."""
        for entry in self.record.inputs:
            if entry.role == role:
                for producer in entry.records:
                    for made in self.store.load(producer).results:
                        if made.sha256 == entry.sha256:
                            return self.store.obtain(producer, made)
                return self.store.obtain(self.record.identifier, entry)
        return None

    def content(self) -> Path:
        """Return the path of the record's first result.

        Raises
        ------
        UserError
            If it has none.
        """
        if not self.record.results:
            raise UserError(
                f"run:{self.record.identifier} ended as {self.record.state} and made nothing that could be shown: name a "
                "run that succeeded."
            )
        return self._obtain(self.record.results[0])

    def _obtain(self, entry: Output) -> Path:
        return self.store.obtain(self.record.identifier, entry)


@dataclass(frozen=True)
class Chain:
    """All records that a report is about.

    Attributes
    ----------
    named
        Those that the user named, each once.
    steps
        Those and all that they came from, nearest first, each once.
    """

    named: tuple[Step, ...]
    steps: tuple[Step, ...]

    @classmethod
    def read(cls, store: Store, texts: Sequence[str]) -> Chain:
        """Return the chain of the records that `texts` name, see :func:`kadi_battgen.records.find_record`."""
        named: dict[str, Step] = {}
        steps: dict[str, Step] = {}
        chains = []
        for text in texts:
            place, record = find_record(store, text)
            named.setdefault(record.identifier, Step(record, place))
            chains.append([Step(entry, place) for entry in read_chain(place, record.identifier)])
        for step in (*named.values(), *(step for chain in chains for step in chain)):
            steps.setdefault(step.record.identifier, step)
        return cls(tuple(named.values()), tuple(steps.values()))

    def of(self, *types: str) -> Iterator[Step]:
        """Yield the succeeded steps of some record types, nearest first."""
        return (step for step in self.steps if step.record.record_type in types and step.record.state == "succeeded")
