"""The four processes of a sandbox: how each is started, known to be ready, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.sandbox.configuration import DATABASE, write_kadi_settings, write_redis_settings
from kadi_battgen.sandbox.connection import Connection
from kadi_battgen.sandbox.environment import Environment
from kadi_battgen.sandbox.folder import FIRST_USER, Folder, Memory
from kadi_battgen.sandbox.ports import Listener, free_port

#: The processes, in groups that can start together; each group needs the ones before.
GROUPS = (("database", "queue"), ("web", "worker"))

#: Which signal asks each process to end. PostgreSQL would wait for its clients to leave on SIGTERM.
ENDINGS = {
    "database": signal.SIGINT,
    "queue": signal.SIGTERM,
    "web": signal.SIGTERM,
    "worker": signal.SIGTERM,
}


@dataclass(frozen=True)
class Service:
    """A process to start.

    Attributes
    ----------
    name
        One of `ENDINGS`, and the name of its log.
    command
        Program and arguments.
    is_ready
        Tells, at any time after the start, whether it does its work.
    standard_input
        What it reads at its start.
    listener
        Sockets that it gets.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    standard_input: str = field(default="", repr=False)
    listener: Listener | None = None


class Services:
    """The processes of one start.

    Parameters
    ----------
    folder
        The sandbox's folder.
    environment
        Kadi4Mat's environment.
    memory
        What the sandbox remembers.
    listener
        Sockets of the web server.
    """

    def __init__(self, folder: Folder, environment: Environment, memory: Memory, listener: Listener) -> None:
        self.folder = folder
        self.environment = environment
        self.memory = memory
        self.listener = listener
        self.database_port = free_port()
        self.queue_port = free_port()
        write_redis_settings(folder, memory, self.queue_port)
        write_kadi_settings(folder, memory, self.database_port, self.queue_port)
        self.variables = process_variables(folder, environment)

    def groups(self) -> Iterator[list[Service]]:
        """Yield the processes of `GROUPS`, one group after the other."""
        self._initialise_database()
        make = {"database": self._database, "queue": self._queue, "web": self._web, "worker": self._worker}
        for group in GROUPS:
            yield [make[name]() for name in group]

    def start(self, service: Service) -> subprocess.Popen[str]:
        """Start a process in a session of its own, so that it outlives the terminal."""
        handles = service.listener.handles if service.listener else ()
        with open(self.folder.logs / f"{service.name}.log", "a", encoding="utf-8") as log:
            # What follows is of this start, whatever it says.
            log.write(f"--- started {datetime.now():%Y-%m-%d %H:%M:%S} ---\n")
            log.flush()
            process = subprocess.Popen(
                service.command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder.path,
                env=self.variables,
                pass_fds=handles,
                start_new_session=True,
                umask=0o077,
                text=True,
            )
        assert process.stdin is not None
        # A process that ended at once shows in its log why.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(service.standard_input)
        return process

    def _initialise_database(self) -> None:
        """Make the database's files if they are not there; a name of their own until they are all there."""
        if self.folder.database.is_dir():
            return
        unfinished = self.folder.database.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        command, owner = unprivileged()
        if owner is not None:
            os.chown(unfinished, *owner)
        log = self.folder.logs / "database.log"
        with open(log, "a", encoding="utf-8") as stream:
            done = subprocess.run(
                [
                    *command,
                    *(str(self.environment.postgres_programs / "initdb"), "--pgdata", str(unfinished)),
                    *("--username", DATABASE, "--pwfile", "/dev/stdin", "--auth", "scram-sha-256"),
                    *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"),
                ],
                input=self.memory.database_password,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=self.variables,
                cwd=self.folder.path,
                text=True,
                check=False,
            )
        if done.returncode:
            raise UserError(f"The database of the sandbox could not be made ({last_lines(log)}): see {log}.")
        unfinished.rename(self.folder.database)

    def _database(self) -> Service:
        pidfile = self.folder.database / "postmaster.pid"
        remove_stale_lock(pidfile)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.database_port),
            # The path of a socket may be too long for one.
            "unix_socket_directories": "",
            "shared_buffers": "32MB",
        }
        command = (
            *unprivileged()[0],
            *(str(self.environment.postgres_programs / "postgres"), "-D", str(self.folder.database)),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        )
        return Service("database", command, lambda: postgres_is_ready(pidfile, self.database_port))

    def _queue(self) -> Service:
        command = (str(self.environment.redis_server), str(self.folder.redis_settings))
        return Service("queue", command, lambda: _accepts_connections(self.queue_port))

    def _web(self) -> Service:
        accounts = {name: asdict(account) for name, account in self.memory.accounts.items()}
        return Service(
            "web",
            (*inside_command(self.environment), "serve", *map(str, self.listener.handles)),
            lambda: answers(self.memory.connection(FIRST_USER)),
            json.dumps(accounts),
            self.listener,
        )

    def _worker(self) -> Service:
        ready = self.folder.temporary / "worker-is-ready"
        ready.unlink(missing_ok=True)
        command = (*inside_command(self.environment), "work", self.memory.host, str(ready))
        return Service("worker", command, ready.exists)


def inside_command(environment: Environment) -> tuple[str, ...]:
    """Return the command that runs what :mod:`kadi_battgen.sandbox.inside` offers."""
    # Safe path: modules do not come from the folder that it runs in.
    return (str(environment.python), "-P", "-m", "kadi_battgen.sandbox.inside")


def process_variables(folder: Folder, environment: Environment) -> dict[str, str]:
    """Return the environment variables of the sandbox's processes: none of the user's, and no secret."""
    return {
        "PATH": os.pathsep.join((str(environment.python.parent), os.defpath)),
        # Not the user's: libraries read tokens and passwords for other servers there.
        "HOME": str(folder.path),
        "TMPDIR": str(folder.temporary),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(folder.plugins),
        "PYTHONUNBUFFERED": "1",
        "LD_LIBRARY_PATH": str(environment.magic_library),
        "MAGIC": str(environment.magic_library / "magic.mgc"),
        "KADI_ENV": "production",
        "KADI_CONFIG_FILE": str(folder.kadi_settings),
    }


def unprivileged() -> tuple[tuple[str, ...], tuple[int, int] | None]:
    """Return what a command needs in front so that it does not run as root, and the user and group it then runs as.

    PostgreSQL refuses to run as root. Where the user is root, the database belongs to the user nobody, who may pass
    through folders that are closed to others as root may, and nothing else.

    Raises
    ------
    UserError
        If the user is root and the program setpriv, which is part of util-linux, is missing.
    """
    if os.geteuid() != 0:
        return (), None
    import pwd

    program = shutil.which("setpriv")
    if program is None:
        raise UserError("PostgreSQL does not run as root: run the sandbox as another user, or install util-linux.")
    nobody = pwd.getpwnam("nobody")
    command = (
        *(program, f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", "--no-new-privs"),
        # Without this, access(2), by which PostgreSQL looks for its programs, would not count the capability.
        "--securebits=+no_setuid_fixup",
        *("--bounding-set=-all,+dac_override", "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"),
    )
    return command, (nobody.pw_uid, nobody.pw_gid)


def answers(connection: Connection) -> bool:
    """Tell whether Kadi4Mat answers at this address, and knows this token."""
    request = urllib.request.Request(
        f"{connection.host}/api/v1/users/me", headers={"Authorization": f"Bearer {connection.token}"}
    )
    # Whatever the user's settings say, a proxy has no business with a server on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return json.load(response)["identity"]["username"] == connection.username
    except (OSError, ValueError, KeyError, TypeError):
        return False


def last_lines(log: Path, number: int = 3) -> str:
    """Return the last lines of a log that say something, as one line."""
    try:
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ""
    return " / ".join([line for line in lines if line][-number:])


def _accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def postgres_is_ready(pidfile: Path, port: int) -> bool:
    """Tell whether the PostgreSQL that was started on `port` says so in its file, which a killed one leaves behind."""
    try:
        lines = pidfile.read_text(encoding="utf-8").splitlines()
        return (lines[3].strip(), lines[7].strip()) == (str(port), "ready")
    except (OSError, IndexError):
        return False


def remove_stale_lock(pidfile: Path) -> None:
    """Remove the file of a PostgreSQL that was killed, if its number is another program's by now.

    PostgreSQL sees by itself that a number is nobody's, but takes any process for a server of its own.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pidfile.read_text(encoding="utf-8").splitlines()[0])
        if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() != "postgres":
            pidfile.unlink()
