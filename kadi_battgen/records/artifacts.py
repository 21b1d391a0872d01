"""Files and folders in a record: what a run used and what it generated, each with its checksum."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

#: PROV-O terms of the links between a run and what it used or made.
PROV_USED: Final = "http://www.w3.org/ns/prov#used"
PROV_WAS_GENERATED_BY: Final = "http://www.w3.org/ns/prov#wasGeneratedBy"

#: Kadi's own rule for identifiers: lower-case letters, digits, hyphens and underscores, at most 50 characters.
IDENTIFIER_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,49}$"


def inner_path(text: str) -> str:
    """Return `text` if it is a path that stays inside the folder it is taken from.

    Records come from other people too, and what they name is written to disk.

    Raises
    ------
    ValueError
        If it is empty or absolute, climbs up, or holds a null character.
    """
    path = PurePosixPath(text)
    if text != path.as_posix() or path.is_absolute() or not path.name or ".." in path.parts or "\0" in text:
        raise ValueError(f"{text!r} is no path inside a folder")
    return text


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]
InnerPath = Annotated[str, AfterValidator(inner_path)]


class Entry(BaseModel):
    """A part of a record: fixed once made, without numbers that JSON cannot hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class FileChecksum(Entry):
    """One file inside a folder.

    Attributes
    ----------
    path
        Path relative to that folder, with forward slashes.
    sha256
        Checksum of the content, hexadecimal.
    size
        Size in bytes.
    record
        Identifier of the record that generated this content, if the store knows one.
    """

    path: InnerPath
    sha256: Sha256
    size: int
    record: Identifier | None = None


class Artifact(Entry):
    """A file, or a folder of files, by reference.

    Attributes
    ----------
    path
        Where the run had it, relative to the record's folder where possible; the store's ``locate`` makes a path of it.
    stored
        Where the record itself keeps a copy: a path relative to its ``files`` folder, with forward slashes; None where
        it keeps none.
    kind
        ``file`` or ``folder``.
    sha256
        Of the content; of a folder, the digest of its manifest (see :func:`kadi_battgen.records.checksums.manifest`).
    size
        Size in bytes, of a folder the sum over its files.
    media_type
        MIME type of a file, where its name tells it.
    description
        What it is, in a few words.
    files
        The files of a folder, in the order of their paths.
    """

    path: str
    stored: InnerPath | None = None
    kind: Literal["file", "folder"] = "file"
    sha256: Sha256
    size: int
    media_type: str | None = None
    description: str = ""
    files: tuple[FileChecksum, ...] = ()

    @property
    def name(self) -> str:
        """Name of the file or folder."""
        return (self.stored or self.path).rpartition("/")[2]

    def checksums(self) -> set[str]:
        """Return the checksum of the artifact and those of the files in it."""
        return {self.sha256, *(entry.sha256 for entry in self.files)}

    def stored_files(self) -> dict[str, FileChecksum]:
        """Return the files that the record keeps of it, by their path relative to the record's ``files`` folder."""
        if self.stored is None:
            return {}
        if self.kind == "folder":
            return {f"{self.stored}/{entry.path}": entry for entry in self.files}
        return {self.stored: FileChecksum(path=self.name, sha256=self.sha256, size=self.size)}


class Input(Artifact):
    """What the run used.

    Attributes
    ----------
    role
        What the step calls this input, such as ``dataset``.
    records
        Identifiers of the records that generated it; several where a folder holds the files of several runs.
    term
        PROV-O term of the relation.
    """

    role: str
    records: tuple[Identifier, ...] = ()
    term: str = PROV_USED


class Output(Artifact):
    """What the run generated.

    Attributes
    ----------
    role
        ``result``, or ``preview`` for what only shows a result (a figure, a structure to look at).
    term
        PROV-O term of the relation.
    """

    role: Literal["result", "preview"] = "result"
    term: str = PROV_WAS_GENERATED_BY
