"""Rows of a source that did not become electrodes, each with its reason."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kadi_battgen.files import atomic_path


@dataclass(frozen=True)
class RefusedRow:
    """One row that was refused.

    Attributes
    ----------
    where
        File and line, or the identifier of a document of an API.
    id
        The row's own identifier; empty where it has none.
    field
        The field that is wrong; empty where the row as a whole is.
    reason
        What is wrong and the way out, in one sentence.
    kind
        Class of the reason, such as ``missing value``, by which refusals are counted; empty where there is none.
    """

    where: str
    id: str
    field: str
    reason: str
    kind: str = ""

    def describe(self) -> str:
        """Return place, field and reason as one sentence."""
        place = f"{self.where} ({self.id})" if self.id and self.id != self.where else self.where
        return ": ".join(part for part in (place, self.field, self.reason) if part)


def write_refusals(path: str | os.PathLike[str], rows: Iterable[RefusedRow]) -> None:
    """Write refused rows as CSV with the columns where, id, field and reason."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["where", "id", "field", "reason"])
        writer.writerows([row.where, row.id, row.field, row.reason] for row in rows)


def count_refusals(rows: Iterable[RefusedRow]) -> dict[tuple[str, str], int]:
    """Return how many rows were refused, by class of the reason and field, the commonest first."""
    counts = Counter((row.kind or "wrong value", row.field) for row in rows)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
