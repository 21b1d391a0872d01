"""From one candidate of a screening to the known electrode it resembles, and to where that one comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kadi_battgen.errors import UserError

if TYPE_CHECKING:
    from kadi_battgen.electrodes.electrode import Electrode
    from kadi_battgen.records import Record, Store
    from kadi_battgen.records.provenance import Provenance

#: Roles and record types that hold collections of electrodes.
_ROLE, _RECORD_TYPE = "electrodes", "electrode-dataset"


@dataclass(frozen=True)
class CandidateOrigin:
    """A candidate, the known electrode that is nearest to it, and that one's source.

    Attributes
    ----------
    row
        The candidate's row in the table of its screening.
    electrode
        The known electrode; None where no record of the chain has it.
    record
        Identifier of the record whose collection it is in.
    metadata
        What is known of that collection.
    """

    row: Mapping[str, str]
    electrode: Electrode | None
    record: str | None
    metadata: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, the electrode without its structure."""
        electrode = None if self.electrode is None else self.electrode.model_dump(mode="json", exclude={"structure"})
        return {
            "candidate": dict(self.row),
            "electrode": electrode,
            "record": self.record,
            "collection": dict(self.metadata),
        }

    def lines(self) -> list[str]:
        """Return it as lines of text."""
        row = self.row
        apart = float(row["nearest_known_distance_fraction"])
        lines = [
            f"Candidate {row['rank']}: {row['formula'] or 'no formula'}",
            f"  nearest known electrode: {row['nearest_known_id']}, {row['nearest_known_formula']} "
            f"({apart:.0%} of the atoms differ)",
        ]
        if self.electrode is None:
            return [*lines, "  which is in no collection of electrodes that a record of the chain still has"]
        facts = {
            "source": self.electrode.source,
            "its identifier there": self.electrode.source_id,
            "properties by": self.electrode.method,
            "in the collection of": self.record,
            **{key.replace("_", " "): value for key, value in self.metadata.items() if isinstance(value, str)},
        }
        return [*lines, *(f"  {name}: {value}" for name, value in facts.items())]


def candidate_origin(store: Store, chain: Provenance, rank: int) -> CandidateOrigin:
    """Return what a candidate of a screening resembles, and where that comes from.

    Raises
    ------
    UserError
        If the record is no screening, or has no such candidate.
    """
    row = _candidate(store, chain.root, rank)
    from kadi_battgen.electrodes.collection import read_electrodes

    for record, path in _collections(store, chain):
        try:
            collection = read_electrodes(path)
        except UserError:
            continue  # the input of a step that takes electrodes in another form
        for electrode in collection.electrodes:
            if electrode.id == row["nearest_known_id"]:
                return CandidateOrigin(row, electrode, record, collection.metadata)
    return CandidateOrigin(row, None, None, {})


def _candidate(store: Store, record: Record, rank: int) -> Mapping[str, str]:
    from kadi_battgen.applications.screening.candidate_files import read_candidate_table

    for made in record.results:
        if record.record_type == "screening" and made.name.endswith((".csv", ".json")):
            rows = read_candidate_table(store.obtain(record.identifier, made))
            for row in rows:
                if row.get("rank") == str(rank):
                    return row
            raise UserError(f"{record.identifier} has {len(rows)} candidates: give --candidate 1 to {len(rows)}.")
    raise UserError(f"{record.identifier} is no screening: leave out --candidate, or name a table of candidates.")


def _collections(store: Store, chain: Provenance) -> Iterator[tuple[str, Any]]:
    """Yield the collections of electrodes in a chain that are still there, each with its record, nearest first."""
    for record in chain.records:
        made = record.results if record.record_type == _RECORD_TYPE else []
        given = [used for used in record.inputs if used.role == _ROLE and not used.records]
        for artifact in (*made, *given):
            try:
                yield record.identifier, store.obtain(record.identifier, artifact)
            except UserError:
                continue
