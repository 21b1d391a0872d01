"""Requests with patience: what passes is tried again for a while, and everything else is said in one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

from kadi_battgen.errors import UserError

#: Answers that may be others in a while.
PASSING: Final = frozenset({429, 500, 502, 503, 504})


class KadiError(UserError):
    """Kadi4Mat did not do what was asked of it, or could not be reached.

    Attributes
    ----------
    status
        HTTP status of the answer, None if there was none.
    reasons
        What Kadi4Mat says is wrong with the data sent, by field.
    """

    def __init__(self, sentence: str, status: int | None = None, reasons: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.reasons = reasons or {}

    @property
    def concerns_all(self) -> bool:
        """Whether the next request would fare no better: no connection, no valid token, a full or failing server."""
        return self.status in (None, 401, 413) or self.status in PASSING


@dataclass(frozen=True)
class Patience:
    """How long a request is tried again.

    Attributes
    ----------
    seconds
        From the first try to the last.
    first_delay
        Seconds before the second try; the delay doubles each time.
    longest_delay
        Seconds that it doubles up to.
    """

    seconds: float = 60.0
    first_delay: float = 0.5
    longest_delay: float = 10.0


class PatientSession:
    """The part of an HTTP session that kadi-apy uses, with patience.

    Refused and broken connections, timeouts and the answers in :data:`PASSING` are tried again; ``Retry-After`` is
    honoured as far as patience goes. Every request sent here may be repeated: what it would do twice, the server refuses.

    Parameters
    ----------
    host
        Address of the instance, for messages.
    patience
        How long a request is tried again.
    notice
        Told in a sentence when a request is about to be tried again, the first time.
    """

    def __init__(self, host: str, patience: Patience, notice: Callable[[str], object] | None = None) -> None:
        import niquests

        self._session = niquests.Session()
        self._host = host
        self._patience = patience
        self._notice = notice

    def get(self, url: str, **options: Any) -> Any:
        """Send a GET request."""
        return self._send("GET", url, options)

    def post(self, url: str, **options: Any) -> Any:
        """Send a POST request."""
        return self._send("POST", url, options)

    def patch(self, url: str, **options: Any) -> Any:
        """Send a PATCH request."""
        return self._send("PATCH", url, options)

    def put(self, url: str, **options: Any) -> Any:
        """Send a PUT request."""
        return self._send("PUT", url, options)

    def delete(self, url: str, **options: Any) -> Any:
        """Send a DELETE request."""
        return self._send("DELETE", url, options)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _send(self, method: str, url: str, options: dict[str, Any]) -> Any:
        from niquests import exceptions

        last = time.monotonic() + self._patience.seconds
        delay = self._patience.first_delay
        while True:
            asked = None
            try:
                response = self._session.request(method, url, **options)
            except exceptions.SSLError:
                raise KadiError(
                    f"The certificate of {self._host} cannot be verified: set ca_bundle in kadi-apy's configuration."
                ) from None
            except exceptions.Timeout:
                failure = KadiError(f"{self._host} gave no answer in time.")
            except (exceptions.ConnectionError, exceptions.ChunkedEncodingError) as error:
                failure = KadiError(f"{self._host} cannot be reached ({_cause(error)}).")
            except exceptions.RequestException as error:
                raise KadiError(f"No request can be sent to {self._host} ({type(error).__name__}).") from None
            else:
                if response.status_code not in PASSING:
                    return response
                asked = retry_after(response.headers.get("Retry-After"))
                wish = "" if asked is None else f" and asks to wait for {asked:.0f} s"
                failure = KadiError(
                    f"{self._host} answered {named_status(response.status_code)}{wish}.", response.status_code
                )
                response.close()
            pause = delay if asked is None else asked
            if time.monotonic() + pause > last:
                raise failure from None
            if self._notice is not None:
                self._notice(f"{failure} Trying again for up to {self._patience.seconds:.0f} s.")
                self._notice = None
            time.sleep(pause)
            delay = min(2 * delay, self._patience.longest_delay)


def named_status(status: int) -> str:
    """Return a status with its name, such as ``503 Service Unavailable``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def retry_after(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, as a number or a date; None if it says nothing."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _cause(error: BaseException) -> str:
    """Return what is at the bottom of a connection error in a few words.

    The message of the error itself is long and names objects in memory; the system's own words are at its end.
    """
    text = str(error)
    for words in ("Connection refused", "Connection reset", "Name or service not known", "No route to host"):
        if words.lower() in text.lower():
            return words.lower()
    return "the connection broke"
