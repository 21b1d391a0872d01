"""Which files a workflow's own file nodes may touch.

``File Input``, ``File Output`` and ``User Output: Text`` reach files in the folder where the workflow runs and in the
folders that its user allowed besides; a relative path counts from the former. What symbolic links lead to counts, not
where they stand. The journal and the logs of the run are left alone. What commands do with paths is up to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.flows.values import shown


class Territory:
    """The folders in which a workflow may read and write files.

    Parameters
    ----------
    folder
        Where it runs.
    more
        Further folders that it may use.
    logs
        Folder of the journal and the logs, which it may not use.
    """

    def __init__(self, folder: Path, more: Sequence[Path], logs: Path) -> None:
        self.folder = folder.resolve()
        self._allowed = [self.folder, *(path.resolve() for path in more)]
        self._logs = logs.resolve()

    def existing(self, text: str, what: str) -> Path:
        """Return the file to read.

        Raises
        ------
        UserError
            If it is not there or may not be read.
        """
        path = self._path(text, what)
        if not path.is_file():
            reason = "is a folder, not a file" if path.is_dir() else "does not exist"
            raise UserError(f"{what} reads {shown(text)}, which {reason}: correct the path or the order of the nodes.")
        return path

    def writable(self, text: str, what: str) -> Path:
        """Return the file to write.

        Raises
        ------
        UserError
            If it is a folder or may not be written.
        """
        path = self._path(text, what)
        if path.is_dir():
            raise UserError(f"{what} writes to {shown(text)}, which is a folder: name a file.")
        return path

    def _path(self, text: str, what: str) -> Path:
        if not text.strip():
            raise UserError(f"{what} is given an empty path: name a file.")
        try:
            path = (self.folder / text).resolve()
            path.exists()
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(f"{what} is given {shown(text)}, which is no path: name a file.") from error
        if path.is_relative_to(self._logs):
            raise UserError(f"{what} is given {shown(text)}, which belongs to the run itself: name another file.")
        if not any(path.is_relative_to(allowed) for allowed in self._allowed):
            raise UserError(
                f"{what} is given {shown(text)}, outside of {self.folder}: name a file in it, or allow that folder too."
            )
        return path
