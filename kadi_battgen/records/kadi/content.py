"""Files as Kadi4Mat knows them, and what is sent there, with their checksums."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from kadi_battgen.records.kadi.limits import CHUNK_SIZE


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record in Kadi4Mat.

    Attributes
    ----------
    id
        Its identifier there.
    name
        Its name, which may hold anything.
    size
        In bytes.
    checksum
        MD5 of the content; of a file sent in chunks, the MD5 of their MD5s with their number behind a hyphen.
    """

    id: str
    name: str
    size: int
    checksum: str


@dataclass(frozen=True)
class Content:
    """What is to be sent: a file or bytes, read once for all its checksums.

    Attributes
    ----------
    source
        The file, or the content itself.
    size
        In bytes.
    sha256
        SHA-256 of the content.
    checksums
        What Kadi4Mat may state as its checksum, sent at once or in chunks.
    description
        What it is, for people; no part of the comparison.
    """

    source: Path | bytes
    size: int
    sha256: str
    checksums: frozenset[str]
    description: str = ""

    @classmethod
    def of(cls, source: Path | bytes, description: str = "") -> Content:
        """Read a file, or take bytes as they are."""
        sha256, whole, chunks, size, count = hashlib.sha256(), md5(), md5(), 0, 0
        with opened(source) as stream:
            while part := stream.read(CHUNK_SIZE):
                sha256.update(part)
                whole.update(part)
                chunks.update(md5(part).digest())
                size, count = size + len(part), count + 1
        checksums = frozenset({whole.hexdigest(), f"{chunks.hexdigest()}-{count}"})
        return cls(source, size, sha256.hexdigest(), checksums, description)

    def is_that_of(self, remote: RemoteFile) -> bool:
        """Tell whether a file in Kadi4Mat has this content."""
        return remote.size == self.size and remote.checksum in self.checksums


def md5(data: bytes = b"") -> Any:
    """Return the MD5 of `data`, to be updated with more."""
    # Not for security: it is the checksum that Kadi4Mat states.
    return hashlib.md5(data, usedforsecurity=False)


def opened(source: Path | bytes) -> BinaryIO:
    """Return a stream of a file or of bytes."""
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")
