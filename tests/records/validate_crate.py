"""Validate RO-Crates without a network; runs in the virtual environment of the validator, not in that of the tests.

Usage: validate_crate.py PROFILE CRATE..., prints one JSON object: by crate, the findings as [severity, check, message].
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.services import validate
from urllib3 import HTTPResponse

#: The context of RO-Crate 1.1, which this version of rocrate ships.
CONTEXT_IRI = "https://w3id.org/ro/crate/1.1/context"


class ShippedContext(HTTPAdapter):
    """Answers every request with the context."""

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """Return the context without asking anybody."""
        content = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        answer = HTTPResponse(
            BytesIO(content),
            {"Content-Type": "application/ld+json"},
            200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, answer)


def findings(crate: str, profile: str, cache: Path) -> list[tuple[str, str, str]]:
    """Return what the validator has to say of a crate, down to recommendations."""
    settings = ValidationSettings(
        rocrate_uri=crate,
        profile_identifier=profile,
        requirement_severity=Severity.RECOMMENDED,
        cache_path=cache,
        offline=True,
    )
    issues = validate(settings).get_issues()
    return sorted((issue.severity.name, issue.check.identifier, str(issue.message)) for issue in issues)


def main() -> None:
    """Validate the crates of the command line."""
    profile, *crates = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        with CachedSession(str(cache), backend="sqlite", allowable_methods=("GET",)) as session:
            session.mount("https://", ShippedContext())
            session.get(CONTEXT_IRI).raise_for_status()
        json.dump({crate: findings(crate, profile, cache) for crate in crates}, sys.stdout)


main()
