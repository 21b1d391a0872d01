"""The API key, from where mp-api looks for it; it is never stored or shown."""

from __future__ import annotations

import os
import re

from kadi_battgen.errors import UserError

#: Where to get a key, and where to put it.
KEY_PLACES = (
    "get a key at https://next-gen.materialsproject.org/api and put it into the environment variable MP_API_KEY, or into "
    "pymatgen's configuration with 'pmg config --add PMG_MAPI_KEY' and the key"
)


def find_api_key() -> str | None:
    """Return the key in ``$MP_API_KEY`` or else in pymatgen's configuration, None if there is none.

    Raises
    ------
    UserError
        If it cannot be one. The key itself is not shown.
    """
    key = os.environ.get("MP_API_KEY")
    if not key:
        from pymatgen.core import SETTINGS

        key = SETTINGS.get("PMG_MAPI_KEY")
    if not key:
        return None
    # mp-api wants 32 characters; a header with others than these is refused in a message that shows the key.
    if not re.fullmatch(r"[!-~]{32}", str(key)):
        raise UserError(f"The API key of the Materials Project has not the 32 characters of one: {KEY_PLACES}.")
    return str(key)
