"""Values from files of others, made harmless: bounded, of plain types, and as short texts for people."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from kadi_battgen.kadi_plugin.limits import DEEPEST, LONGEST_TEXT, MOST_VALUES

#: Integers beyond it are no numbers in a browser.
_LARGEST_INTEGER: Final = 2**53 - 1

#: Names of fields that are more than words with underscores.
_NAMES: Final = {
    "kl": "Kullback–Leibler divergence",
    "dataset sha256": "SHA-256 of the data set",
    "unet": "U-Net",
    "weights sha256": "SHA-256 of the weights",
}

_SUBSCRIPTS: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS: Final = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def read_json(data: bytes | str) -> Any:
    """Return a JSON document, None if it is none or nests too deeply to be read."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def plain_text(value: Any, longest: int = LONGEST_TEXT) -> str:
    """Return a value as a text of at most `longest` characters, without what cannot be printed."""
    if isinstance(value, bytes):
        value = value[: longest * 4].decode("utf-8", "replace")
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        text = "a very large number"
    text = "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def number(value: Any) -> float | None:
    """Return a value as a finite number, None if it is none."""
    if isinstance(value, bool | None):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def shown(value: Any, digits: int = 4) -> str:
    """Return a value as people read it: yes and no, numbers with `digits` significant digits, a dash for nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _float(value, digits)
    if isinstance(value, int) and abs(value) <= _LARGEST_INTEGER:
        return f"{value:,}".replace(",", " ").replace("-", "−") if abs(value) >= 10000 else str(value).replace("-", "−")
    return plain_text(value)


def _float(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "infinite"
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    power = f" × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}" if exponent else ""
    return mantissa.replace("-", "−") + power


def with_unit(value: Any, unit: str, digits: int = 4) -> str:
    """Return a quantity as people read it; ``1`` is the unit of pure numbers."""
    text = shown(value, digits)
    if text == "–" or unit in ("", "1"):
        return text
    return f"{text} (fraction)" if unit == "fraction" else f"{text} {unit}"


def formula_label(formula: Any, longest: int = 60) -> str:
    """Return a chemical formula with subscripts: ``LiFePO4`` becomes LiFePO₄."""
    text = plain_text(formula, longest)
    return re.sub(r"(?<=[A-Za-z)\]])[\d.]+", lambda match: match[0].translate(_SUBSCRIPTS), text)


def label(name: str) -> str:
    """Return the name of a field as people read it: ``learning_rate`` becomes "Learning rate"."""
    text = plain_text(name, 80).replace("_", " ").strip()
    return _NAMES.get(text) or text[:1].upper() + text[1:]


def flatten(document: Any, budget: int = MOST_VALUES) -> Iterator[tuple[str, str]]:
    """Yield the values of a JSON document with their paths, lists of plain values in one; at most `budget` values.

    What nests more deeply than :data:`~kadi_battgen.kadi_plugin.limits.DEEPEST` is told of and left out.
    """
    left = [budget]

    def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        left[0] -= 1
        name = " › ".join(path)
        if left[0] < 0:
            return
        if len(path) > DEEPEST:
            yield name, "… (more inside)"
        elif isinstance(value, dict) and value:
            for key, part in value.items():
                yield from walk(part, (*path, label(str(key))))
        elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
            for position, part in enumerate(value[:budget], start=1):
                yield from walk(part, (*path, str(position)))
        elif isinstance(value, list):
            texts = [shown(part) for part in value[:33]]
            yield name, ", ".join(texts[:32]) + (f", … ({len(value)} in all)" if len(texts) > 32 else "") or "–"
        else:
            yield name, shown(value if value != {} else None)

    yield from walk(document, ())
