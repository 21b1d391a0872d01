"""Turn configuration values into plain JSON values that every store can hold unchanged."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from kadi_battgen.errors import UserError

#: Largest integer that JSON readers (and Kadi4Mat) keep exactly.
LARGEST_INTEGER = 2**53 - 1


def plain_values(value: Any, field: str = "configuration") -> Any:
    """Return `value` as JSON values (None, bool, int, float, str, list, dict with text keys).

    Takes mappings, sequences, sets (sorted), data classes, pydantic models, enumerations, paths, dates and NumPy
    scalars and arrays.

    Parameters
    ----------
    value
        What to convert.
    field
        Where it stands, for error messages.

    Raises
    ------
    UserError
        If a number is not finite or an integer is beyond 2^53 - 1, which no JSON reader keeps, or two keys become the
        same text.
    TypeError
        If a value is of another kind.
    """
    if isinstance(value, enum.Enum):
        return plain_values(value.value, field)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise UserError(f"{field} is {value}, beyond 2^53 - 1: give a smaller integer.")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UserError(f"{field} is {value}, which a record cannot hold: give a finite number or leave it out.")
        return float(value)
    if isinstance(value, BaseModel):
        return plain_values(value.model_dump(), field)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # Not asdict, which copies deeply and fails on what cannot be copied.
        return {
            entry.name: plain_values(getattr(value, entry.name), f"{field}.{entry.name}")
            for entry in dataclasses.fields(value)
        }
    if isinstance(value, PurePath | datetime | date):
        return value.isoformat() if isinstance(value, date) else str(value)
    if isinstance(value, Mapping):
        plain = {str(key): plain_values(entry, f"{field}.{key}") for key, entry in value.items()}
        if len(plain) < len(value):
            raise UserError(f"{field} has two keys with the same text: rename one of {sorted(plain)}.")
        return plain
    if isinstance(value, set | frozenset):
        return sorted(plain_values(entry, field) for entry in value)
    if isinstance(value, list | tuple):
        return [plain_values(entry, f"{field}[{index}]") for index, entry in enumerate(value)]
    if hasattr(value, "tolist"):  # NumPy scalars and arrays, without importing NumPy
        return plain_values(value.tolist(), field)
    raise TypeError(f"{field} is a {type(value).__name__}: a record holds JSON values only.")
