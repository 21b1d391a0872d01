"""The folder of a sandbox: where what lies, what is remembered from one start to the next, and what runs."""

from __future__ import annotations

import json
import os
import platform
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path, read_json
from kadi_battgen.processes import ProcessIdentity
from kadi_battgen.sandbox.connection import Connection
from kadi_battgen.sandbox.locking import LOCK

SCHEMA = "kadi-battgen/sandbox"
VERSION = 1

#: Environment variable that names the default folder.
FOLDER_VARIABLE = "BATTGEN_SANDBOX"

#: The user that each sandbox has.
FIRST_USER = "battgen"


def default_folder() -> Path:
    """Return ``$BATTGEN_SANDBOX``, else ``kadi-battgen/sandbox`` in the user's folder for data."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    data = Path(os.environ.get("XDG_DATA_HOME") or "")
    # The specification has relative values ignored.
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / "kadi-battgen" / "sandbox"


@dataclass(frozen=True)
class Account:
    """What a user proves to be one with."""

    password: str = field(repr=False)
    token: str = field(repr=False)

    @classmethod
    def new(cls) -> Account:
        """Return a new password and a new token of the form that Kadi4Mat gives out."""
        return cls(password=secrets.token_urlsafe(16), token=f"pat_{secrets.token_hex(24)}")


@dataclass
class Memory:
    """What a sandbox keeps from one start to the next; written for its owner's eyes only.

    Attributes
    ----------
    environment
        Folder of Kadi4Mat's virtual environment.
    port
        Port of the web server; None before the first start.
    secret_key, database_password, queue_password
        Secrets of the servers among themselves.
    accounts
        Users by name.
    """

    environment: str
    port: int | None = None
    secret_key: str = field(default_factory=secrets.token_hex, repr=False)
    database_password: str = field(default_factory=secrets.token_hex, repr=False)
    queue_password: str = field(default_factory=secrets.token_hex, repr=False)
    accounts: dict[str, Account] = field(default_factory=lambda: {FIRST_USER: Account.new()})

    @property
    def host(self) -> str:
        """The address of the web server."""
        return f"http://localhost:{self.port}"

    def connection(self, username: str) -> Connection:
        """Return how `username` reaches the sandbox."""
        account = self.accounts[username]
        return Connection(self.host, username, account.password, account.token)


class Folder:
    """Paths in a sandbox's folder, and its two files of state.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).resolve()
        self.memory_file = self.path / "sandbox.json"
        self.processes_file = self.path / "processes.json"
        self.kadiconfig = self.path / "kadiconfig"
        self.configuration = self.path / "configuration"
        # Not called kadi.py, which would take the place of the package.
        self.kadi_settings = self.configuration / "kadi_settings.py"
        self.redis_settings = self.configuration / "redis.conf"
        self.plugins = self.path / "plugins"
        self.environment = self.path / "environment"
        self.database = self.path / "database"
        self.queue = self.path / "queue"
        self.storage = self.path / "storage"
        self.uploads = self.path / "uploads"
        self.temporary = self.path / "temporary"
        self.logs = self.path / "logs"

    def __fspath__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        """Tell whether this is the folder of a sandbox."""
        if not self.memory_file.is_file():
            return False
        document = read_json(self.memory_file)
        return isinstance(document, dict) and document.get("schema") == SCHEMA

    def require(self) -> None:
        """Check that this is the folder of a sandbox.

        Raises
        ------
        UserError
            If it is not.
        """
        if not self.exists():
            raise UserError(f"{self.path} holds no sandbox: name its folder, or make one with 'battgen kadi up'.")

    def require_usable(self) -> None:
        """Check that a sandbox is here or can be made here.

        Raises
        ------
        UserError
            If the folder holds other files.
        """
        if self.exists() or not self.path.is_dir():
            return
        if any(path.name != LOCK for path in self.path.iterdir()):
            raise UserError(f"{self.path} holds other files: name a new or an empty folder for the sandbox.")

    def load(self) -> Memory:
        """Return what the sandbox remembers.

        Raises
        ------
        UserError
            If this is not the folder of a sandbox, or of one that a later version has made.
        """
        self.require()
        document = read_json(self.memory_file)
        if (document.pop("schema"), document.pop("version", None)) != (SCHEMA, VERSION):
            raise UserError(
                f"{self.memory_file} is of another version of kadi-battgen: remove {self.path} with that one."
            )
        document["accounts"] = {name: Account(**account) for name, account in document["accounts"].items()}
        return Memory(**document)

    def save(self, memory: Memory) -> None:
        """Write what the sandbox remembers, and the configuration file for kadi-apy."""
        write_secret_json(self.memory_file, {"schema": SCHEMA, "version": VERSION, **asdict(memory)})
        if memory.port is not None:
            write_secret(self.kadiconfig, memory.connection(FIRST_USER).kadiconfig())

    def load_processes(self) -> dict[str, ProcessIdentity]:
        """Return the processes that were started, by name; they need not run any more.

        Raises
        ------
        UserError
            If they were started on another machine, where they may still run.
        """
        if not self.processes_file.is_file():
            return {}
        document = read_json(self.processes_file)
        if document["machine"] != platform.node():
            raise UserError(
                f"The sandbox in {self.path} was started on the machine {document['machine']!r}: take it down there, or, "
                f"if that machine is gone for good, remove {self.processes_file}."
            )
        return {name: ProcessIdentity(**identity) for name, identity in document["processes"].items()}

    def save_processes(self, processes: dict[str, ProcessIdentity]) -> None:
        """Write which processes were started."""
        identities = {name: asdict(identity) for name, identity in processes.items()}
        write_secret_json(self.processes_file, {"machine": platform.node(), "processes": identities})


def write_secret(path: Path, text: str) -> None:
    """Write `text` to a file that its owner alone can read, all of it or nothing."""
    with (
        atomic_path(path) as temporary,
        open(temporary, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream,
    ):
        stream.write(text)


def write_secret_json(path: Path, document: Any) -> None:
    """Write a JSON document to a file that its owner alone can read, all of it or nothing."""
    write_secret(path, json.dumps(document, indent=2) + "\n")
