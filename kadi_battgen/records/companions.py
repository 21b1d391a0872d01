"""Files that every ended record carries besides its own: the record itself and its metrics, for people and programs."""

from __future__ import annotations

import csv
import io
import json

from kadi_battgen.records.model import Record

#: What they are, by the names that no file of a run may take.
COMPANIONS = {
    "record.json": "Everything that is known of the run, for programs",
    "metrics.csv": "Metrics of the run with their units",
}


def companion_files(record: Record) -> dict[str, bytes]:
    """Return name and content of the files that accompany `record`.

    ``record.json`` holds everything that is known of the run; ``metrics.csv`` the metrics as a table, if there are any.
    """
    document = record.model_dump(mode="json", by_alias=True)
    files = {"record.json": (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8")}
    if record.metrics:
        files["metrics.csv"] = _metrics_table(record)
    return files


def _metrics_table(record: Record) -> bytes:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["name", "part", "value", "unit", "note"])
    for metric in record.metrics:
        value = "" if metric.value is None else repr(metric.value)
        writer.writerow([metric.name, metric.part or "", value, metric.unit, metric.note or ""])
    return table.getvalue().encode("utf-8")
