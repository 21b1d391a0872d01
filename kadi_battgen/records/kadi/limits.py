"""What Kadi4Mat takes, and how what it would refuse or change is written so that it does not.

Measured on Kadi4Mat 1.13: texts lose the white space around them (and empty ones become null), keys, titles and file names
also that within; a null character ends in an internal error; integers beyond 2^53 - 1 and duplicate keys are refused; NaN
becomes null on the way.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import PurePosixPath
from typing import Final

from kadi_battgen.errors import UserError
from kadi_battgen.records.artifacts import IDENTIFIER_PATTERN

LONGEST_TITLE: Final = 150
LONGEST_DESCRIPTION: Final = 50_000
LONGEST_TYPE: Final = 50
LONGEST_TAG: Final = 50
LONGEST_LINK_NAME: Final = 150
LONGEST_FILE_NAME: Final = 256

#: Kadi4Mat itself has no limit here, but its search index has one of 32766 bytes.
LONGEST_TEXT: Final = 8000
LONGEST_KEY: Final = 250

#: Larger files are sent in chunks, which a worker puts together.
LARGEST_DIRECT_UPLOAD: Final = 50_000_000
CHUNK_SIZE: Final = 10_000_000

#: Control characters and halves of surrogate pairs: PostgreSQL or UTF-8 cannot hold some, and none can be seen.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def shorten(text: str, longest: int) -> str:
    """Return `text` with at most `longest` characters, ending in an ellipsis if some are missing."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def one_line(text: str, longest: int) -> str:
    """Return `text` as Kadi4Mat would store a title or a key: on one line, single spaces, at most `longest` characters."""
    return shorten(" ".join(_UNPRINTABLE.sub(" ", text).split()), longest)


def many_lines(text: str, longest: int) -> str:
    """Return `text` as Kadi4Mat would store a description: without white space around it."""
    return shorten(_UNPRINTABLE.sub(" ", text).strip(), longest).strip()


def exact_text(text: str) -> tuple[str, str | None]:
    """Return how `text` is written as a value, and a note if that is not the text itself.

    A text that Kadi4Mat would change (white space around it, nothing in it, characters that it cannot hold) becomes its
    JSON form, with quotation marks; a very long one is cut.
    """
    notes = []
    if len(text) > LONGEST_TEXT:
        notes.append(f"the first {LONGEST_TEXT} of {len(text)} characters, all are in record.json")
        text = text[:LONGEST_TEXT]
    if not text or text.strip() != text or _UNPRINTABLE.search(text):
        notes.append("written as JSON")
        text = json.dumps(text)
    return text, "; ".join(notes) or None


def iri(text: str | None) -> str | None:
    """Return `text` if Kadi4Mat takes it as a term, else None."""
    return text if text and not set(text) & set('<>" {}|\\^`') and text.isprintable() else None


def tag_names(tags: tuple[str, ...]) -> list[str]:
    """Return tags as Kadi4Mat stores them: lower case, one line, sorted, each once."""
    return sorted({one_line(tag, LONGEST_TAG).lower() for tag in tags if tag.strip()})


def file_name(path: str) -> str:
    """Return the name that a file of a record has in Kadi4Mat: its path, with slashes.

    A path that Kadi4Mat would change or refuse (too long, other white space than single spaces) is written so that two
    paths never get the same name: shortened, and with a part of the path's digest.
    """
    plain = one_line(path, len(path) + 1)
    if plain == path and len(path) <= LONGEST_FILE_NAME:
        return path
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    suffix = one_line(PurePosixPath(path).suffix, 16)
    ending = f"~{digest}{suffix}"
    return plain[: LONGEST_FILE_NAME - len(ending)].rstrip() + ending


def project_identifier(project: str) -> str:
    """Return the identifier of the collection of a project.

    Raises
    ------
    UserError
        If the project's name has no letter or digit.
    """
    identifier = re.sub(r"[^a-z0-9]+", "-", project.lower()).strip("-")
    if len(identifier) > 50:
        identifier = f"{identifier[:41].rstrip('-')}-{hashlib.sha256(project.encode()).hexdigest()[:8]}"
    if not re.fullmatch(IDENTIFIER_PATTERN, identifier):
        raise UserError(f"The project {project!r} has no letter a to z and no digit: give another --project.")
    return identifier
