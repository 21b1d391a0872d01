"""One command at a time on a folder, whichever processes they run in."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.sandbox.reporting import Report

#: Name of the lock's file in the folder that it guards.
LOCK = ".lock"


@contextlib.contextmanager
def locked(folder: Path, report: Report) -> Iterator[None]:
    """Hold the lock of `folder`, which is created for its owner alone if it is missing.

    Parameters
    ----------
    folder
        The folder to guard.
    report
        Told if another process holds the lock at present.

    Raises
    ------
    UserError
        If the folder cannot be created or written to.
    """
    while True:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UserError(f"{folder} cannot be used ({error.strerror}): name another folder.") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report(f"waiting for another command that works on {folder}")
                fcntl.flock(handle, fcntl.LOCK_EX)
            # The holder before may have removed the folder: then this is the lock of a file that is no more.
            if _is_same(handle, folder / LOCK):
                yield
                return
        finally:
            os.close(handle)


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
