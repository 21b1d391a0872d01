"""Progress bars on standard error, so that standard output stays free for results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress_bar(
    iterable: Iterable[Any] | None = None,
    *,
    total: int | None = None,
    description: str = "",
    unit: str = "it",
    enabled: bool = True,
) -> tqdm:
    """Return a tqdm bar on standard error.

    On a terminal it is redrawn ten times a second; in a log file a line is written every ten seconds at most. The
    environment variable ``BATTGEN_PROGRESS=0`` silences all bars.
    """
    interactive = sys.stderr.isatty()
    return tqdm(
        iterable,
        total=total,
        desc=description,
        unit=unit,
        file=sys.stderr,
        disable=not enabled or os.environ.get("BATTGEN_PROGRESS") == "0",
        mininterval=0.1 if interactive else 10.0,
        dynamic_ncols=interactive,
        ascii=None if interactive else True,
        leave=True,
    )
