"""Extra metadata: values with a type, a unit and a term, as Kadi4Mat keeps them unchanged."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from kadi_battgen.records.kadi.limits import LONGEST_KEY, LONGEST_TEXT, exact_text, iri, one_line, shorten
from kadi_battgen.records.kadi.vocabulary import Field
from kadi_battgen.records.values import LARGEST_INTEGER

#: One entry of extra metadata, as in Kadi4Mat's API.
Extra = dict[str, Any]

#: Longer lists and larger groups are cut: record.json has all of them, and nobody reads them in a form.
LONGEST_LIST: Final = 50
LARGEST_GROUP: Final = 500

#: Values nested more deeply are written as JSON text.
DEEPEST: Final = 6

_RANGE = re.compile(r"\s*(?P<low>[-+.\deE]*)\s*:\s*(?P<high>[-+.\deE]*)\s*")


def entry(
    type: str,
    value: Any,
    *,
    key: str | None = None,
    unit: str | None = None,
    term: str | None = None,
    description: str | None = None,
    validation: Mapping[str, Any] | None = None,
) -> Extra:
    """Return one entry, with only what it has; without a key it is an element of a list."""
    made: Extra = {"type": type, "value": value}
    if key is not None:
        made["key"] = one_line(key, LONGEST_KEY) or "(no name)"
    if unit is not None and type in ("int", "float"):
        made["unit"] = unit
    if term := iri(term):
        made["term"] = term
    if description := one_line(description or "", LONGEST_TEXT):
        made["description"] = description
    if validation:
        made["validation"] = dict(validation)
    return made


def group(
    key: str | None, entries: Iterable[Extra], *, term: str | None = None, description: str | None = None
) -> Extra:
    """Return a group of entries with different keys; what is one too many is left out, and the description says so."""
    kept = list(entries)
    if len(kept) > LARGEST_GROUP:
        note = f"the first {LARGEST_GROUP} of {len(kept)}, all are in record.json"
        kept, description = kept[:LARGEST_GROUP], _joined(description, note)
    return entry("dict", _different_keys(kept), key=key, term=term, description=description)


def sequence(
    key: str | None, entries: Iterable[Extra], *, term: str | None = None, description: str | None = None
) -> Extra:
    """Return a list of entries; what is one too many is left out, and the description says so."""
    kept = list(entries)
    if len(kept) > LONGEST_LIST:
        note = f"the first {LONGEST_LIST} of {len(kept)}, all are in record.json"
        kept, description = kept[:LONGEST_LIST], _joined(description, note)
    return entry("list", kept, key=key, term=term, description=description)


def field_entry(field: Field, value: Any, *, validated: bool = True) -> Extra:
    """Return the entry of a known field.

    Parameters
    ----------
    field
        What the value is.
    value
        A value of the field's type, None if there is none, or a text ``low:high`` for a range.
    validated
        Whether Kadi4Mat is to check later changes of the value.
    """
    if isinstance(value, str) and field.may_be_range:
        low, high = _ends(value)
        if low is None and high is None:
            return plain_entry(field.key, value, replace(field, type="str", unit=None))
        if low is not None and low == high:
            value = low
        else:
            ends = ((field, "minimum", low), (field, "maximum", high))
            inner = [
                field_entry(replace(of, key=name, may_be_range=False), end, validated=validated)
                for of, name, end in ends
            ]
            return group(field.key, inner, term=field.term, description=f"{field.description} (a range)")
    if not _fits(field, value):
        return plain_entry(field.key, value, replace(field, unit=None))
    made = plain_entry(field.key, value, field) if value is not None else _empty(field)
    if validated and field.validation() and made["type"] == field.type and field.allows(made["value"]):
        made["validation"] = field.validation()
    return made


def plain_entry(key: str | None, value: Any, field: Field | None = None, depth: int = 0) -> Extra:
    """Return the entry of any JSON value; what Kadi4Mat would refuse or change is written so that it does not.

    Parameters
    ----------
    key
        Its name, None for an element of a list.
    value
        None, a bool, number, text, date, list or mapping; NumPy's count as Python's.
    field
        Unit, term and description, where the value is known.
    depth
        How many groups and lists it lies in.
    """
    about: dict[str, Any] = {"key": key}
    if field is not None:
        about |= {"unit": field.unit, "term": field.term, "description": field.description}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping | list | tuple) and depth >= DEEPEST:
        value = json.dumps(value, ensure_ascii=True, default=str)
        about["description"] = _joined(about.get("description"), "written as JSON")
    if isinstance(value, Mapping):
        inner = [plain_entry(str(name), part, depth=depth + 1) for name, part in value.items()]
        return group(key, inner, term=about.get("term"), description=about.get("description"))
    if isinstance(value, list | tuple):
        inner = [plain_entry(None, part, depth=depth + 1) for part in value]
        return sequence(key, inner, term=about.get("term"), description=about.get("description"))
    if isinstance(value, datetime):
        return entry("date", value.astimezone(UTC).isoformat(), **about)
    if value is None:
        return entry("str", None, **about)
    if isinstance(value, bool):
        return entry("bool", value, **about)
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        # A float field keeps its type for whole numbers, or a search by type would miss them.
        return entry("float", float(value), **about) if _is_float(field) else entry("int", int(value), **about)
    if isinstance(value, float) and math.isfinite(value):
        return entry("float", float(value), **about)
    text, note = exact_text(value.isoformat() if isinstance(value, date) else str(value))
    return entry("str", text, **{**about, "description": _joined(about.get("description"), note)})


def same(ours: Sequence[Extra], theirs: Any) -> bool:
    """Tell whether extra metadata that Kadi4Mat returned is what was sent; it adds empty units and sorts nothing."""
    return _canonical(list(ours)) == _canonical(theirs)


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _canonical(part)
            for name, part in value.items()
            if part is not None or name in ("value", "min", "max")
        }
    return [_canonical(part) for part in value] if isinstance(value, list) else value


def _empty(field: Field) -> Extra:
    return entry(field.type, None, key=field.key, unit=field.unit, term=field.term, description=field.description)


def _is_float(field: Field | None) -> bool:
    return field is not None and field.type == "float"


def _fits(field: Field, value: Any) -> bool:
    """Tell whether `value` has the type of `field`; only then do its unit and term belong to it."""
    if value is None:
        return True
    if isinstance(value, bool):
        return field.type == "bool"
    if field.type == "date":
        return isinstance(value, datetime)
    kinds: dict[str, Any] = {"str": str, "int": int, "float": int | float, "bool": bool}
    return isinstance(value, kinds[field.type])


def _ends(text: str) -> tuple[float | None, float | None]:
    """Return both ends of ``low:high``, each None where it is open; twice the number of a text that is a number."""
    number = _number(text)
    if number is not None:
        return number, number
    match = _RANGE.fullmatch(text)
    return (_number(match["low"]), _number(match["high"])) if match else (None, None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _joined(description: str | None, note: str | None) -> str | None:
    return "; ".join(part for part in (description, note) if part) or None


def _different_keys(entries: list[Extra]) -> list[Extra]:
    """Return the entries with a number behind every key that is already taken; Kadi4Mat refuses two of the same."""
    taken: set[str] = set()
    for made in entries:
        key, number = made["key"], 2
        while made["key"] in taken:
            made["key"] = f"{shorten(key, LONGEST_KEY - 8)} ({number})"
            number += 1
        taken.add(made["key"])
    return entries
