"""A dashboard of a training, as Kadi4Mat shows it on the page of a record.

Panels that show a file need the number that the file has in one instance of Kadi4Mat, which nobody knows before it is
there. So the picture of the learning curves is part of the dashboard itself, which then shows the same wherever the record
goes: pushed, imported, or packed as an archive.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from kadi_battgen.records.chain import record_facts
from kadi_battgen.records.model import Record

#: Width of the grid of a dashboard in columns.
_COLUMNS: Final = 12

#: What a Markdown text would take as markup, as seen by Kadi4Mat's renderer with its formulas and super- and subscripts.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~^$])")


def training_dashboard(record: Record, picture: bytes, width: int = 900) -> dict[str, Any]:
    """Return the dashboard of a training run: learning curves, metrics, facts, and other trainings beside it.

    Parameters
    ----------
    record
        The record, with its metrics.
    picture
        The learning curves (PNG).
    width
        Largest width of the picture in pixels.
    """
    source = base64.b64encode(picture).decode("ascii")
    curves = f"![Learning curves|{width}](data:image/png;base64,{source})"
    # What the run had not come to yet when the dashboard was made is left out.
    facts = {
        name: text for name, text in record_facts(record).items() if name in ("Seed", "Started", "Device", "Version")
    }
    options = {name: value for name, value in record.configuration.items() if value is not None}
    settings = {**options, **record.settings}
    measured = [
        [
            metric.name.replace("_", " "),
            metric.part or "",
            _number(metric.value),
            "" if metric.unit == "1" else metric.unit,
        ]
        for metric in record.metrics
    ]
    metrics = _table(["Metric", "Part", "Value", "Unit"], measured)
    run = _table(["Setting", "Value"], list({**facts, **settings}.items()))
    others = {"template": None, "queryString": f"type={record.record_type}&sort=-created_at"}
    rows = [
        [_panel("Learning curves", f"{record.step}, {record.identifier}", "markdown", {"text": curves}, _COLUMNS)],
        [
            _panel("Metrics", "", "markdown", {"text": metrics}, _COLUMNS // 2),
            _panel("Run", "", "markdown", {"text": run}, _COLUMNS // 2),
        ],
        [_panel("All trainings", "The latest first", "recordView", others, _COLUMNS)],
    ]
    return _dashboard(record.title, rows)


def _panel(title: str, subtitle: str, kind: str, settings: dict[str, Any], size: int) -> tuple[dict[str, Any], int]:
    """Return a panel and its width in columns."""
    return {"type": kind, "title": title, "subtitle": subtitle, "settings": settings}, size


def _dashboard(name: str, rows: Sequence[Sequence[tuple[dict[str, Any], int]]]) -> dict[str, Any]:
    """Return a dashboard with these rows of panels, each with its width."""
    layout: list[dict[str, Any]] = []
    assignments: dict[str, str] = {}
    panels: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=1):
        columns = []
        for place, (panel, size) in enumerate(row, start=1):
            column, identifier = f"column-{number}-{place}", f"panel-{number}-{place}"
            columns.append({"id": column, "size": size, "offset": 0})
            assignments[column] = identifier
            panels[identifier] = {"id": identifier, **panel}
        if sum(size for _, size in row) > _COLUMNS:
            raise ValueError(f"row {number} of the dashboard is wider than {_COLUMNS} columns.")
        layout.append({"id": f"row-{number}", "columns": columns})
    return {
        "name": name,
        "layout": {"id": "layout", "rows": layout},
        "layoutAssignments": assignments,
        "panels": panels,
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    if not rows:
        return "None."
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"
