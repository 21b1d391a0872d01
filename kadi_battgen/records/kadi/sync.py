"""What is known of a local record's copies in Kadi4Mat: a small file beside the record, for every instance an entry."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from kadi_battgen.files import write_json
from kadi_battgen.records.model import State

#: Name of the file, in the folder of the record.
SYNC_FILE: Final = "kadi.json"

_SCHEMA: Final = "kadi-battgen/kadi-copies"


@dataclass(frozen=True)
class Copy:
    """The copy of a record on one instance, as of the last push.

    Attributes
    ----------
    id
        Its number there.
    state
        State of the run that it tells of.
    metadata
        Digest of what was written; what people have changed there since is left as it is.
    complete
        Whether all files and links are there.
    """

    id: int
    state: State
    metadata: str
    complete: bool = False


def read_copy(folder: Path, address: str) -> Copy | None:
    """Return what is known of the copy of the record in `folder` on the instance at `address`, None if nothing is."""
    fields = _read(folder).get(address)
    if isinstance(fields, dict):
        # A damaged file costs a few requests, no more.
        with contextlib.suppress(TypeError):
            return Copy(**fields)
    return None


def write_copy(folder: Path, address: str, copy: Copy) -> None:
    """Write down what is on the instance at `address` now."""
    if read_copy(folder, address) != copy:
        copies = {**_read(folder), address: asdict(copy)}
        write_json(folder / SYNC_FILE, {"schema": _SCHEMA, "version": 1, "copies": copies})


def _read(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / SYNC_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    copies = document.get("copies") if isinstance(document, dict) and document.get("schema") == _SCHEMA else None
    return copies if isinstance(copies, dict) else {}
