"""Which samples are on a page: filters by column, and the answer that both kinds of pages share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kadi_battgen.kadi_plugin.limits import MOST_SAMPLES


@dataclass(frozen=True)
class Column:
    """A column by which samples can be chosen.

    Attributes
    ----------
    name
        Its name in requests.
    label
        Its name for people.
    codes
        Position in `options` of each sample.
    options
        What the codes stand for.
    """

    name: str
    label: str
    codes: np.ndarray
    options: list[str]

    def of(self, index: int) -> str:
        """Return what the column says of a sample."""
        code = int(self.codes[index])
        return self.options[code] if 0 <= code < len(self.options) else f"code {code}"


def choose(total: int, columns: Iterable[Column], filters: Mapping[str, Any], start: int, count: int) -> dict[str, Any]:
    """Return the samples of a page, and what a preview needs to ask for the next one.

    Parameters
    ----------
    total
        Samples in the file.
    columns
        Columns by which they can be chosen.
    filters
        Wanted option by name of the column; others are ignored.
    start
        Position of the first sample among the chosen ones.
    count
        Samples on a page.

    Returns
    -------
    dict
        ``indices`` of the samples, and ``total``, ``matching``, ``start``, ``count``, ``filters`` for the preview.
    """
    chosen = np.ones(total, dtype=bool)
    described = []
    for column in columns:
        numbers = np.bincount(
            column.codes[(column.codes >= 0) & (column.codes < len(column.options))].astype(np.int64),
            minlength=len(column.options),
        )
        options = [
            {"value": option, "count": int(number)}
            for option, number in zip(column.options, numbers, strict=True)
            if number
        ]
        wanted = filters.get(column.name)
        if wanted in column.options:
            chosen &= column.codes == column.options.index(wanted)
        described.append(
            {
                "name": column.name,
                "label": column.label,
                "options": options,
                "value": wanted if wanted in column.options else "",
            }
        )
    matching = np.flatnonzero(chosen)
    count = max(1, min(count, MOST_SAMPLES))
    start = max(0, min(start, len(matching) - 1)) // count * count
    return {
        "indices": [int(index) for index in matching[start : start + count]],
        "total": total,
        "matching": len(matching),
        "start": start,
        "count": count,
        "filters": described,
    }
