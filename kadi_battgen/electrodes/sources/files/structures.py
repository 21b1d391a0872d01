"""Structures by name: a folder of files, or one JSON file of ``{id: CIF text}``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from kadi_battgen.electrodes.sources.files.parsing import STRUCTURE_ENDINGS
from kadi_battgen.electrodes.sources.files.table import read_bytes, read_json_text
from kadi_battgen.errors import UserError
from kadi_battgen.files import sha256_file

#: Largest structure file in bytes; a cell of 2,000 atoms takes a tenth of a megabyte.
LARGEST_STRUCTURE = 10 * 2**20

#: Most files in a folder of structures.
MOST_FILES = 200_000

_VASP_NAME = re.compile(
    r"(?:(?:poscar|contcar)[._-](?P<after>.+)|(?P<before>.+)[._-](?:poscar|contcar))", re.IGNORECASE
)


class StructureLibrary(Protocol):
    """Where structures are found by name.

    Attributes
    ----------
    path
        Folder or file.
    """

    path: Path

    def find(self, name: str) -> str:
        """Return the library's own name of the structure that `name` means.

        Raises
        ------
        UserError
            If there is none, several answer to the name, or it leads out of the library.
        """
        ...

    def read(self, entry: str) -> str:
        """Return the text of a structure by its own name.

        Raises
        ------
        UserError
            If it cannot be read or is no text.
        """
        ...

    def facts(self) -> dict[str, str | int]:
        """Return what a data set's metadata tell of the library."""
        ...


def open_library(path: str | os.PathLike[str]) -> StructureLibrary:
    """Return the library at `path`.

    Parameters
    ----------
    path
        A folder of CIF, POSCAR or extended XYZ files, nested as one likes, or a ``.json`` or ``.json.gz`` file with an
        object of structure texts by id.

    Raises
    ------
    UserError
        If it is neither, or holds no structure.
    """
    place = Path(path)
    if place.is_dir():
        return FolderLibrary(place)
    if place.is_file():
        return JsonLibrary(place)
    raise UserError(
        f"{place} is not a folder: give the folder with the structure files, or a .json.gz of {{id: CIF text}}."
    )


class JsonLibrary:
    """Structure texts in one JSON file, by id.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        document = read_json_text(path)
        if not isinstance(document, dict) or not document:
            raise UserError(f"{path} holds no structures by id: write it as {{id: CIF text}}.")
        self._texts = document

    def find(self, name: str) -> str:
        """Return `name` if the file has it."""
        if name not in self._texts:
            raise UserError(f"{self.path.name} holds no structure {name!r}: add it, or mend the name")
        return name

    def read(self, entry: str) -> str:
        """Return the text of a structure."""
        text = self._texts[entry]
        if not isinstance(text, str):
            raise UserError(f"{self.path.name}, structure {entry!r} is no text: give the content of a CIF")
        if len(text) > LARGEST_STRUCTURE:
            raise UserError(f"{self.path.name}, structure {entry!r} is larger than {LARGEST_STRUCTURE / 2**20:.0f} MiB")
        return text

    def facts(self) -> dict[str, str | int]:
        """Return name, checksum and number of structures of the file."""
        return {
            "structures": self.path.name,
            "structures_sha256": sha256_file(self.path),
            "structures_available": len(self._texts),
        }


class FolderLibrary:
    """Structure files in a folder and its sub-folders.

    A file answers to its path in the folder, with or without its ending, to its name without ending, and to ``ID`` in
    ``POSCAR_ID``, ``POSCAR.ID``, ``ID.POSCAR``; a ``POSCAR`` or ``CONTCAR``, and a structure file that is alone in its
    folder, answers to the name of that folder too.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.resolve()
        self._files = sorted(self._walk())
        self._names: dict[str, list[str]] = {}
        alone = self._alone_in_their_folder()
        for entry in self._files:
            for name in dict.fromkeys(_names(entry, entry in alone)):
                self._names.setdefault(name, []).append(entry)
        if not self._files:
            raise UserError(f"{path} holds no files: give the folder with the structure files.")

    def _walk(self) -> Iterator[str]:
        """Yield the files by their path in the folder; linked folders are not entered."""
        count = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                count += 1
                if count > MOST_FILES:
                    raise UserError(
                        f"{self.path} holds more than {MOST_FILES} files: give a folder of structures alone."
                    )
                yield (Path(folder) / name).relative_to(self.path).as_posix()

    def _alone_in_their_folder(self) -> set[str]:
        """Return the structure files in sub-folders that hold no other one."""
        folders: dict[str, list[str]] = {}
        for entry in self._files:
            if "/" in entry and _stem(entry)[1]:
                folders.setdefault(entry.rpartition("/")[0], []).append(entry)
        return {entries[0] for entries in folders.values() if len(entries) == 1}

    def find(self, name: str) -> str:
        """Return the path in the folder of the one file that answers to `name`."""
        given = name.strip().replace("\\", "/")
        if not given:
            raise UserError("no structure is named: fill the column, or call the file by the row's id")
        path = PurePosixPath(given)
        if path.is_absolute() or re.match(r"[A-Za-z]:", given) or _leaves(path):
            raise UserError(f"structure {name!r} lies outside {self.path}: name a file in it")
        plain = str(path)
        # An exact path goes before all else that a file may be called.
        matches = [plain] if plain in self._exact else self._names.get(plain.lower(), [])
        if not matches:
            raise UserError(f"structure {name!r} does not exist in {self.path}: add the file, or mend the name")
        if len(matches) > 1:
            raise UserError(
                f"structure {name!r} may be {matches[0]} or {matches[1]}: name the file in a column structure"
            )
        if not (self._root / matches[0]).resolve().is_relative_to(self._root):
            raise UserError(
                f"structure {name!r} lies outside {self.path}, for it is a link: copy the file into the folder"
            )
        return matches[0]

    @property
    def _exact(self) -> frozenset[str]:
        return self.__dict__.setdefault("_exact_paths", frozenset(self._files))

    def read(self, entry: str) -> str:
        """Return the text of a file."""
        path = self.path / entry
        if not path.is_file():
            raise UserError(f"{entry} is no ordinary file: give a structure file")
        try:
            return read_bytes(path, LARGEST_STRUCTURE).decode("utf-8-sig")
        except UnicodeDecodeError:
            # Old CIFs have the names of their authors in Latin-1; the structure itself is ASCII.
            return read_bytes(path, LARGEST_STRUCTURE).decode("latin-1")

    def facts(self) -> dict[str, str | int]:
        """Return name and number of files of the folder."""
        return {"structures": self._root.name, "structures_available": len(self._files)}


def _leaves(path: PurePosixPath) -> bool:
    """Tell whether a relative path goes above where it starts."""
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return ".." in path.parts


def _stem(entry: str) -> tuple[str, bool]:
    """Return a path without the ending of a structure file, and whether it looks like one at all."""
    plain = entry[:-3] if entry.lower().endswith(".gz") else entry
    ending = next((ending for ending in STRUCTURE_ENDINGS if plain.lower().endswith(ending)), "")
    name = plain.rpartition("/")[2].lower()
    return plain[: len(plain) - len(ending)], bool(ending) or name.startswith(("poscar", "contcar"))


def _names(entry: str, alone: bool) -> Iterator[str]:
    """Yield what a file answers to, in small letters."""
    stem = _stem(entry)[0].lower()
    folder, _, name = stem.rpartition("/")
    yield from (entry.lower(), entry.lower().rpartition("/")[2], stem, name)
    match = _VASP_NAME.fullmatch(name)
    if match is not None:
        yield match["after"] or match["before"]
    if folder and (alone or name in ("poscar", "contcar")):
        yield from (folder, folder.rpartition("/")[2])
