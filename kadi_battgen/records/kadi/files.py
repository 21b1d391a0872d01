"""Files of records: sent and fetched whole, with their checksums."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.progress import ProgressBar, progress_bar
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.content import Content, RemoteFile, md5, opened
from kadi_battgen.records.kadi.session import KadiError

#: Told of every part that has been sent or fetched, by its number of bytes.
Advance = Callable[[int], object]

#: Seconds that the server's worker may take to put the chunks of a file together.
LONGEST_MERGE: Final = 300.0

#: Bytes from which on a progress bar is shown.
_WORTH_A_BAR: Final = 5_000_000

#: How often a file is sent or fetched again when the connection breaks in the middle.
_TRIES: Final = 3


def remote_files(client: KadiClient, number: int, identifier: str) -> dict[str, RemoteFile]:
    """Return the files of a record in Kadi4Mat by their names."""
    found = client.items(f"/records/{number}/files", f"reading the files of {identifier}")
    return {
        file["name"]: RemoteFile(file["id"], file["name"], file["size"], file["checksum"] or "")
        for file in found
        if file["state"] == "active"
    }


def transfer_bar(total: int, description: str, *, enabled: bool = True) -> ProgressBar:
    """Return a progress bar in bytes, which only shows where so many are sent or fetched that one would wonder."""
    return progress_bar(total=total, description=description, unit="B", enabled=enabled and total > _WORTH_A_BAR)


def upload(
    client: KadiClient,
    number: int,
    identifier: str,
    name: str,
    content: Content,
    there: RemoteFile | None,
    advance: Advance = lambda _: None,
) -> bool:
    """Send a file to a record, unless it is there with the same content.

    Parameters
    ----------
    client
        The instance.
    number, identifier
        The record, by its number there and its identifier.
    name
        Name of the file.
    content
        What to send.
    there
        The file of that name which the record has already; its content is replaced.
    advance
        Told of every part that has been sent.

    Returns
    -------
    bool
        Whether anything had to be sent.

    Raises
    ------
    KadiError
        If it cannot be sent, or the server cannot finish it.
    """
    if there is not None and content.is_that_of(there):
        advance(content.size)
        return False
    what = f"sending {name} of {identifier}"
    for left in reversed(range(_TRIES)):
        try:
            _send(client, number, what, name, content, there, advance)
            return True
        except KadiError as error:
            # An answer may have been lost, or another process may have been faster.
            if error.concerns_all or error.status == 400:
                raise
            there = remote_files(client, number, identifier).get(name)
            if there is not None and content.is_that_of(there):
                return True
            if not left:
                raise
    raise AssertionError("the last try either returns or raises")


def download(
    client: KadiClient,
    number: int,
    identifier: str,
    remote: RemoteFile,
    target: Path,
    sha256: str | None,
    advance: Advance = lambda _: None,
) -> None:
    """Fetch a file of a record to `target`, all of it or nothing.

    Parameters
    ----------
    client
        The instance.
    number, identifier
        The record, by its number there and its identifier.
    remote
        The file.
    target
        Where it goes; the file's own name does not matter.
    sha256
        Checksum that it must have, None if the record states none.
    advance
        Told of every part that has been fetched.

    Raises
    ------
    KadiError
        If it cannot be fetched.
    UserError
        If its content is not the one stated.
    """
    what = f"fetching {remote.name} of {identifier}"
    with atomic_path(target) as temporary:
        for left in reversed(range(_TRIES)):
            try:
                digest, size = _receive(
                    client, f"/records/{number}/files/{remote.id}/download", what, temporary, remote.size
                )
            except _BrokenError:
                if left:
                    continue
                raise KadiError(
                    f"{what[0].upper()}{what[1:]} failed: the connection to {client.address} broke."
                ) from None
            if size == remote.size and sha256 in (None, digest):
                advance(size)
                return
            raise UserError(
                f"kadi:{identifier}: the file {remote.name} on {client.address} is not the one that the record names "
                f"(SHA-256 {digest[:16]}..., {size} bytes): ask its owner to put it right."
            )


class _BrokenError(Exception):
    """The connection broke while a file was being fetched."""


def _receive(client: KadiClient, endpoint: str, what: str, target: Path, largest: int) -> tuple[str, int]:
    """Write a file that is being fetched to `target` and return its SHA-256 and size."""
    from niquests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    digest, size = hashlib.sha256(), 0
    response = client.request("get", endpoint, what, stream=True)
    try:
        with open(target, "wb") as stream:
            for part in response.iter_content(1024 * 1024):
                stream.write(part)
                digest.update(part)
                size += len(part)
                if size > largest:
                    break
    except (RequestException, HTTPError):
        raise _BrokenError from None
    finally:
        response.close()
    if size < largest:
        raise _BrokenError
    return digest.hexdigest(), size


def _send(
    client: KadiClient, number: int, what: str, name: str, content: Content, there: RemoteFile | None, advance: Advance
) -> None:
    fields: dict[str, Any] = {"size": content.size, "description": content.description}
    if there is None:
        begun = client.ask("post", f"/records/{number}/uploads", what, json={"name": name, **fields})
    else:
        begun = client.ask("put", f"/records/{number}/files/{there.id}", what, json=fields)
    endpoint = f"/records/{number}/uploads/{begun['id']}"
    with opened(content.source) as stream:
        if begun["upload_type"] == "direct":
            data = stream.read()
            client.request("put", endpoint, what, data=data, headers={"Kadi-MD5-Checksum": md5(data).hexdigest()})
            advance(content.size)
            return
        for index in range(begun["chunk_count"]):
            data = stream.read(begun["_meta"]["chunk_size"])
            headers = {
                "Kadi-Chunk-Index": str(index),
                "Kadi-Chunk-Size": str(len(data)),
                "Kadi-MD5-Checksum": md5(data).hexdigest(),
            }
            client.request("put", endpoint, what, data=data, headers=headers)
            advance(len(data))
    client.request("post", endpoint, what)
    _wait_for_merge(client, endpoint, what)


def _wait_for_merge(client: KadiClient, endpoint: str, what: str) -> None:
    """Wait until the server's worker has put a file together; kadi-apy would wait for ever if there is none."""
    last, pause = time.monotonic() + LONGEST_MERGE, 0.2
    while True:
        task = client.ask("get", endpoint, what)["_meta"].get("task", {})
        if "file" in task:
            return
        if "error" in task:
            raise KadiError(f"{what[0].upper()}{what[1:]} failed: {client.address} says {task['error']}", 409)
        if time.monotonic() > last:
            raise KadiError(
                f"{what[0].upper()}{what[1:]} failed: {client.address} has not put its parts together in "
                f"{LONGEST_MERGE:.0f} s; tell its administrators that no worker runs."
            )
        time.sleep(pause)
        pause = min(2 * pause, 5.0)
