"""Records in Kadi4Mat that no run of battgen made, such as measured data: their files can be inputs too."""

from __future__ import annotations

import mimetypes
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kadi_battgen.errors import UserError
from kadi_battgen.records.artifacts import Output, inner_path
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.content import Content, RemoteFile
from kadi_battgen.records.kadi.files import download, remote_files, transfer_bar
from kadi_battgen.records.model import Machine, Process, Record, Software

#: The step of such a record: it was made in Kadi4Mat itself.
FOREIGN_STEP: Final = "kadi4mat"

#: All files of such a record are fetched, since only their content tells their SHA-256.
LARGEST_FOREIGN: Final = 20_000_000_000


def adopt(client: KadiClient, found: dict[str, Any], files_folder: Path | None) -> Record:
    """Return a record for one that battgen did not make, with its files downloaded.

    Such a record can change, so that every call asks what files it has; those that are here already are not fetched again.

    Parameters
    ----------
    client
        The instance.
    found
        The record, as Kadi4Mat returns it.
    files_folder
        Where its files go; one whose name would lead out of it is left out. None to leave out all.

    Raises
    ------
    UserError
        If there is no file that can be used, or they are too large together.
    """
    outputs = [] if files_folder is None else _fetch_files(client, found, files_folder)
    return Record(
        identifier=found["identifier"],
        step=FOREIGN_STEP,
        record_type=found["type"] or FOREIGN_STEP,
        title=found["title"],
        description=found["description"],
        tags=tuple(found["tags"]),
        license=found["license"],
        state="succeeded",
        files=outputs,
        started=datetime.fromisoformat(found["created_at"]),
        ended=datetime.fromisoformat(found["last_modified"]),
        software=Software(name="Kadi4Mat", version=client.version, python="unknown"),
        machine=Machine(platform="unknown", cpu="unknown", cores=1),
        process=Process(pid=0),
    )


def _fetch_files(client: KadiClient, found: dict[str, Any], files_folder: Path) -> list[Output]:
    identifier, number = found["identifier"], found["id"]
    files = {name: file for name, file in remote_files(client, number, identifier).items() if _stays_inside(name)}
    total = sum(file.size for file in files.values())
    if not files:
        raise UserError(f"kadi:{identifier} on {client.address} has no files: name a record that has.")
    if total > LARGEST_FOREIGN:
        raise UserError(
            f"kadi:{identifier} has files of {total / 1e9:.0f} GB, and battgen did not make it: download the one you need and "
            "give its path."
        )
    outputs = []
    with transfer_bar(total, f"kadi:{identifier}") as bar:
        for name, file in sorted(files.items()):
            target = files_folder / name
            if not (target.is_file() and Content.of(target).is_that_of(file)):
                download(client, number, identifier, file, target, None)
            bar.update(file.size)
            outputs.append(_output(name, file, target, identifier))
    return outputs


def _output(name: str, file: RemoteFile, target: Path, identifier: str) -> Output:
    content = Content.of(target)
    if not content.is_that_of(file):
        raise UserError(
            f"kadi:{identifier}: {name} does not have the checksum that Kadi4Mat states: have it uploaded again."
        )
    media_type = mimetypes.guess_type(name)[0]
    return Output(path=name, stored=name, sha256=content.sha256, size=content.size, media_type=media_type)


def _stays_inside(name: str) -> bool:
    try:
        inner_path(name)
    except ValueError:
        return False
    return True
