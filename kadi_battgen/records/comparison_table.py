"""A comparison of two runs as text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from kadi_battgen.records.comparison import Comparison, FileComparison

#: A longer list of metrics is cut down to those that differ; the document has all.
_LONGEST_LIST: Final = 24


def comparison_table(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of a comparison; of many metrics only those that differ are listed."""
    yield f"{comparison.recorded.identifier}: {comparison.recorded.title}"
    yield f"run again as {comparison.again.identifier}"
    if comparison.metrics:
        yield ""
        rows = [
            (
                "agrees" if entry.agrees else "DIFFERS",
                f"{entry.name}{f' ({entry.part})' if entry.part else ''}",
                _number(entry.recorded),
                _number(entry.again),
                "" if not entry.difference else f"{entry.difference:.3g}",
                "" if entry.unit == "1" else entry.unit,
            )
            for entry in comparison.metrics
        ]
        shown = [row for row in rows if row[0] != "agrees"] if len(rows) > _LONGEST_LIST else rows
        if shown:
            yield from _columns(("", "metric", "recorded", "again", "difference", "unit"), shown)
        if len(shown) < len(rows):
            yield f"agrees  {len(rows) - len(shown)} {'other ' if shown else ''}metrics"
    if comparison.files:
        yield ""
        files = [(_mark(entry), entry.name, entry.status, entry.detail) for entry in comparison.files]
        yield from _columns(("", "file", "content", ""), files)
    yield ""
    if comparison.versions:
        versions = [(e.name, e.recorded or "unknown", e.again or "unknown") for e in comparison.versions]
        yield from _columns(("versions that differ", "recorded", "again"), versions)
    else:
        yield "No version differs: same packages, device and processor."
    if comparison.settings:
        yield ""
        settings = [(e.name, e.recorded or "none", e.again or "none") for e in comparison.settings]
        yield from _columns(("settings that differ", "recorded", "again"), settings)
    yield ""
    yield _verdict(comparison)


def _mark(entry: FileComparison) -> str:
    if entry.status == "new":
        return ""
    return "agrees" if entry.agrees else "DIFFERS" if entry.counts else "preview"


def _verdict(comparison: Comparison) -> str:
    results = [entry for entry in comparison.files if entry.counts and entry.status != "new"]
    counts = Counter(entry.agrees for entry in comparison.metrics), Counter(entry.agrees for entry in results)
    metrics, files = (f"{count[True]} of {count.total()}" for count in counts)
    return (
        f"{'Agrees' if comparison.agrees else 'Differs'}: {metrics} metrics and {files} files agree within a relative "
        f"tolerance of {comparison.tolerance.relative:g}."
    )


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return str(value) if isinstance(value, int) or not math.isfinite(value) else f"{value:.7g}"


def _columns(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
