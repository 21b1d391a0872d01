"""Records as inputs: ``kadi:IDENTIFIER`` and ``run:IDENTIFIER`` wherever a path is accepted."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file
from kadi_battgen.records.artifacts import IDENTIFIER_PATTERN, FileChecksum, Output
from kadi_battgen.records.chain import read_chain
from kadi_battgen.records.checksums import folder_checksums, manifest_digest
from kadi_battgen.records.local import RECORD_FILE, LocalStore
from kadi_battgen.records.model import Record
from kadi_battgen.records.paths import link_or_copy
from kadi_battgen.records.store import Store

#: What an option takes: a file, a folder, or a folder with the models of several trainings.
InputKind = Literal["file", "folder", "models"]

#: Type of the records whose folders together make a model folder.
MODEL_TRAINING = "model-training"

_REFERENCE = re.compile(r"(?P<place>kadi|run):(?P<identifier>[^/\s]+)(?:/(?P<name>.+))?")


@dataclass(frozen=True)
class Reference:
    """A record named as an input.

    Attributes
    ----------
    place
        ``kadi`` for a record in Kadi4Mat, ``run`` for one in the folder of local records.
    identifier
        Identifier of the record.
    name
        Which of its results, as a path relative to the record's files; None if it has only one that fits.
    """

    place: Literal["kadi", "run"]
    identifier: str
    name: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """Return the reference that `text` is, None if it is a path."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            return None
        return cls("kadi" if match["place"] == "kadi" else "run", match["identifier"], match["name"])

    def __str__(self) -> str:
        return f"{self.place}:{self.identifier}" + (f"/{self.name}" if self.name else "")


@dataclass(frozen=True)
class Resolved:
    """Where an input lies on this machine, and the records that are known to have made it."""

    path: Path
    records: tuple[str, ...] = ()


def resolve(store: Store, text: str | os.PathLike[str], kind: InputKind = "file") -> Resolved:
    """Return the local path behind a path or a record reference.

    Parameters
    ----------
    store
        Where ``run:`` records are, and where ``kadi:`` records are downloaded from.
    text
        A path, ``kadi:IDENTIFIER``, ``run:IDENTIFIER``, either with ``/NAME`` for one of several results, or the path
        of a local run's folder.
    kind
        What the option takes. With ``models`` a record stands for its own model and those it was trained on, put
        together in one folder.

    Raises
    ------
    UserError
        If the record is missing or has no such result, or its content is gone or changed.
    """
    reference = Reference.parse(os.fspath(text))
    if reference is None:
        path = Path(text)
        if not (path / RECORD_FILE).is_file():
            return Resolved(path)
        store, reference = LocalStore(path.absolute().parent), Reference("run", path.absolute().name)
    record = (store.fetch if reference.place == "kadi" else store.load)(reference.identifier)
    if record.state != "succeeded":
        raise UserError(f"{reference} is a run that ended as {record.state}: name one that succeeded.")
    if kind == "models" and reference.name is None:
        return _gather_models(store, reference, record)
    return Resolved(_result(store, reference, record, kind), (record.identifier,))


def find_record(store: Store, text: str | os.PathLike[str]) -> tuple[Store, Record]:
    """Return the record that a user means, and the store that it and its sources are in.

    Parameters
    ----------
    store
        Where records are looked for.
    text
        ``run:IDENTIFIER``, ``kadi:IDENTIFIER``, a bare identifier, the path of a local run's folder, or the path of a
        file or folder that a run generated, which is told by its content.

    Raises
    ------
    UserError
        If there is no such record, or no record says that it generated the file as it is now.
    """
    reference, path = Reference.parse(os.fspath(text)), Path(text)
    if reference is not None:
        return store, (store.fetch if reference.place == "kadi" else store.load)(reference.identifier)
    if (path / RECORD_FILE).is_file():
        store = LocalStore(path.absolute().parent)
        return store, store.load(path.absolute().name)
    if path.exists():
        digest = manifest_digest(folder_checksums(path)) if path.is_dir() else sha256_file(path)
        identifier = store.find_by_checksum(digest)
        if identifier is None:
            raise UserError(
                f"No record says that it made {path} as it is now (SHA-256 {digest[:16]}...): it has changed since or was "
                "not made by a recorded run, or its records are elsewhere (--records FOLDER, --instance NAME)."
            )
        return store, store.load(identifier)
    if not re.fullmatch(IDENTIFIER_PATTERN, os.fspath(text)):
        raise UserError(
            f"{text} is neither a file nor a record: give a file that a run made, run:ID, kadi:ID or the folder of a run."
        )
    return store, store.load(os.fspath(text))


def _result(store: Store, reference: Reference, record: Record, kind: InputKind) -> Path:
    """Return the local path of the one result that `reference` means."""
    if reference.name is not None:
        chosen, inner = _named(reference, record)
        path = store.obtain(record.identifier, chosen)
        return path / inner.path if inner else path
    wanted = "file" if kind == "file" else "folder"
    fitting = [entry for entry in record.results if entry.kind == wanted]
    if len(fitting) == 1:
        return store.obtain(record.identifier, fitting[0])
    names = ", ".join(f"{reference}/{entry.stored or entry.name}" for entry in record.results)
    raise UserError(
        f"{reference} has {len(fitting)} results that are a {wanted}: "
        + (f"name one as {names}." if names else "name a record of a run that made one.")
    )


def _named(reference: Reference, record: Record) -> tuple[Output, FileChecksum | None]:
    """Return the output called `reference.name`, or the folder output that holds a file of that name, with the file."""
    for entry in record.files:
        if reference.name in (entry.stored, entry.name):
            return entry, None
        for inner in entry.files:
            if reference.name == f"{entry.stored or entry.name}/{inner.path}":
                return entry, inner
    names = ", ".join(entry.stored or entry.name for entry in record.files) or "none"
    raise UserError(f"{reference}: the record has no {reference.name}; its results are {names}.")


def _gather_models(store: Store, reference: Reference, record: Record) -> Resolved:
    """Return a folder that holds the model of `record` and those that it goes back to, one sub-folder each."""
    folders: dict[str, tuple[Record, Output]] = {}
    for source in read_chain(store, record.identifier):
        if source.record_type == MODEL_TRAINING and source.state == "succeeded":
            for output in source.results:
                if output.kind == "folder":
                    folders.setdefault(output.name, (source, output))
    if not folders:
        raise UserError(f"{reference} is no training and was not trained on one: name a record of a training.")
    state = "".join(f"{name} {output.sha256}\n" for name, (_, output) in sorted(folders.items()))
    gathered = store.workspace() / hashlib.sha256(state.encode()).hexdigest()[:32]
    if not gathered.is_dir():
        temporary = gathered.with_name(f"{gathered.name}.{os.getpid()}.partial")
        shutil.rmtree(temporary, ignore_errors=True)
        for name, (source, output) in folders.items():
            path = store.obtain(source.identifier, output)
            for entry in output.files:
                link_or_copy(path / entry.path, temporary / name / entry.path)
        try:
            temporary.rename(gathered)
        except OSError:  # another process was faster
            shutil.rmtree(temporary, ignore_errors=True)
    return Resolved(gathered, tuple(dict.fromkeys(source.identifier for source, _ in folders.values())))
