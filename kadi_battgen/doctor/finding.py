"""One thing that was looked at, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

#: ``ok``; ``absent`` where something that not everybody needs is not there; ``problem`` where something needed is not.
State = Literal["ok", "absent", "problem"]


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes
    ----------
    group
        What it belongs to, such as ``devices``.
    name
        What was looked at.
    state
        How it is.
    value
        What was found, with units.
    remedy
        The command or step that puts it right, where something is missing.
    """

    group: str
    name: str
    state: State
    value: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)


#: Looks at something and says what it found.
Check = Callable[[], list[Finding]]
