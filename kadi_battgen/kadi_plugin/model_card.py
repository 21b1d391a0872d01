"""The preview of a trained model: architecture, training data, learning curves and measured results."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, Final

from kadi_battgen.kadi_plugin.kinds import CARD
from kadi_battgen.kadi_plugin.learning_curves import read_curves
from kadi_battgen.kadi_plugin.limits import LARGEST_TABLE
from kadi_battgen.kadi_plugin.values import flatten, label, number, plain_text, read_json, with_unit

#: What the kinds of networks are called.
_TITLES: Final = {
    "translation": "Translation of AFM stacks into descriptors",
    "baseline": "Baseline of the translation",
    "composition": "Composition from AFM stacks",
    "screening": "Screening: candidates from wanted properties",
    "prvae": "Property-regressor variational autoencoder of SEI configurations",
    "barrier_response": "SEI observables from reaction barriers",
}

#: Fields of a card that are told first, with their titles.
_FACTS: Final = {
    "parameters": "Parameters",
    "preset": "Preset",
    "seed": "Seed",
    "device": "Trained on",
    "variant": "Variant",
    "epochs_trained": "Epochs",
    "image_shape": "Images / pixels",
}

#: Fields of a card by the part of the page that tells of them; all others follow at the end.
_SECTIONS: Final = (
    ("Architecture", ("architecture", "schedule", "composition_autoencoder")),
    ("Training data", ("dataset_sha256", "dataset", "training_ranges", "conventions")),
    ("Training", ("settings",)),
    ("Normalisation", ("normalisation",)),
)
_MEASURED: Final = ("best", "references", "results", "metrics", "evaluation", "measured")
_IDENTITY: Final = ("schema", "schema_version", "kind", "weights_sha256", "configuration_sha256", "translation_sha256")

#: Reads a file that lies beside the one that is shown, by its name; None where there is none.
Sibling = Callable[[str], bytes | None]


def model_preview(
    card: bytes | None, tensors: dict[str, Any] | None, beside: Sibling, record: Sibling
) -> dict[str, Any]:
    """Return what a page shows of a model.

    Parameters
    ----------
    card
        Content of its ``card.json``, None if there is none.
    tensors
        What its weights hold, as of :func:`~kadi_battgen.kadi_plugin.safetensors_header.read_header`.
    beside
        Reads a file from the folder of the model.
    record
        Reads a file of the record.
    """
    found = read_json(card) if card else None
    document = found if isinstance(found, dict) and found.get("schema") == CARD.schema else {}
    kind = plain_text(document.get("kind", ""), 60)
    data: dict[str, Any] = {
        "title": _TITLES.get(kind, f"Trained model: {label(kind)}" if kind else "Weights"),
        "facts": [
            {"name": title, "value": next((text for _, text in flatten(document[name], 60)), "–")}
            for name, title in _FACTS.items()
            if name in document
        ],
        "sources": [],
        "sections": [],
        "curves": [],
        "measured": [],
        "tensors": tensors,
        "card": bool(document),
    }
    if not document:
        return data
    told = {*_IDENTITY, *_MEASURED, *_FACTS}
    for title, names in _SECTIONS:
        present = [name for name in names if name in document]
        told |= set(present)
        lone = len(present) == 1 and isinstance(document[present[0]], dict)
        values = document[present[0]] if lone else {name: document[name] for name in present}
        _add(data["sections"], title, values)
    _add(data["sections"], "Further", {name: value for name, value in document.items() if name not in told})
    _add(data["sections"], "Identity", {name: document[name] for name in _IDENTITY if name in document})
    data["measured"] = _measured(document, record)
    if curves := beside("metrics.csv"):
        data["curves"] = read_curves(curves)
    return data


def _add(sections: list[dict[str, Any]], title: str, values: Any) -> None:
    rows = [{"name": name, "value": value} for name, value in flatten(values)] if values else []
    if rows:
        sections.append({"title": title, "rows": rows})


def _measured(document: dict[str, Any], record: Sibling) -> list[dict[str, str]]:
    """Return measured results, first what the record measured, then what the card tells of the best epoch."""
    rows = _metrics(record("metrics.csv") or b"")
    for name in _MEASURED:
        if name in document:
            part = "best epoch" if name == "best" else label(name).lower()
            rows += [
                {"name": path or label(name), "part": part, "value": text}
                for path, text in flatten(document[name], 400)
            ]
    return rows


def _metrics(data: bytes) -> list[dict[str, str]]:
    """Return the metrics of a record from its ``metrics.csv``; a table of another kind has none."""
    try:
        reader = csv.DictReader(io.StringIO(data[:LARGEST_TABLE].decode("utf-8", "replace")))
        if not {"name", "value", "unit"} <= set(reader.fieldnames or ()):
            return []
        rows = [row for row, _ in zip(reader, range(400), strict=False)]
    except csv.Error:
        return []
    return [
        {
            "name": label(row.get("name") or ""),
            "part": plain_text(row.get("part") or "", 80),
            "value": with_unit(_exact(row.get("value")), plain_text(row.get("unit") or "", 20)),
        }
        for row in rows
    ]


def _exact(text: Any) -> Any:
    """Return a cell as a whole number where it is one, as a number where it is one, else as the text."""
    value = number(text)
    if value is None:
        return plain_text(text or "", 80)
    return int(value) if value.is_integer() and str(text).lstrip("-").isdigit() else value
