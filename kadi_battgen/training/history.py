"""The metrics of each epoch of a training, in a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from kadi_battgen.files import write_text

#: One row of metrics per epoch.
History = list[dict[str, float]]


def write_history(path: Path, history: History) -> None:
    """Write one CSV row per epoch."""
    buffer = io.StringIO()
    names = list(dict.fromkeys(name for row in history for name in row))
    writer = csv.DictWriter(buffer, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in history)
    write_text(path, buffer.getvalue())


def read_history(path: Path) -> dict[str, list[float]]:
    """Return the columns of a ``metrics.csv``; cells that are empty become NaN."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name] or "nan") for row in rows] for name in (rows[0] if rows else [])}


def epochs_without_improvement(history: History) -> int:
    """Return how many epochs ago the validation loss was lowest; 0 for an empty history."""
    losses = [row["validation_loss"] for row in history]
    return len(losses) - 1 - int(np.argmin(losses)) if losses else 0
