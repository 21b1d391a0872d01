"""What a run has done so far, so that it can go on after anything that ended it.

The journal is a file of lines that only grows: a line that is complete was written, one that is not never happened.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.processes import ProcessIdentity

_JOURNAL, _LOCK = "journal.jsonl", "lock"
_FORMAT = 1
#: Files that a run leaves beside its journal.
_LEFT = re.compile(r"[0-9]{3,}-[a-z0-9-]+\.(?:log|out)")
#: Seconds that the command of a killed run may take to end.
_PATIENCE = 10.0


class Journal:
    """The journal of a run; only one process at a time has it.

    Parameters
    ----------
    folder
        Where it lies, with the logs.
    flow, inputs
        Digests of what is run; a journal of anything else is not continued.
    resume
        Whether to go on with what the journal has, instead of beginning anew.

    Raises
    ------
    UserError
        If there is nothing to go on with, or something else was run, or the folder is in use.
    """

    def __init__(self, folder: Path, flow: str, inputs: str, resume: bool) -> None:
        self.folder = folder
        self._head = {"journal": _FORMAT, "flow": flow, "inputs": inputs}
        self._entries: dict[str, dict[str, Any]] = {}
        path = folder / _JOURNAL
        if resume and not path.is_file():
            raise UserError(f"{folder} holds no run to go on with: run the workflow without --resume.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UserError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error
        try:
            self._acquire(path)
            if resume:
                self._read(path)
            else:
                self._clear()
            self._file = path.open("ab")
        except BaseException:
            os.close(self._lock)
            raise
        if not resume:
            self._append(self._head)
        self._append({"runner": _identity(os.getpid())})

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        os.close(self._lock)

    @property
    def lock(self) -> int:
        """File descriptor that a command keeps open, so that no other run begins before it has ended."""
        return self._lock

    def finished(self, key: str) -> Mapping[str, Any] | None:
        """Return what was noted of a step when it was done, None if it was not."""
        return self._entries.get(f"done {key}")

    def begun(self, key: str) -> Mapping[str, Any] | None:
        """Return what was noted of a step when it was begun, None if it was not."""
        return self._entries.get(f"begun {key}")

    def begin(self, key: str, **facts: Any) -> None:
        """Note that a step begins."""
        self._note("begun", key, facts)

    def finish(self, key: str, **facts: Any) -> None:
        """Note that a step is done."""
        self._note("done", key, facts)

    def command(self, pid: int) -> None:
        """Note the process that runs a command."""
        self._append({"command": _identity(pid)})

    def _note(self, what: str, key: str, facts: Mapping[str, Any]) -> None:
        self._entries[f"{what} {key}"] = dict(facts)
        self._append({what: key, **facts})

    def _append(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(f"{self._file.name} cannot be written ({error.strerror}): make room for it.") from error

    def _read(self, path: Path) -> None:
        lines = _lines(path)
        head = lines[0] if lines else {}
        if head.get("journal") != _FORMAT:
            raise UserError(f"{path} is no journal of this version: run the workflow without --resume.")
        for name in ("flow", "inputs"):
            if head.get(name) != self._head[name]:
                what = "workflow" if name == "flow" else "inputs"
                raise UserError(
                    f"{self.folder} holds a run with another {what}: give the same as then, or run without --resume."
                )
        for line in lines:
            for what in ("begun", "done"):
                if isinstance(key := line.get(what), str):
                    self._entries[f"{what} {key}"] = line
        # What a kill left half-written would spoil the next line.
        complete = path.read_bytes().rpartition(b"\n")[0]
        with path.open("r+b") as stream:
            stream.truncate(len(complete) + 1)

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name == _JOURNAL or _LEFT.fullmatch(path.name):
                path.unlink()

    def _acquire(self, path: Path) -> None:
        """Lock the folder; end a command that outlived a killed run, which would disturb its repetition."""
        until = time.monotonic() + _PATIENCE
        ended: set[int] = set()
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pass
            runner, command = (_last(path, what) for what in ("runner", "command"))
            if runner is not None and runner.is_running():
                raise UserError(f"{self.folder} is in use by process {runner.pid}: wait for it, or end it.")
            if command is not None and command.is_running():
                _end_group(command.pid, signal.SIGKILL if command.pid in ended else signal.SIGTERM)
                if time.monotonic() > until - _PATIENCE / 2:
                    ended.add(command.pid)
            if time.monotonic() > until:
                raise UserError(f"A command of the run in {self.folder} is still running: end it first.")
            time.sleep(0.1)


def output_facts(path: Path) -> dict[str, Any]:
    """Return by what the output of a step is recognised later."""
    return {"size": path.stat().st_size, "sha256": sha256_file(path)}


def is_unchanged(path: Path, facts: Mapping[str, Any]) -> bool:
    """Tell whether a file is the one that `facts` were noted of."""
    return path.is_file() and path.stat().st_size == facts.get("size") and sha256_file(path) == facts.get("sha256")


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the complete lines of a journal."""
    try:
        data = path.read_bytes()
        complete = data.rpartition(b"\n")[0]
        lines = [json.loads(line) for line in complete.splitlines()]
    except (OSError, ValueError):
        return []
    return lines if all(isinstance(line, dict) for line in lines) else []


def _identity(pid: int) -> dict[str, Any] | None:
    found = ProcessIdentity.of(pid)
    return None if found is None else {"pid": found.pid, "started": found.started, "boot": found.boot}


def _last(path: Path, what: str) -> ProcessIdentity | None:
    """Return the last process that a journal notes as `what`."""
    found = [line[what] for line in _lines(path) if isinstance(line.get(what), dict)]
    try:
        return ProcessIdentity(int(found[-1]["pid"]), int(found[-1]["started"]), found[-1]["boot"])
    except (LookupError, TypeError, ValueError):
        return None


def _end_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
