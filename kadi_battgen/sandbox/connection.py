"""How one reaches the sandbox: address, user and token."""

from __future__ import annotations

import configparser
import io
from dataclasses import dataclass, field

#: Name of the sandbox among the instances of a kadi-apy configuration file.
INSTANCE = "sandbox"


@dataclass(frozen=True)
class Connection:
    """A user of a sandbox.

    Attributes
    ----------
    host
        Address, such as ``http://localhost:5000``.
    username
        Name to log in with.
    password
        Password to log in with; not shown when the connection is printed.
    token
        Personal access token for the API; not shown either.
    """

    host: str
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)

    def kadiconfig(self) -> str:
        """Return the text of a kadi-apy configuration file with this instance as the default one."""
        parser = configparser.ConfigParser(interpolation=None)
        parser["global"] = {"default": INSTANCE, "verify": "True", "timeout": "60"}
        parser[INSTANCE] = {"host": self.host, "pat": self.token}
        text = io.StringIO()
        parser.write(text)
        return text.getvalue().rstrip() + "\n"
