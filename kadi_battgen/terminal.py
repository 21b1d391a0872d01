"""What a person at a terminal gets: how much is said, whether in colour, and sizes and times as people read them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from itertools import pairwise
from typing import TextIO


class Verbosity(IntEnum):
    """How much is said on standard error; results go to standard output at every level."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


_verbosity: ContextVar[Verbosity] = ContextVar("verbosity", default=Verbosity.NORMAL)

#: Seconds of the units of time, from the largest one down.
_TIMES = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))

#: Prefixes of sizes in bytes, a factor of 1000 apart as on disks and in file managers.
_SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB")


def verbosity() -> Verbosity:
    """Return how much is said at present."""
    return _verbosity.get()


@contextmanager
def at_verbosity(level: Verbosity | None) -> Iterator[None]:
    """Say as much as `level` asks for within a ``with`` block; None leaves it as it is."""
    token = _verbosity.set(_verbosity.get() if level is None else level)
    try:
        yield
    finally:
        _verbosity.reset(token)


def uses_colour(stream: TextIO | None = None) -> bool:
    """Tell whether text on a stream may have colours.

    Only on a terminal that can show them, and not where ``NO_COLOR`` is set to anything (https://no-color.org).

    Parameters
    ----------
    stream
        By default standard error.
    """
    target = sys.stderr if stream is None else stream
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and target.isatty()


def readable_time(seconds: float) -> str:
    """Return a duration in its two largest units, such as ``2 h 5 min``; below ten seconds with one decimal."""
    if seconds < 0.05:
        return "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    # In the largest unit that it reaches, once it is rounded to the unit below that one.
    for (length, unit), (below, smaller) in pairwise(_TIMES):
        count, rest = divmod(round(whole / below), length // below)
        if count:
            return f"{count} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def readable_size(count: float) -> str:
    """Return a number of bytes with three digits at least where it has them, such as ``1.53 GB``."""
    size, prefix = float(count), 0
    while size >= 999.5 and prefix < len(_SIZES) - 1:
        size, prefix = size / 1000, prefix + 1
    if prefix == 0:
        return f"{count:.0f} byte{'s' * (round(count) != 1)}"
    digits = 2 if size < 9.995 else 1 if size < 99.95 else 0
    return f"{size:.{digits}f} {_SIZES[prefix]}"
