"""Making users of a sandbox that is up."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict

from kadi_battgen.errors import UserError
from kadi_battgen.sandbox.environment import Environment
from kadi_battgen.sandbox.folder import Account, Folder
from kadi_battgen.sandbox.services import inside_command, last_lines, process_variables

#: Exit status that says that Kadi4Mat does not take the user.
_REFUSED = 3


def add_user(folder: Folder, environment: Environment, username: str, account: Account) -> None:
    """Make a user in Kadi4Mat's database.

    Parameters
    ----------
    folder
        The sandbox's folder.
    environment
        Kadi4Mat's environment.
    username
        The user's name.
    account
        Password and token that the user gets.

    Raises
    ------
    UserError
        If Kadi4Mat does not take the name.
    """
    log = folder.logs / "users.log"
    with open(log, "a", encoding="utf-8") as stream:
        done = subprocess.run(
            [*inside_command(environment), "add-users"],
            input=json.dumps({username: asdict(account)}),
            stdout=subprocess.PIPE,
            stderr=stream,
            env=process_variables(folder, environment),
            cwd=folder.path,
            text=True,
            check=False,
        )
    if done.returncode == _REFUSED:
        raise UserError(f"Kadi4Mat does not take {username!r} as the name of a user: {done.stdout.strip()}")
    if done.returncode:
        raise UserError(f"The user {username!r} could not be made ({last_lines(log)}): see {log}.")
