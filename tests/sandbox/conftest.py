"""What the tests of the sandbox look at: its processes, and what they show to others."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kadi_battgen.sandbox import Sandbox


@pytest.fixture
def kadi_manager():
    """Return a function that opens a connection with kadi-apy."""
    from kadi_apy import KadiManager

    opened = []

    def connect(connection):
        manager = KadiManager(host=connection.host, pat=connection.token)
        opened.append(manager)
        return manager

    yield connect
    for manager in opened:
        manager._session.close()


@pytest.fixture
def new_sandbox(kadi_environment):
    """Return a function that makes a sandbox, which is taken down and removed if the test has not done so."""
    made = []

    def make(folder: Path | None) -> Sandbox:
        made.append(Sandbox(folder, kadi_environment))
        return made[-1]

    yield make
    for sandbox in made:
        if sandbox.folder.exists():
            sandbox.down(delete=True)


@pytest.fixture
def processes_of():
    """Return a function that finds all processes that run in a folder or have files in it open."""

    def find(folder: Path) -> set[int]:
        return {
            pid
            for pid in _processes()
            if pid != os.getpid() and any(path.startswith(str(folder)) for path in _open_files(pid))
        }

    return find


@pytest.fixture
def listening_addresses():
    """Return a function that lists the addresses that processes listen on, from the kernel's tables."""

    def find(pids: set[int]) -> dict[int, set[tuple[str, int]]]:
        addresses = _listening_sockets()
        return {pid: {addresses[inode] for inode in _sockets(pid) if inode in addresses} for pid in pids}

    return find


class CommandLines(threading.Thread):
    """Collects the command lines and the environments of all processes until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.05):
            self.look()

    def look(self) -> None:
        for pid in _processes() - {os.getpid()}:
            self.seen |= {_read(pid, "cmdline"), _read(pid, "environ")}

    def stop(self) -> set[bytes]:
        """Return what has been seen."""
        self.stopped.set()
        self.join()
        return self.seen


@pytest.fixture
def command_lines() -> Iterator[CommandLines]:
    thread = CommandLines()
    thread.start()
    yield thread
    thread.stop()


def _processes() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _open_files(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for entry in (Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()):
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(entry)


def _sockets(pid: int) -> set[str]:
    return {path[len("socket:[") : -1] for path in _open_files(pid) if path.startswith("socket:[")}


def _listening_sockets() -> dict[str, tuple[str, int]]:
    listening = "0A"
    found = {}
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening:
                address, port = fields[1].split(":")
                # Groups of four bytes, each in the machine's order.
                raw = b"".join(bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8))
                found[fields[9]] = (socket.inet_ntop(family, raw), int(port, 16))
    return found
