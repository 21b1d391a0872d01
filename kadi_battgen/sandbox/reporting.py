"""How the sandbox tells what it is doing."""

from __future__ import annotations

from collections.abc import Callable

#: Called with one line for people.
Report = Callable[[str], None]


def silent(line: str) -> None:
    """Say nothing."""
