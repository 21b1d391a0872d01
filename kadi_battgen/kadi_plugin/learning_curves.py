"""The metrics of a training per epoch, as curves for the page."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from kadi_battgen.kadi_plugin.limits import LARGEST_TABLE, MOST_CURVES, MOST_EPOCHS
from kadi_battgen.kadi_plugin.values import label, number, plain_text

_VALIDATION: Final = "validation_"


def read_curves(data: bytes) -> list[dict[str, Any]]:
    """Return the curves of a ``metrics.csv`` by quantity, training and validation of one together.

    Parameters
    ----------
    data
        A table with the column ``epoch`` and one column for each metric; what is no number is a gap.

    Returns
    -------
    list of dict
        ``name`` and ``curves``, each with ``name``, ``epochs`` and ``values`` (None for a gap); empty if the table has no
        epochs.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(data[:LARGEST_TABLE].decode("utf-8", "replace"))))
    except csv.Error:
        return []
    epochs = [number(row.get("epoch")) for row in rows]
    kept = [position for position, epoch in enumerate(epochs) if epoch is not None]
    if not kept:
        return []
    step = -(-len(kept) // MOST_EPOCHS)
    # The last epoch is always among those that are drawn.
    kept = kept[::-1][::step][::-1]
    panels: dict[str, list[dict[str, Any]]] = {}
    for name in list(rows[0])[:MOST_CURVES]:
        values = [number(rows[position].get(name)) for position in kept]
        if name in (None, "", "epoch") or not any(value is not None for value in values):
            continue
        quantity = name.removeprefix(_VALIDATION)
        panels.setdefault(quantity, []).append(
            {
                "name": "validation" if name.startswith(_VALIDATION) else "training",
                "epochs": [epochs[position] for position in kept],
                "values": values,
            }
        )
    return [{"name": plain_text(label(name), 60), "curves": curves} for name, curves in panels.items()]
