"""Kadi4Mat through kadi-apy, with every failure as one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.limits import one_line
from kadi_battgen.records.kadi.session import KadiError, Patience, PatientSession, named_status

#: Kinds of resources, as they stand in addresses.
Resource = Literal["records", "collections", "templates"]

_SINGULAR = {"records": "record", "collections": "collection", "templates": "template"}

#: What a user can do about an answer.
_WAYS_OUT = {
    401: "set a valid token with 'kadi-apy config set-pat'",
    403: "ask its owner for access",
    413: "free space there, or ask its administrators for more",
}

#: Seconds until a host that does not answer at all is given up; an answer may take the instance's timeout.
_CONNECT_TIMEOUT = 10.0


class KadiClient:
    """A user of a Kadi4Mat instance.

    Parameters
    ----------
    instance
        The instance and the token.
    patience
        How long a request is tried again.
    notice
        Told in a sentence when a request is about to be tried again, the first time.
    """

    def __init__(
        self, instance: Instance, patience: Patience | None = None, notice: Callable[[str], object] | None = None
    ) -> None:
        self.instance = instance
        self._patience = patience or Patience()
        self._notice = notice

    @property
    def address(self) -> str:
        """Address of the instance."""
        return self.instance.address

    @cached_property
    def manager(self) -> Any:
        """The ``KadiManager`` of kadi-apy that sends the requests."""
        from kadi_apy import KadiManager

        manager = KadiManager(
            host=self.instance.host,
            pat=self.instance.token,
            verify=self.instance.verify,
            ca_bundle=self.instance.ca_bundle,
            timeout=(min(_CONNECT_TIMEOUT, self.instance.timeout), self.instance.timeout),
            whitelist=list(self.instance.whitelist),
            # Older versions of kadi-apy, which others pin, do not know it.
            **({"base_path": self.instance.base_path} if self.instance.base_path else {}),
        )
        # kadi-apy waits for as long as an answer 429 asks, for ever again, and tries nothing else twice.
        manager._session = PatientSession(self.address, self._patience, self._notice)
        return manager

    def close(self) -> None:
        """Close all connections; the next request opens one again."""
        if "manager" in self.__dict__:
            self.manager._session.close()

    def request(self, method: str, endpoint: str, what: str, **options: Any) -> Any:
        """Send a request and return its successful answer.

        Parameters
        ----------
        method
            Such as ``get``.
        endpoint
            Path below the API, or an address that Kadi4Mat gave.
        what
            What it is for, for messages, such as ``reading the record screen-1``.
        options
            Passed on to the HTTP library, such as ``json``.

        Raises
        ------
        KadiError
            If there is no answer, or one that says that it failed.
        """
        from kadi_apy.lib.exceptions import KadiAPYException

        manager = self.manager
        try:
            response = getattr(manager, f"_{method}")(endpoint, **options)
        except KadiError as error:
            raise KadiError(f"{what[0].upper()}{what[1:]} failed: {error}", error.status) from None
        except KadiAPYException as error:
            raise KadiError(self._clean(f"{what[0].upper()}{what[1:]} failed: {error}")) from None
        if response.status_code >= 400:
            raise self._failure(response, what, options.get("json"))
        return response

    def ask(self, method: str, endpoint: str, what: str, **options: Any) -> dict[str, Any]:
        """Send a request and return the JSON object of its successful answer.

        Raises
        ------
        KadiError
            If there is no answer, one that says that it failed, or one that is not from Kadi4Mat.
        """
        response = self.request(method, endpoint, what, **options)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise KadiError(
                f"{what[0].upper()}{what[1:]} failed: what {self.address} sent is no answer of Kadi4Mat; check the host, and "
                "whether a log-in page of the network is in between."
            )
        return answer

    def find(self, resource: Resource, identifier: str) -> dict[str, Any] | None:
        """Return a resource by its identifier, None if there is none.

        Raises
        ------
        KadiError
            If it cannot be read; with status 403 if it belongs to others.
        """
        what = f"reading the {_SINGULAR[resource]} {identifier}"
        try:
            return self.ask("get", f"/{resource}/identifier/{quote(identifier)}", what)
        except KadiError as error:
            if error.status != 404:
                raise
            return None

    def create(self, resource: Resource, identifier: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Create a resource, or return the one that has been created meanwhile.

        An answer can get lost after the server has done what was asked, and another process may be faster.

        Raises
        ------
        KadiError
            If it cannot be created.
        """
        name = _SINGULAR[resource]
        try:
            fields = {"identifier": identifier, **fields}
            return self.ask("post", f"/{resource}", f"creating the {name} {identifier}", json=fields)
        except KadiError as error:
            if "identifier" not in error.reasons and error.status != 409:
                raise
            found = self.find(resource, identifier)
            if found is not None:
                return found
            raise self._taken(resource, identifier, error) from None

    def edit(self, resource: Resource, number: int, identifier: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change fields of a resource."""
        what = f"changing the {_SINGULAR[resource]} {identifier}"
        return self.ask("patch", f"/{resource}/{number}", what, json=dict(fields))

    def items(self, endpoint: str, what: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages of a list."""
        page = 1
        while True:
            answer = self.ask("get", endpoint, what, params={**parameters, "page": page, "per_page": 100})
            yield from answer["items"]
            if page >= answer["_pagination"]["total_pages"]:
                return
            page += 1

    def links(self, number: int, identifier: str) -> set[tuple[str, str]]:
        """Return name and target of the links that go out from a record."""
        found = self.items(f"/records/{number}/records", f"reading the links of {identifier}", direction="out")
        return {(link["name"], link["record_to"]["identifier"]) for link in found}

    def link(self, number: int, identifier: str, target: int, name: str, term: str | None) -> None:
        """Link a record to another one; a link that is there already is left."""
        fields = {"record_to": {"id": target}, "name": name, **({"term": term} if term else {})}
        try:
            self.request("post", f"/records/{number}/records", f"linking {identifier}", json=fields)
        except KadiError as error:
            if error.status != 409:
                raise

    def add_to_collection(self, number: int, identifier: str, collection: int) -> None:
        """Put a record into a collection, if it is not there yet."""
        what = f"adding {identifier} to its collection"
        try:
            self.request("post", f"/records/{number}/collections", what, json={"id": collection})
        except KadiError as error:
            if error.status != 409:
                raise

    @cached_property
    def licenses(self) -> frozenset[str]:
        """Names of the licences that the instance knows."""
        return frozenset(entry["name"] for entry in self.items("/licenses", "reading the licences"))

    @cached_property
    def version(self) -> str:
        """Version of Kadi4Mat on the instance."""
        return str(self.ask("get", "/info", "reading the version")["version"])

    def _taken(self, resource: Resource, identifier: str, error: KadiError) -> KadiError:
        """Return what to say of an identifier that is in use by something that is not found."""
        name = _SINGULAR[resource]
        try:
            trash = list(self.items("/trash", "reading the trash"))
        except KadiError:
            trash = []
        if any(entry.get("identifier") == identifier and entry.get("type", name) == name for entry in trash):
            return KadiError(
                f"The {name} {identifier} is in the trash of {self.address}: restore it there, or delete it for good, "
                "and push again.",
                409,
            )
        return KadiError(
            f"{self.address} has a {name} {identifier} that this token cannot see: its owner must restore it or give "
            "access to it.",
            error.status,
        )

    def _failure(self, response: Any, what: str, sent: Any) -> KadiError:
        """Return the error that an answer with a failing status means."""
        status = response.status_code
        try:
            body = response.json()
        except ValueError:
            body = {}  # a proxy's page
        body = body if isinstance(body, dict) else {}
        errors = body.get("errors")
        reasons = dict(_reasons(errors, sent)) if isinstance(errors, dict) else {}
        if reasons:
            says = "; ".join(f"{field}: {reason.rstrip('.')}" for field, reason in reasons.items())
        elif status == 401 and "scopes" in body:
            says = f"the token lacks the scope {' '.join(map(str, body['scopes']))}"
        else:
            says = str(body.get("description", "")).rstrip(".")
        parts = [f"{self.address} refused {what}", named_status(status), says, _WAYS_OUT.get(status, "")]
        return KadiError(self._clean(": ".join(part for part in parts if part) + "."), status, reasons)

    def _clean(self, text: str) -> str:
        """Return `text` on one line, without the token."""
        return one_line(text.replace(self.instance.token, "***"), 1000)


def _reasons(errors: Any, sent: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield field and reason of what Kadi4Mat found wrong; entries of extras are called by their keys."""
    if isinstance(errors, Mapping):
        for part, inner in errors.items():
            below = _part(sent, part)
            name = below.get("key", part) if isinstance(below, Mapping) else part
            # Extras nest their entries as the "value" of each.
            skipped = part == "value" and isinstance(below, list)
            yield from _reasons(inner, below, path if skipped else f"{path}.{name}".strip("."))
    elif isinstance(errors, list):
        yield path.removesuffix(".value"), " ".join(str(entry) for entry in errors)
    else:
        yield path, str(errors)


def _part(sent: Any, part: str) -> Any:
    """Return what was sent under a key or index that an error names."""
    if isinstance(sent, list):
        return sent[int(part)] if part.isdecimal() and int(part) < len(sent) else None
    return sent.get(part) if isinstance(sent, Mapping) else None
