"""What an interrupted SEI campaign leaves: its finished batches, and a note that says which campaign they belong to."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, read_json, write_json

#: File in the folder of finished batches that says which campaign they belong to.
_REQUEST: Final = "campaign.json"


def campaign_key(request: Mapping[str, Any]) -> str:
    """Return the fingerprint of a campaign: SHA-256 of everything that decides what is in its file."""
    return hashlib.sha256(canonical(request).encode()).hexdigest()


def canonical(document: Any) -> str:
    """Return the one JSON text of a document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return in words the first thing in which the requests of two campaigns differ."""
    theirs, ours = _flat(found), _flat(wanted)
    for name in dict.fromkeys([*ours, *theirs]):
        if theirs.get(name) != ours.get(name):
            if name.endswith("barriers"):
                return "its barriers are others"
            return f"{name.rpartition('.')[2]} is {theirs.get(name)} there and {ours.get(name)} here"
    return "its key is another"


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in document.items():
        found.update(_flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return found


def finished_batches(folder: Path, request: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the ranges of runs that an interrupted campaign left, and make the folder if there is none.

    Broken files are removed.

    Parameters
    ----------
    folder
        The folder.
    request
        The campaign that is run now.

    Returns
    -------
    list of tuple of int
        First run and the one after the last run of each finished batch, in order.

    Raises
    ------
    UserError
        If the folder belongs to another campaign or cannot be made.
    """
    note = folder / _REQUEST
    if note.is_file():
        found = read_json(note)
        if found != json.loads(canonical(request)):
            raise UserError(
                f"{folder} holds the runs of an interrupted campaign of another design ({difference(found, request)}): "
                "name another output, or remove the folder."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be created ({error.strerror}): choose another output.") from error
    write_json(note, request)
    found_ranges: list[tuple[int, int]] = []
    for path in sorted(folder.glob("*.npz")):
        bounds = _complete_range(path)
        if bounds is not None and all(bounds[1] <= start or bounds[0] >= stop for start, stop in found_ranges):
            found_ranges.append(bounds)
        else:
            path.unlink(missing_ok=True)
    return sorted(found_ranges)


def _complete_range(path: Path) -> tuple[int, int] | None:
    """Return first and last run (exclusive) of a finished batch, None if it is broken."""
    try:
        start, stop = (int(part) for part in path.stem.split("-"))
        with zipfile.ZipFile(path) as archive:
            sound = archive.testzip() is None and "events.npy" in archive.namelist()
        with np.load(path, allow_pickle=False) as arrays:
            sound = sound and len(arrays["events"]) == stop - start
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return (start, stop) if sound else None


def keep_batch(folder: Path, start: int, stop: int, columns: Mapping[str, np.ndarray]) -> None:
    """Keep the data sets of the runs from `start` to before `stop`, all of them or nothing."""
    arrays: dict[str, Any] = {name.replace("/", "."): values for name, values in columns.items()}
    with atomic_path(folder / f"{start:09d}-{stop:09d}.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def kept_blocks(folder: Path) -> Iterator[dict[str, np.ndarray]]:
    """Yield the data sets of all finished batches, in the order of their runs."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            yield {name.replace(".", "/"): arrays[name] for name in arrays.files}
