"""The preview of a table of candidates: columns by name, and target against obtained for each candidate."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from kadi_battgen.kadi_plugin.appearance import PROPERTIES
from kadi_battgen.kadi_plugin.detection import CANDIDATE_COLUMNS
from kadi_battgen.kadi_plugin.limits import LARGEST_TABLE, MOST_COLUMNS, MOST_ROWS
from kadi_battgen.kadi_plugin.values import formula_label, label, number, plain_text, read_json, shown

#: Longest text of a cell; composition vectors are longer and of no use to readers.
_LONGEST_CELL: Final = 160

#: Columns that everyone sees first: title and unit. All others are shown on request, unknown ones last.
_MAIN: Final = {
    "rank": ("Rank", ""),
    "formula": ("Formula", ""),
    "working_ion": ("Working ion", ""),
    "charge_balanced": ("Charge balanced", ""),
    "novel": ("Novel", ""),
    "target_miss_fraction": ("Miss of the target", "fraction"),
    "nearest_known_formula": ("Nearest known electrode", ""),
    "nearest_known_distance_fraction": ("Distance to it", "fraction"),
}
_AFTER_TARGETS: Final = ("nearest_known_formula", "nearest_known_distance_fraction")
_OTHERS: Final = {
    "working_ion_present": ("Holds the working ion", ""),
    "nearest_known_id": ("Identifier of the nearest known", ""),
    "repeats_rank": ("Repeats rank", ""),
    "explanation": ("What the rank follows from", ""),
    "formula_confidence_fraction": ("Confidence of the formula", "fraction"),
    "composition_interval": ("Interval of the composition", ""),
    "formula_charge": ("Charged formula", ""),
    "extracted_fraction": ("Share of the ion that leaves", "fraction"),
    "theoretical_gravimetric_capacity_mAh_per_g": ("Theoretical gravimetric capacity", "mAh/g"),
    "formula_from_image_latent": ("Formula from the image", ""),
    "nearest_known_method": ("Method of the nearest known", ""),
}
_FORMULAS: Final = frozenset({"formula", "formula_charge", "nearest_known_formula", "formula_from_image_latent"})

#: What a column says of a property, by the start of its name; the interval by its end.
_ASPECTS: Final = {
    "target_": "{}: target",
    "asked_": "{}: asked",
    "predicted_": "{}: predicted",
    "nearest_known_": "{}: nearest known",
}
_THEORETICAL: Final = "theoretical_gravimetric_capacity_mAh_per_g"


def property_column(name: str) -> str:
    """Return what the columns of a property are called, behind the aspect: name and unit."""
    unit = PROPERTIES[name][1].replace("³", "3").replace("/", "_per_")
    return f"{name}_{unit}"


def candidates_preview(data: bytes) -> dict[str, Any] | None:
    """Return what a page shows of a table of candidates, None if it is not one.

    Parameters
    ----------
    data
        Its content as CSV or JSON, or the start of a large one.
    """
    read = _read_json if data.lstrip()[:1] == b"{" else _read_csv
    header, rows = read(data[:LARGEST_TABLE])
    if not set(header) >= CANDIDATE_COLUMNS:
        return None
    whole = len(rows) <= MOST_ROWS and len(data) <= LARGEST_TABLE
    rows = rows[:MOST_ROWS]
    targeted = [name for name in PROPERTIES if any(row.get(f"target_{property_column(name)}") for row in rows)]
    main = _main_columns(set(header), targeted)
    order = [*main, *(name for name in dict.fromkeys(header) if name not in main)]
    # What nobody knows comes last.
    order.sort(key=lambda name: (name not in main, _describe(name) is None))
    return {
        "title": "Candidates",
        "total": len(rows),
        "truncated": not whole,
        "columns": [_column(name, name in main, rows) for name in order],
        "rows": [[_cell(name, row.get(name) or "") for name in order] for row in rows],
        "comparisons": [_comparison(row, targeted) for row in rows],
    }


def _read_csv(data: bytes) -> tuple[list[str], list[dict[str, str]]]:
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""))
        header = [plain_text(name.strip(), 120) for name in next(reader)[:MOST_COLUMNS]]
        lines = [line[:MOST_COLUMNS] for line, _ in zip(reader, range(MOST_ROWS + 1), strict=False) if any(line)]
    except (csv.Error, StopIteration, ValueError):
        return [], []
    return header, [dict(zip(header, line, strict=False)) for line in lines]


def _read_json(data: bytes) -> tuple[list[str], list[dict[str, str]]]:
    document = read_json(data)
    found = document.get("candidates") if isinstance(document, dict) else None
    rows = [row for row in found[: MOST_ROWS + 1] if isinstance(row, dict)] if isinstance(found, list) else []
    header = list(dict.fromkeys(plain_text(name, 120) for row in rows for name in list(row)[:MOST_COLUMNS]))[
        :MOST_COLUMNS
    ]
    texts = [
        {
            plain_text(name, 120): "" if value is None else plain_text(value)
            for name, value in list(row.items())[:MOST_COLUMNS]
        }
        for row in rows
    ]
    return header, texts


def _main_columns(present: set[str], targeted: list[str]) -> list[str]:
    first = [name for name in _MAIN if name not in _AFTER_TARGETS]
    targets = []
    for name in targeted:
        column = property_column(name)
        obtained = [f"predicted_{column}", *([_THEORETICAL] if name == "gravimetric_capacity" else [])]
        found = next((place for place in obtained if place in present), f"nearest_known_{column}")
        targets += [f"target_{column}", found]
    return [name for name in (*first, *targets, *_AFTER_TARGETS) if name in present]


def _describe(name: str) -> tuple[str, str] | None:
    """Return title and unit of a column, None if it is not known."""
    if known := _MAIN.get(name) or _OTHERS.get(name):
        return known
    for aspect, title in _ASPECTS.items():
        for entry, (words, unit) in PROPERTIES.items():
            base = f"{aspect}{property_column(entry)}"
            if name == base:
                return title.format(words), unit
            if name in (f"{base}_low", f"{base}_high"):
                return f"{title.format(words)}, {name.rpartition('_')[2]} end", unit
    return None


def _column(name: str, main: bool, rows: list[dict[str, str]]) -> dict[str, Any]:
    title, unit = _describe(name) or (label(name), "")
    cells = [row.get(name) for row in rows if row.get(name)]
    numeric = bool(cells) and all(number(cell) is not None for cell in cells)
    return {"name": name, "label": title, "unit": unit, "numeric": numeric, "main": main}


def _target(text: str) -> str:
    """Return a target such as ``3:4`` or ``150:`` as people write it."""
    low, colon, high = text.partition(":")
    ends = number(low), number(high)
    if not colon or ends == (None, None):
        return plain_text(text, 60)
    if ends[1] is None:
        return f"≥ {low.strip()}"
    return f"≤ {high.strip()}" if ends[0] is None else f"{low.strip()} to {high.strip()}"


def _cell(name: str, text: str) -> str:
    if name.startswith("target_") and ":" in text:
        return _target(text)
    if text in ("True", "False"):
        return "yes" if text == "True" else "no"
    return formula_label(text, 44) if name in _FORMULAS else plain_text(text, _LONGEST_CELL)


def _comparison(row: dict[str, str], targeted: list[str]) -> dict[str, Any]:
    """Return the nearest known electrode, and target and obtained of each property with a target, of all if none has."""
    told = []
    for name in targeted or PROPERTIES:
        title, unit = PROPERTIES[name]
        column = property_column(name)
        target = row.get(f"target_{column}") or ""
        predicted, formula = number(row.get(f"predicted_{column}")), None
        if name == "gravimetric_capacity":
            formula = number(row.get(_THEORETICAL))
        nearest = number(row.get(f"nearest_known_{column}"))
        obtained = next((value for value in (predicted, formula, nearest) if value is not None), None)
        ends = [number(row.get(f"predicted_{column}_{end}")) for end in ("low", "high")]
        interval = f" ({shown(ends[0], 4)} to {shown(ends[1], 4)})" if None not in ends else ""
        told.append(
            {
                "name": title,
                "unit": unit,
                "target": _target(target) or "–",
                "asked": shown(number(row.get(f"asked_{column}"))),
                "predicted": shown(predicted) + interval,
                "formula": shown(formula),
                "nearest": shown(nearest),
                "met": _met(target, obtained),
            }
        )
    distance = number(row.get("nearest_known_distance_fraction"))
    nearest_known = (
        f"{formula_label(row.get('nearest_known_formula') or '–')} ({row.get('nearest_known_id') or 'no identifier'})"
    )
    return {
        "explanation": plain_text(row.get("explanation") or "", 300),
        "nearest": plain_text(nearest_known, _LONGEST_CELL)
        + ("" if distance is None else f", distance {shown(distance)} (fraction of the atoms)"),
        "properties": told,
    }


def _met(target: str, value: float | None) -> str:
    """Return whether a value lies in a target such as ``3:4``, ``150:`` or ``0.1``, in a word; empty if that is open."""
    low, colon, high = target.partition(":")
    ends = number(low), number(high if colon else low)
    if value is None or ends == (None, None) or not colon:
        return ""
    inside = (ends[0] is None or value >= ends[0]) and (ends[1] is None or value <= ends[1])
    return "inside" if inside else "outside"
