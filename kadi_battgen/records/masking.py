"""Keep tokens and passwords, and the user's name in home paths, out of what is written down."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

MASK = "***"

_SECRET_WORDS = re.compile(
    r"(?:^|[-_.\s])(?:tokens?|pat|password|passwd|pwd|passphrase|secrets?|credentials?|authorization|auth|bearer"
    r"|api[-_]?key|access[-_]?key|private[-_]?key)(?:$|[-_.\s])"
    r"|(?:token|password|passwd|passphrase|secret|api[-_]?key)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*@")
_BEARER = re.compile(r"(?i)\b(bearer)\s+[A-Za-z0-9._~+/=-]{8,}")
#: Shorter values are masked where they are given, but not searched for elsewhere: they would mask ordinary words.
_SHORTEST_SECRET = 6


def names_secret(name: str) -> bool:
    """Tell whether an option, key or variable called `name` looks as if it held a secret."""
    return bool(_SECRET_WORDS.search(_CAMEL.sub("_", name)))


class Cleaner:
    """Masks the secrets of one run in its texts.

    Known secrets are the values of secret-looking options on the command line and of secret-looking environment
    variables; they are masked wherever they occur, also inside error messages. A path in the user's home folder is
    written with ``~``, which does not tell the user's name and can be expanded again.

    Parameters
    ----------
    arguments
        The command line.
    environment
        Environment variables; by default those of this process.
    """

    def __init__(self, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        variables = os.environ if environment is None else environment
        # A variable such as SSH_AUTH_SOCK or CREDENTIALS_DIRECTORY holds a path, which is no secret.
        found = {value for name, value in variables.items() if names_secret(name) and not os.path.exists(value)}
        found.update(_option_secrets(arguments))
        # Longest first: a secret that contains another one must vanish whole.
        self._secrets = sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._home = str(Path.home())
        self._in_home = re.compile(rf"(?<![\w.~-]){re.escape(self._home.rstrip('/'))}(?=/|$|[^\w.-])")

    def text(self, text: str) -> str:
        """Return `text` without secrets and without the path of the home folder."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = _CREDENTIALS_IN_URL.sub(f"{MASK}@", text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        return self._in_home.sub("~", text) if len(self._home) > 1 else text

    def command_line(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Return the command line with the program's name alone and the values of secret-looking options masked."""
        cleaned: list[str] = []
        masks_next = False
        for position, argument in enumerate(arguments):
            if masks_next:
                cleaned.append(MASK)
                masks_next = False
                continue
            name, equals, _ = argument.partition("=")
            is_secret = name.startswith("-") and names_secret(name)
            if position == 0:
                cleaned.append(Path(argument).name)
            elif is_secret and equals:
                cleaned.append(f"{name}={MASK}")
            else:
                masks_next = is_secret
                cleaned.append(self.text(argument))
        return tuple(cleaned)

    def values(self, value: Any) -> Any:
        """Return JSON values with the texts in them cleaned and the texts under secret-looking keys masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                key: MASK if names_secret(str(key)) and isinstance(entry, str) and entry else self.values(entry)
                for key, entry in value.items()
            }
        if isinstance(value, list):
            return [self.values(entry) for entry in value]
        return value


def _option_secrets(arguments: Sequence[str]) -> Iterable[str]:
    """Yield the values of secret-looking options (``--token VALUE`` and ``--token=VALUE``)."""
    for position, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if position == 0 or not name.startswith("-") or not names_secret(name):
            continue
        if equals:
            yield value
        elif position + 1 < len(arguments):
            yield arguments[position + 1]
