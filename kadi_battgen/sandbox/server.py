"""A Kadi4Mat of one's own on this machine: up, down, and what it is like at present."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.processes import ProcessIdentity
from kadi_battgen.sandbox.connection import Connection
from kadi_battgen.sandbox.environment import Environment
from kadi_battgen.sandbox.folder import FIRST_USER, Account, Folder, Memory, default_folder
from kadi_battgen.sandbox.locking import locked
from kadi_battgen.sandbox.plugin import link_plugin
from kadi_battgen.sandbox.ports import open_listener
from kadi_battgen.sandbox.reporting import Report, silent
from kadi_battgen.sandbox.services import ENDINGS, GROUPS, Service, Services, answers, last_lines
from kadi_battgen.sandbox.users import add_user

#: Seconds that the processes of one group may take until they are ready.
PATIENCE = 180.0


@dataclass(frozen=True)
class SandboxStatus:
    """What a sandbox is like at present.

    Attributes
    ----------
    folder
        Where everything lies.
    environment
        Where Kadi4Mat's virtual environment lies.
    host
        Address of the web server, None before the first start.
    processes
        Number of each process, None for one that does not run.
    answers
        Whether Kadi4Mat answers and knows the user's token.
    versions
        Versions of Kadi4Mat and of the packages that carry its servers.
    """

    folder: Path
    environment: Path
    host: str | None
    processes: dict[str, int | None]
    answers: bool
    versions: dict[str, str]

    @property
    def is_up(self) -> bool:
        """Whether all processes run and Kadi4Mat answers."""
        return self.answers and all(pid is not None for pid in self.processes.values())


class Sandbox:
    """A real Kadi4Mat with database, queue, worker and users in one folder, listening on loopback alone.

    Parameters
    ----------
    folder
        Where everything lies; by default :func:`~kadi_battgen.sandbox.folder.default_folder`.
    environment
        Folder of Kadi4Mat's virtual environment; by default in `folder`. Sandboxes may share one.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, environment: str | os.PathLike[str] | None = None
    ) -> None:
        self.folder = Folder(default_folder() if folder is None else folder)
        self._environment = environment
        # Kept so that those that end are waited for while this process lives.
        self._children: list[subprocess.Popen[str]] = []

    def __repr__(self) -> str:
        return f"Sandbox({str(self.folder.path)!r})"

    def up(self, port: int | None = None, report: Report = silent) -> Connection:
        """Bring the sandbox up, with the data that it has; do nothing if it is up.

        Parameters
        ----------
        port
            Port of the web server; by default the one it had before if that is free, else any.
        report
            Told each step.

        Returns
        -------
        Connection
            How its first user reaches it.

        Raises
        ------
        UserError
            If it does not come up; nothing that was started is left then.
        """
        # Before the lock, too, which is a file: nothing is left where nothing may be done.
        self.folder.require_usable()
        with locked(self.folder.path, report):
            memory = self._remember()
            former = self.folder.load_processes()
            if self._is_up(memory, former):
                if port not in (None, memory.port):
                    raise UserError(
                        f"The sandbox in {self.folder.path} is up on port {memory.port}: take it down first."
                    )
                report(f"already up: {memory.host}")
                return memory.connection(FIRST_USER)
            environment = Environment(memory.environment)
            environment.ensure(report)
            self._end(former)
            with open_listener(port, memory.port) as listener:
                memory.port = listener.port
                self.folder.save(memory)
                self._prepare_folders()
                self._start(Services(self.folder, environment, memory, listener), report)
            report(f"up: {memory.host}")
            return memory.connection(FIRST_USER)

    def status(self) -> SandboxStatus:
        """Return what the sandbox is like at present.

        Raises
        ------
        UserError
            If there is no sandbox in the folder.
        """
        memory = self.folder.load()
        processes = self.folder.load_processes()
        return SandboxStatus(
            folder=self.folder.path,
            environment=Path(memory.environment),
            host=None if memory.port is None else memory.host,
            processes={
                name: processes[name].pid if name in processes and processes[name].is_running() else None
                for name in ENDINGS
            },
            answers=memory.port is not None and answers(memory.connection(FIRST_USER)),
            versions=Environment(memory.environment).versions(),
        )

    def connection(self, username: str = FIRST_USER) -> Connection:
        """Return how a user reaches the sandbox.

        Raises
        ------
        UserError
            If there is no sandbox in the folder, it never was up, or has no such user.
        """
        memory = self.folder.load()
        if username not in memory.accounts or memory.port is None:
            raise UserError(f"The sandbox in {self.folder.path} has no user {username!r}.")
        return memory.connection(username)

    def create_user(self, username: str, report: Report = silent) -> Connection:
        """Make another user, with a password and a token; do nothing if the sandbox has made this one already.

        Parameters
        ----------
        username
            Three characters or more: small letters, digits, hyphens and underscores.
        report
            Told if this has to wait.

        Returns
        -------
        Connection
            How this user reaches the sandbox.

        Raises
        ------
        UserError
            If the sandbox is not up, or Kadi4Mat does not take the name.
        """
        self.folder.require()
        with locked(self.folder.path, report):
            memory = self.folder.load()
            if username not in memory.accounts:
                if not self._is_up(memory, self.folder.load_processes()):
                    raise UserError(f"The sandbox in {self.folder.path} is not up: bring it up before making users.")
                account = Account.new()
                add_user(self.folder, Environment(memory.environment), username, account)
                memory.accounts[username] = account
                self.folder.save(memory)
            return memory.connection(username)

    def down(self, delete: bool = False, report: Report = silent) -> None:
        """Take the sandbox down, and no process that it did not start.

        Parameters
        ----------
        delete
            Remove its folder too, with all data. An environment elsewhere stays.
        report
            Told if this has to wait.

        Raises
        ------
        UserError
            If there is no sandbox in the folder.
        """
        self.folder.load()
        with locked(self.folder.path, report):
            self.folder.load()
            self._end(self.folder.load_processes())
            if delete:
                shutil.rmtree(self.folder.path)

    def _remember(self) -> Memory:
        self.folder.require_usable()
        memory = self.folder.load() if self.folder.exists() else Memory(environment=str(self.folder.environment))
        if self._environment is not None:
            memory.environment = str(Environment(self._environment).folder)
        self.folder.save(memory)
        return memory

    def _prepare_folders(self) -> None:
        folder = self.folder
        shutil.rmtree(folder.temporary, ignore_errors=True)
        for path in (folder.configuration, folder.queue, folder.storage, folder.uploads, folder.temporary, folder.logs):
            path.mkdir(mode=0o700, exist_ok=True)
        link_plugin(folder.plugins)

    def _is_up(self, memory: Memory, processes: dict[str, ProcessIdentity]) -> bool:
        return (
            memory.port is not None
            and all(name in processes and processes[name].is_running() for name in ENDINGS)
            and answers(memory.connection(FIRST_USER))
        )

    def _start(self, services: Services, report: Report) -> None:
        processes: dict[str, ProcessIdentity] = {}
        try:
            for group in services.groups():
                report(f"starting {' and '.join(service.name for service in group)}")
                for service in group:
                    child = services.start(service)
                    self._children.append(child)
                    identity = ProcessIdentity.of(child.pid)
                    if identity is not None:
                        processes[service.name] = identity
                        self.folder.save_processes(processes)
                self._wait(group, processes)
        except BaseException:
            self._end(processes)
            raise

    def _wait(self, group: list[Service], processes: dict[str, ProcessIdentity]) -> None:
        end = time.monotonic() + PATIENCE
        waiting = list(group)
        while waiting:
            for service in waiting:
                log = self.folder.logs / f"{service.name}.log"
                if service.name not in processes or not processes[service.name].is_running():
                    raise UserError(f"The sandbox's {service.name} ended at its start ({last_lines(log)}): see {log}.")
                if time.monotonic() > end:
                    raise UserError(
                        f"The sandbox's {service.name} was not ready after {PATIENCE:.0f} s ({last_lines(log)}): see {log}."
                    )
            waiting = [service for service in waiting if not service.is_ready()]
            if waiting:
                time.sleep(0.1)

    def _end(self, processes: dict[str, ProcessIdentity]) -> None:
        with ThreadPoolExecutor() as threads:
            for group in reversed(GROUPS):
                ended = [threads.submit(processes[name].end, ENDINGS[name]) for name in group if name in processes]
                wait(ended)
                for each in ended:
                    each.result()
        self.folder.processes_file.unlink(missing_ok=True)
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=1)
        self._children = [child for child in self._children if child.returncode is None]
