"""What a cleaned collection tells of its cleaning, as it goes on to campaigns and data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Field of a collection's metadata that lists its cleanings, the latest last.
CLEANING = "cleaning"

#: Field of a cleaning with the constants that its steps took from the data.
CONSTANTS = "constants"


def without_constants(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a collection without the fitted constants of its cleanings.

    Those may be large (whole trees of an isolation forest) and stay with the cleaned electrodes; configuration, counts
    and the checksum of the audit go on.
    """
    plain = dict(metadata)
    if CLEANING in plain:
        plain[CLEANING] = [
            {name: value for name, value in cleaning.items() if name != CONSTANTS} for cleaning in plain[CLEANING]
        ]
    return plain
