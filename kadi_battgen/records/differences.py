"""How far values are apart: numbers within a tolerance, everything else exactly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: Bytes of a data set that are compared at a time.
_BLOCK = 64 * 1024 * 1024
_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")


@dataclass(frozen=True)
class Tolerance:
    """How far apart numbers may be that count as the same.

    Attributes
    ----------
    relative
        As a fraction of the recorded number; in an array or a column, of the largest magnitude in it, since a value
        near zero beside large ones has no more digits than they have. The default lets pass what another order of
        sums leaves in single precision (ten roundings). Whole numbers, such as counts and seeds, have none.
    absolute
        Added to it, for numbers that are zero but for rounding in double precision.
    """

    relative: float = 1e-6
    absolute: float = 1e-12

    def limit(self, scale: float) -> float:
        """Return the largest difference of numbers whose magnitude is `scale`."""
        return self.absolute + self.relative * scale


@dataclass(frozen=True)
class ContentDifference:
    """How far the values of two files are apart.

    Attributes
    ----------
    agrees
        Whether all are the same within the tolerance.
    where
        What differs most, such as a column; empty where nothing does.
    difference
        How far its numbers are apart, in their own unit; None where something else than a number differs.
    relative
        The same as a fraction of their magnitude; None where that is zero.
    reason
        What differs beside numbers; empty if nothing does.
    """

    agrees: bool
    where: str = ""
    difference: float | None = None
    relative: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"{self.where}: {self.reason}" if self.where else self.reason
        if self.difference is None:
            return ""
        fraction = "" if self.relative is None else f", {self.relative:.2g} of the magnitude"
        return f"largest difference {self.difference:.3g}{fraction}{f' ({self.where})' if self.where else ''}"


class Differences:
    """Collects the differences of two files and keeps the worst.

    Parameters
    ----------
    tolerance
        Of numbers.
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._worst = -1.0
        self._number: tuple[str, float, float | None] | None = None
        self._other: tuple[str, str] | None = None

    def other(self, where: str, reason: str) -> None:
        """Note that something else than a number differs; the first such place is kept."""
        self._other = self._other or (where, reason)

    def shared_names(self, where: str, recorded: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
        """Return the names that both have, and note those that one of them lacks."""
        for name in sorted(set(recorded) ^ set(again)):
            self.other(where, f"{name} {'is gone' if name in recorded else 'is new'}")
        return [name for name in recorded if name in again]

    def number(self, where: str, difference: float, scale: float, *, whole: bool = False) -> None:
        """Note how far numbers are apart whose largest magnitude is `scale`; whole ones have no tolerance."""
        if math.isnan(difference):
            self.other(where, "a number is undefined in one of the two")
            return
        limit = 0.0 if whole else self._tolerance.limit(scale)
        excess = difference / limit if limit else math.inf if difference else 0.0
        if excess > self._worst:
            self._worst = excess
            self._number = (where, difference, difference / scale if scale else None)

    def values(self, where: str, recorded: Sequence[float], again: Sequence[float]) -> None:
        """Compare numbers that belong together."""
        pairs = list(zip(recorded, again, strict=True))
        for whole in (True, False):
            chosen = [(a, b) for a, b in pairs if (isinstance(a, int) and isinstance(b, int)) is whole]
            apart = [0.0 if a == b or (a != a and b != b) else abs(a - b) for a, b in chosen]
            scale = max((abs(a) for a, _ in chosen if math.isfinite(a)), default=0.0)
            self.number(where, max(apart, key=_nan_last, default=0.0), scale, whole=whole)

    def text(self, where: str, recorded: str, again: str) -> None:
        """Compare texts, which may be JSON documents, numbers, or numbers that semicolons separate."""
        if recorded == again or (_CHECKSUM.fullmatch(recorded) and _CHECKSUM.fullmatch(again)):
            return
        first, second = numbers_in(recorded), numbers_in(again)
        if first is not None and second is not None and len(first) == len(second):
            self.values(where, first, second)
            return
        documents = _document_in(recorded), _document_in(again)
        if None not in documents:
            self.document(where, *documents)
        else:
            self.other(where, f"{_shortened(recorded)} is {_shortened(again)} now")

    def document(self, where: str, recorded: Any, again: Any) -> None:
        """Compare JSON values."""
        if isinstance(recorded, dict) and isinstance(again, dict):
            for key in self.shared_names(where, recorded, again):
                self.document(f"{where}.{key}" if where else key, recorded[key], again[key])
        elif isinstance(recorded, list) and isinstance(again, list):
            if len(recorded) != len(again):
                self.other(where, f"{len(recorded)} entries are {len(again)} now")
            elif all(_is_number(entry) for entry in (*recorded, *again)):
                self.values(where, recorded, again)
            else:
                for number, pair in enumerate(zip(recorded, again, strict=True)):
                    self.document(f"{where}[{number}]", *pair)
        elif _is_number(recorded) and _is_number(again):
            self.values(where, [recorded], [again])
        elif isinstance(recorded, str) and isinstance(again, str):
            self.text(where, recorded, again)
        elif recorded != again or type(recorded) is not type(again):
            self.other(where, f"{_shortened(recorded)} is {_shortened(again)} now")

    def array(self, where: str, recorded: Any, again: Any) -> None:
        """Compare two arrays, or two data sets that are read block by block."""
        import numpy as np

        if recorded.shape != again.shape:
            self.other(where, f"the shape {recorded.shape} is {again.shape} now")
            return
        names, others = (dict.fromkeys(array.dtype.names or ()) for array in (recorded, again))
        if names or others:
            for name in self.shared_names(where, names, others):
                self.array(f"{where}.{name}", recorded[name], again[name])
            return
        kinds = {recorded.dtype.kind, again.dtype.kind}
        difference = scale = 0.0
        for block in _blocks(recorded):
            first, second = np.asarray(recorded[block]), np.asarray(again[block])
            if kinds <= set("biuf"):
                apart, magnitude = _apart(first, second)
                difference, scale = max(difference, apart, key=_nan_last), max(scale, magnitude)
            else:
                for a, b in zip(first.ravel().tolist(), second.ravel().tolist(), strict=True):
                    self.text(where, as_text(a), as_text(b))
        self.number(where, difference, scale, whole=kinds <= set("biu"))

    def summary(self) -> ContentDifference:
        """Return what was found."""
        if self._other is not None:
            return ContentDifference(False, self._other[0], reason=self._other[1])
        if self._number is None:
            return ContentDifference(True)
        where, difference, relative = self._number
        if math.isinf(difference):
            return ContentDifference(False, where, reason="a number is infinite in one of the two")
        return ContentDifference(self._worst <= 1, where, difference, relative)


def _blocks(array: Any) -> Iterator[Any]:
    """Yield selections that together cover an array, each of a size that fits into memory."""
    if not array.shape:
        yield ()
        return
    entry = array.dtype.itemsize * math.prod(array.shape[1:])
    rows = max(1, _BLOCK // max(1, entry))
    for start in range(0, array.shape[0], rows):
        yield slice(start, start + rows)


def _apart(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return the largest difference of two arrays and the largest magnitude of the first; NaN agrees with NaN."""
    import numpy as np

    if first.size == 0:
        return 0.0, 0.0
    a, b = first.astype(np.float64), second.astype(np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    finite = np.abs(a[np.isfinite(a)])
    return float(np.max(difference)), float(np.max(finite, initial=0.0))


def numbers_in(text: str) -> list[float] | None:
    """Return the numbers in a text of numbers that semicolons separate, None if it holds anything else."""
    try:
        return [int(word) if _WHOLE.fullmatch(word) else float(word) for word in text.split(";")]
    except ValueError:
        return None


def as_text(value: bytes | str | Any) -> str:
    """Return a value of a data set of texts as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _document_in(text: str) -> Any:
    """Return the object or list that a text spells in JSON, None if it spells none."""
    try:
        return json.loads(text) if text[:1] in ("{", "[") else None
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _shortened(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
