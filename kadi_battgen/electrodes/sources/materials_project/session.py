"""The HTTP session that mp-api's client is given.

Its own one tries again only after 429, 502 and 504, waits for as long as the server likes, and names the address with all
identifiers in its errors. This one waits a bounded time for a bounded number of attempts, and says in one sentence what is
wrong.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import requests

from kadi_battgen._version import __version__
from kadi_battgen.electrodes.sources.materials_project.credentials import KEY_PLACES
from kadi_battgen.electrodes.sources.materials_project.patience import PassingTroubleError, Patience, retry_after
from kadi_battgen.errors import UserError

#: Answers that may be others in a while.
PASSING = frozenset({429, 500, 502, 503, 504})

#: The header that carries the API key.
KEY_HEADER = "x-api-key"


class BoundedSession(requests.Session):
    """A session with timeouts, retries and clear errors.

    Parameters
    ----------
    patience
        How often and how long a request is tried again.
    key
        API key to send with every request; None for none.
    """

    def __init__(self, patience: Patience, key: str | None) -> None:
        super().__init__()
        self._patience = patience
        self._has_key = key is not None
        self.headers["User-Agent"] = f"kadi-battgen/{__version__} mp-api/{version('mp-api')}"
        if key is not None:
            self.headers[KEY_HEADER] = key

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request and return the answer, which is 200.

        Raises
        ------
        UserError
            If there is no such answer.
        """
        options["timeout"] = self._patience.timeout
        return self._patience.keep_trying(lambda: self._ask(method, url, *arguments, **options))

    def _ask(self, method: str, url: str, *arguments: Any, **options: Any) -> requests.Response:
        server = self._patience.server
        failure: Exception | None = None
        try:
            response = super().request(method, url, *arguments, **options)
        except requests.exceptions.SSLError:
            failure = UserError(
                f"The certificate of {server} cannot be verified: check the endpoint and $SSL_CERT_FILE."
            )
        except requests.exceptions.Timeout:
            failure = PassingTroubleError(f"gave no answer within {self._patience.timeout:g} s")
        except requests.exceptions.ConnectionError as error:
            failure = PassingTroubleError(f"cannot be reached ({_cause(error)})")
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            failure = PassingTroubleError("broke off in the middle of an answer")
        except requests.exceptions.RequestException as error:
            failure = UserError(f"No request can be sent to {server} ({type(error).__name__}): check the endpoint.")
        # Raised out here, where they carry no request along, whose headers hold the key.
        if failure is not None:
            raise failure
        self._check(response)
        return response

    def _check(self, response: requests.Response) -> None:
        """Raise what an answer other than 200 means."""
        status, server = response.status_code, self._patience.server
        if status == HTTPStatus.OK:
            return
        response.close()
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            what = "refuses the API key that is set" if self._has_key else "wants an API key, and none is set"
            raise UserError(f"{server} {what} ({named_status(status)}): {KEY_PLACES}.")
        if status in PASSING:
            wait = retry_after(response.headers.get("Retry-After"))
            wish = "" if wait is None else f" and asked for a wait of {wait:.0f} s"
            raise PassingTroubleError(f"answered {named_status(status)}{wish}", wait)
        raise UserError(
            f"{server} answered {named_status(status)} to a request of mp-api {version('mp-api')}: check the endpoint, or "
            "install the mp-api that fits this server."
        )

    def rebuild_auth(self, prepared_request: Any, response: requests.Response) -> None:
        """Send the key to no other host than the one that was asked, wherever an answer redirects to."""
        super().rebuild_auth(prepared_request, response)
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            prepared_request.headers.pop(KEY_HEADER, None)


def named_status(status: int) -> str:
    """Return a status with its name, such as ``503 Service Unavailable``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _cause(error: BaseException) -> str:
    """Return what is at the bottom of a connection error in a few words; its own message is long and names the request."""
    text = str(error).lower()
    for words in ("connection refused", "connection reset", "name or service not known", "no route to host"):
        if words in text:
            return words
    return "the connection broke"
