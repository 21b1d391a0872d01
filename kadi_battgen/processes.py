"""Processes of this machine: what identifies one, whether it is still there, and ending it and no other."""

from __future__ import annotations

import hashlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

#: Seconds that a killed process may take to disappear.
_KILL_SECONDS = 10.0


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that no later process with the same number is taken for.

    Attributes
    ----------
    pid
        Its number.
    started
        Its start in clock ticks since the machine's.
    boot
        What :func:`boot_digest` returned on its side.
    """

    pid: int
    started: int
    boot: str | None

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """Return the identity of the live process `pid`, None if there is none."""
        started = process_start(pid)
        return None if started is None else cls(pid, started, boot_digest())

    def is_running(self) -> bool:
        """Tell whether this very process lives, as far as can be seen from here."""
        return self.boot == boot_digest() and process_start(self.pid) == self.started

    def end(self, ending: signal.Signals = signal.SIGTERM, patience: float = 10.0) -> None:
        """End the process and wait until it is gone; do nothing if it already is.

        Parameters
        ----------
        ending
            The signal that asks it to end.
        patience
            Seconds until it is killed.
        """
        try:
            # The handle stays with the process it was opened for, whatever happens to the number afterwards.
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.is_running():
                return
            gone = select.poll()
            gone.register(handle, select.POLLIN)
            for number, seconds in ((ending, patience), (signal.SIGKILL, _KILL_SECONDS)):
                signal.pidfd_send_signal(handle, number)
                if gone.poll(seconds * 1000):
                    return
        except ProcessLookupError:
            return
        finally:
            os.close(handle)


def boot_digest() -> str | None:
    """Return a digest that two processes share exactly if they can see each other; it tells nothing about the host."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return None
    return hashlib.sha256(f"kadi-battgen {boot} {namespace}".encode()).hexdigest()[:32]


def process_start(pid: int) -> int | None:
    """Return the start of a live process in clock ticks since boot, None if there is none (or only a zombie)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the program's name in parentheses, may hold spaces and parentheses itself.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
