"""Running one command: without a shell, in a process group of its own, with its messages in a log."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from kadi_battgen.errors import UserError

#: Seconds that a command gets to end itself after Ctrl-C, then after being asked again.
_GRACE = (10.0, 5.0)
_TAIL = 2**16


class Terminated(KeyboardInterrupt):
    """The run was asked to end by a signal, as by Ctrl-C.

    Attributes
    ----------
    status
        The exit status that says so to a shell.
    """

    status = 128 + signal.SIGTERM


@contextmanager
def ending_on_request() -> Iterator[None]:
    """Treat the signal that asks a process to end (SIGTERM) as Ctrl-C, so that it ends its command first."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_command(
    argv: Sequence[str],
    *,
    folder: Path,
    log: Path,
    output: Path,
    stdin: Path | None = None,
    environment: Mapping[str, str] | None = None,
    keep_open: int | None = None,
    detached: bool = False,
    started: Callable[[int], None] = lambda pid: None,
) -> int | None:
    """Run a command and return its exit status; negative if a signal ended it.

    Parameters
    ----------
    argv
        The command, word by word.
    folder
        Where it runs.
    log
        File that its messages (standard error) are appended to.
    output
        File that what it prints is written to.
    stdin
        File that it reads; nothing by default.
    environment
        Its environment variables; by default those of this process.
    keep_open
        File descriptor that it inherits.
    detached
        Whether to go on without waiting, and return None.
    started
        Is told its process number.

    Raises
    ------
    UserError
        If it cannot be started.
    KeyboardInterrupt
        If this process is asked to end; the command has ended before.
    """
    with ExitStack() as files:
        messages = files.enter_context(log.open("ab"))
        printed = files.enter_context(output.open("wb"))
        given: Any = files.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=given,
                stdout=printed,
                stderr=messages,
                cwd=folder,
                env=None if environment is None else dict(environment),
                start_new_session=True,
                pass_fds=() if keep_open is None else (keep_open,),
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UserError(f"{argv[0]} cannot be started ({reason}): check what it is given.") from error
    try:
        started(process.pid)
        if detached:
            # Nobody waits for it; without this, the interpreter would complain that nobody does.
            process.returncode = 0
            return None
        return process.wait()
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all processes it started; an impatient second Ctrl-C kills them at once."""
    try:
        for number, seconds in zip((signal.SIGINT, signal.SIGTERM), _GRACE, strict=True):
            _signal_group(process.pid, number)
            if _has_ended(process.pid, seconds):
                break
    except KeyboardInterrupt:
        pass
    finally:
        # The number of the group is the command's own as long as nobody has asked for its exit status.
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _has_ended(pid: int, seconds: float) -> bool:
    """Tell whether a child ends within some seconds, without asking for its exit status."""
    until = time.monotonic() + seconds
    while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def last_message(log: Path, start: int = 0) -> str:
    """Return the last line that a command wrote to its log, "" if it wrote none.

    Parameters
    ----------
    log
        The log.
    start
        Where the command's own messages begin, in bytes.
    """
    with log.open("rb") as stream:
        stream.seek(max(start, log.stat().st_size - _TAIL))
        lines = stream.read().decode("utf-8", "replace").replace("\r", "\n").splitlines()
    found = [line.strip() for line in lines if line.strip()]
    return found[-1][:500] if found else ""
