"""What to fetch from the Materials Project, and how patiently."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kadi_battgen.electrodes.properties import WORKING_IONS, check_working_ion
from kadi_battgen.errors import UserError

#: Where the Materials Project answers unless mp-api is told otherwise.
DEFAULT_ENDPOINT = "https://api.materialsproject.org"

#: Environment variables with another address, in the order in which mp-api reads them.
ENDPOINT_VARIABLES = ("MPRESTER_ENDPOINT", "MP_API_ENDPOINT")

#: What makes an electrode a duplicate of another: nothing, or the same working ion with the same discharged composition,
#: or with both compositions.
DuplicateRule = Literal["none", "discharge-formula", "both-formulas"]

#: Which of several duplicates stays.
KeptDuplicate = Literal["most-stable", "highest-voltage"]


class FetchSettings(BaseModel):
    """What to fetch from the Materials Project, and how patiently.

    The API key is no setting: it comes from mp-api's own places, the environment variable ``MP_API_KEY`` or
    ``PMG_MAPI_KEY`` in pymatgen's configuration.

    Raises
    ------
    UserError
        If a working ion is unknown, or the endpoint is no address or holds more than one.
    """

    # An endpoint may be mistyped with a password in it: no error shows what was given.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    working_ions: tuple[str, ...] = Field(WORKING_IONS, min_length=1, description="symbols of the working ions")
    endpoint: str | None = Field(
        None,
        description="address of the Materials Project's API; by default the one that mp-api uses, which the environment "
        "variable MP_API_ENDPOINT can change",
    )
    duplicates: DuplicateRule = Field(
        "discharge-formula",
        description="which electrodes of one working ion count as the same: those of one discharged composition "
        "(discharge-formula), of one charged and one discharged composition (both-formulas), or none",
    )
    kept: KeptDuplicate = Field(
        "most-stable",
        description="which of several duplicates stays: the one whose discharged phase has the lowest energy above the "
        "convex hull in eV/atom (most-stable), or the one of the highest average voltage in V (highest-voltage)",
    )
    cache: Path | None = Field(
        None, description="folder that keeps fetched documents; by default one in the user's own cache folder"
    )
    batch_size: int = Field(500, ge=1, le=500, description="discharge structures in one request")
    refresh: bool = Field(
        False,
        description="ask for the current version of the database, and fetch again what the cache holds of an older one",
    )
    timeout: float = Field(60.0, gt=0.0, le=3600.0, description="longest silence of the server in s")
    attempts: int = Field(5, ge=1, le=20, description="how often a request is sent that fails for a passing reason")
    first_wait: float = Field(
        1.0, ge=0.0, le=60.0, description="time before the second attempt in s; it doubles with every attempt"
    )
    longest_wait: float = Field(
        60.0,
        ge=0.0,
        le=3600.0,
        description="longest time in s that is waited before an attempt, also if the server asks",
    )

    @field_validator("working_ions")
    @classmethod
    def _check_ions(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        chosen = {check_working_ion(symbol) for symbol in symbols}
        return tuple(ion for ion in WORKING_IONS if ion in chosen)

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str | None) -> str | None:
        return None if endpoint is None else checked_endpoint(endpoint, "The endpoint")

    @property
    def address(self) -> str:
        """The endpoint in use, without a slash at its end."""
        if self.endpoint is not None:
            return self.endpoint
        for variable in ENDPOINT_VARIABLES:
            if found := os.environ.get(variable):
                return checked_endpoint(found, f"The endpoint in ${variable}")
        return DEFAULT_ENDPOINT

    @property
    def cache_folder(self) -> Path:
        """The folder that keeps fetched documents."""
        if self.cache is not None:
            return self.cache
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kadi-battgen" / "materials-project"


def checked_endpoint(endpoint: str, what: str) -> str:
    """Return an endpoint without a slash at its end.

    Parameters
    ----------
    endpoint
        The address.
    what
        What the error calls it. The address itself is not shown, for it may hold a password.

    Raises
    ------
    UserError
        If it is no address, or has a user name, a password, a query or a fragment.
    """
    example = f"give one such as {DEFAULT_ENDPOINT}"
    try:
        parts = urlsplit(endpoint.strip())
        port = parts.port
    except ValueError:
        raise UserError(f"{what} is no address: {example}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"{what} is no address that starts with https:// or http://: {example}.")
    if parts.username is not None or parts.password is not None:
        raise UserError(f"{what} holds a user name or a password: put them into ~/.netrc, and {example}.")
    if parts.query or parts.fragment:
        raise UserError(f"{what} goes on after its path: {example}.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "") + parts.path.rstrip("/")
