"""KadiStudio's list of tools: one command a line, which it asks for ``--xmlhelp``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.flows.values import shown


def default_tool_list() -> Path:
    """Return where KadiStudio keeps its list of tools."""
    return Path.home() / ".kadistudio" / "tools.txt"


def add_tools(path: str | os.PathLike[str], commands: Iterable[str]) -> list[str]:
    """Add commands to a list of tools and return those that were not in it.

    Every line that is there stays as it is, in its place and with its line end; new commands follow at the end, with
    the line end of the first line. The file is replaced in one step, or not at all.

    Parameters
    ----------
    path
        The list; made if it is not there. A symbolic link is followed.
    commands
        Command lines such as ``battgen screen``.

    Raises
    ------
    UserError
        If the list cannot be read or written, or a command is no line.
    """
    wanted = list(dict.fromkeys(_command(command) for command in commands))
    target = Path(os.path.realpath(path))
    try:
        present = target.read_bytes() if target.exists() else b""
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    except OSError as error:
        raise UserError(f"{target} cannot be read ({error.strerror}): check the path.") from error
    known = {b" ".join(line.split()) for line in present.splitlines()}
    added = [command for command in wanted if command.encode() not in known]
    if not added:
        return []
    lines = present.splitlines(keepends=True)
    end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    separator = end if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
    try:
        with atomic_path(target) as temporary:
            temporary.write_bytes(present + separator + b"".join(command.encode() + end for command in added))
            temporary.chmod(mode)
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror}): check its folder.") from error
    return added


def _command(text: str) -> str:
    command = " ".join(text.split())
    if not command or command.startswith("#") or len(text.splitlines()) > 1 or not command.isprintable():
        raise UserError(f"{shown(text)} is no command line for KadiStudio: give one such as 'battgen screen'.")
    return command
