"""Which Kadi4Mat instance to use: from an option, the environment, or kadi-apy's own configuration file."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kadi_battgen.errors import UserError

#: Name that means no instance at all.
LOCAL: Final = "local"

#: Name of the sandbox that ``battgen kadi up`` starts, whose configuration lies in its own folder.
SANDBOX: Final = "sandbox"

#: Environment variable with the name of an instance.
INSTANCE_VARIABLE: Final = "BATTGEN_INSTANCE"

#: Environment variables with the address of an instance and a personal access token, where there is no configuration.
HOST_VARIABLE: Final = "KADI_HOST"
TOKEN_VARIABLE: Final = "KADI_PAT"

#: Seconds that a request may wait for an answer, as in kadi-apy.
DEFAULT_TIMEOUT: Final = 60.0


@dataclass(frozen=True)
class Instance:
    """A Kadi4Mat instance and the right to use it.

    Attributes
    ----------
    name
        Its name in the configuration file, or the environment variable it comes from.
    host
        Address with scheme, such as ``https://kadi4mat.example.org``.
    token
        Personal access token; left out when the instance is printed.
    verify
        Whether the certificate of the host is checked.
    ca_bundle
        File with certificates to check it with; None for the system's.
    timeout
        Seconds that a request may wait for an answer.
    base_path
        Path below which the host serves Kadi4Mat.
    whitelist
        Hosts that it may redirect to.
    """

    name: str
    host: str
    token: str = field(repr=False)
    verify: bool = True
    ca_bundle: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    base_path: str = ""
    whitelist: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        address = urlsplit(self.host)
        if address.scheme not in ("http", "https") or not address.netloc or address.username is not None:
            raise UserError(
                f"The host of the Kadi4Mat instance {self.name} is no address such as https://kadi4mat.example.org: "
                "set it with 'kadi-apy config set-host'."
            )
        # A header with other characters is refused by the HTTP library in a message that shows the token.
        if not re.fullmatch(r"[!-~]+", self.token):
            raise UserError(
                f"The token of the Kadi4Mat instance {self.name} is empty or has spaces or letters no token has: "
                "set it anew with 'kadi-apy config set-pat'."
            )

    @property
    def address(self) -> str:
        """Host and base path without anything else, which identify the instance."""
        parts = urlsplit(self.host)
        path = self.base_path.strip("/")
        return f"{parts.scheme}://{parts.netloc}" + (f"/{path}" if path else "")

    @property
    def folder_name(self) -> str:
        """The address as the name of a folder."""
        return re.sub(r"[^A-Za-z0-9.-]+", "_", self.address.partition("://")[2])


def find_instance(name: str | None = None) -> Instance | None:
    """Return the instance to use, None if records are to be kept locally only.

    Parameters
    ----------
    name
        Name of an instance in kadi-apy's configuration (``~/.kadiconfig``), ``sandbox`` for the one of ``battgen kadi
        up``, or ``local`` for none. By default the environment decides: ``BATTGEN_INSTANCE`` with such a name, else
        ``KADI_HOST`` with ``KADI_PAT``; then the default instance of the configuration, if it has been filled in.

    Raises
    ------
    UserError
        If the instance that was asked for is not there or incomplete, or the configuration cannot be read.
    """
    chosen = name or os.environ.get(INSTANCE_VARIABLE)
    if chosen == LOCAL:
        return None
    if chosen is None and (host := os.environ.get(HOST_VARIABLE)):
        token = os.environ.get(TOKEN_VARIABLE)
        if not token:
            raise UserError(
                f"${HOST_VARIABLE} names a Kadi4Mat instance, but ${TOKEN_VARIABLE} has no token: set both."
            )
        return Instance(name=f"${HOST_VARIABLE}", host=host, token=token)
    path = Path.home() / ".kadiconfig"
    parser = _read(path)
    if chosen is None:
        return _default(parser, path)
    if parser is not None and chosen in parser and chosen != "global":
        return _instance(parser, chosen, path)
    if chosen == SANDBOX:
        path = sandbox_folder() / "kadiconfig"
        parser = _read(path)
        if parser is None or SANDBOX not in parser:
            raise UserError(f"There is no sandbox in {path.parent}: start one with 'battgen kadi up'.")
        return _instance(parser, SANDBOX, path)
    known = ", ".join(entry for entry in parser.sections() if entry != "global") if parser is not None else ""
    raise UserError(
        f"{path} has no Kadi4Mat instance {chosen!r}"
        + (f" (it has {known})" if known else "")
        + ": choose one of its instances, 'sandbox' or 'local', or set it up with 'kadi-apy config create'."
    )


def require_instance(name: str | None = None) -> Instance:
    """Return the instance to use (see :func:`find_instance`).

    Raises
    ------
    UserError
        If there is none, or it is incomplete.
    """
    instance = find_instance(name)
    if instance is None:
        raise UserError(
            "No Kadi4Mat instance is chosen: give --instance NAME ('kadi-apy config create' sets one up, 'battgen kadi up' "
            "starts one)."
        )
    return instance


def sandbox_folder() -> Path:
    """Return the folder of the sandbox: ``$BATTGEN_SANDBOX``, else one in the user's folder for data."""
    if named := os.environ.get("BATTGEN_SANDBOX"):
        return Path(named)
    data = Path(os.environ.get("XDG_DATA_HOME") or "")
    return (data if data.is_absolute() else Path.home() / ".local" / "share") / "kadi-battgen" / "sandbox"


def _read(path: Path) -> configparser.ConfigParser | None:
    """Return the configuration at `path`, None if there is none."""
    if not path.is_file():
        return None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, UnicodeDecodeError, OSError):
        # The parser's message quotes the line that it does not understand, which may hold a token.
        raise UserError(f"{path} is not a configuration of kadi-apy: mend it, or write it anew.") from None
    return parser


def _default(parser: configparser.ConfigParser | None, path: Path) -> Instance | None:
    """Return the default instance, None if there is none or it is as empty as ``kadi-apy config create`` leaves it."""
    chosen = parser.get("global", "default", fallback="") if parser is not None else ""
    if parser is None or not chosen:
        return None
    if chosen in parser and not (parser[chosen].get("host") or parser[chosen].get("pat")):
        return None
    return _instance(parser, chosen, path)


def _instance(parser: configparser.ConfigParser, name: str, path: Path) -> Instance:
    """Return the instance of the section `name`; what it leaves open is taken from the section ``global``."""
    if name not in parser:
        raise UserError(f"{path} has no instance {name!r}, its default: choose another with --instance, or 'local'.")
    fields: Mapping[str, str] = {**(parser["global"] if parser.has_section("global") else {}), **parser[name]}
    for key in ("host", "pat"):
        if not parser[name].get(key):
            raise UserError(f"{path} has no {key} for the instance {name}: set it with 'kadi-apy config set-{key}'.")
    try:
        verify = _BOOLEANS[fields.get("verify", "true").lower()]
        timeout = float(fields.get("timeout", DEFAULT_TIMEOUT))
    except (KeyError, ValueError):
        raise UserError(
            f"{path}: verify of the instance {name} must be True or False, and timeout a number of seconds."
        ) from None
    return Instance(
        name=name,
        host=fields["host"],
        token=fields["pat"],
        verify=verify,
        ca_bundle=fields.get("ca_bundle") or None,
        timeout=timeout,
        base_path=fields.get("base_path", ""),
        whitelist=tuple(entry.strip() for entry in fields.get("whitelist", "").split(",") if entry.strip()),
    )


_BOOLEANS = configparser.ConfigParser.BOOLEAN_STATES
