"""The state of a run in a file, from which the run goes on as if it had never stopped."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.sei.chemistry import SeiModel

if TYPE_CHECKING:
    from kadi_battgen.sei.state import EngineState

_SCHEMA: Final = "kadi-battgen/sei-checkpoint/1"

#: Fields of a model that may differ when a run goes on.
_CAPS: Final = {"max_events", "max_time"}


def write_checkpoint(path: str | os.PathLike[str], state: EngineState, model: SeiModel, seed: int) -> None:
    """Write a state to `path` (NumPy's npz, without pickle), all of it or nothing.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    arrays = dict(state._asdict())
    # Beyond its length a list holds nothing.
    arrays["events"] = np.concatenate([state.events[p, :length] for p, length in enumerate(state.event_count)])
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, about=np.array(json.dumps(_about(model, seed))), **arrays)


def read_checkpoint(path: str | os.PathLike[str], model: SeiModel, seed: int) -> EngineState | None:
    """Return the state in a file, or None where there is none yet.

    Raises
    ------
    UserError
        If the file is no checkpoint, or one of another model or seed.
    """
    from kadi_battgen.sei.state import EngineState, empty_state

    source = Path(path)
    if not source.exists():
        return None
    fresh = empty_state(model, seed)
    try:
        with np.load(source, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            stored = {name: file[name] for name in EngineState._fields}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{source} is no checkpoint of an SEI simulation: name another file, or remove it.") from error
    if about != _about(model, seed):
        raise UserError(f"{source} belongs to another model, other barriers or another seed: name another file.")
    starts = np.concatenate([[0], np.cumsum(stored["event_count"])])
    for process, length in enumerate(stored["event_count"]):
        fresh.events[process, :length] = stored["events"][starts[process] : starts[process] + length]
    return EngineState(**{**stored, "events": fresh.events})


def _about(model: SeiModel, seed: int) -> dict[str, Any]:
    """Return what has to be the same for a run to go on."""
    return {"schema": _SCHEMA, "seed": int(seed), "model": model.model_dump(mode="json", exclude=_CAPS)}
