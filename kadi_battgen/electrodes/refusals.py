"""Rows of a source that did not become electrodes, each with its reason."""

from __future__ import annotations

import csv
import os
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
    """

    where: str
    id: str
    field: str
    reason: str


def write_refusals(path: str | os.PathLike[str], rows: Iterable[RefusedRow]) -> None:
    """Write refused rows as CSV with the columns where, id, field and reason."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["where", "id", "field", "reason"])
        writer.writerows([row.where, row.id, row.field, row.reason] for row in rows)
