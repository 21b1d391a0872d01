"""What the readers of all training data sets share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np

from kadi_battgen.datasets.splitting import PARTS
from kadi_battgen.errors import UserError


@dataclass
class DatasetFile:
    """A data set opened for reading, whose column ``part`` says what each sample is for; use it as a context manager.

    Attributes
    ----------
    path
        The file.
    file
        The open HDF5 file.
    """

    path: Path
    file: h5py.File

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()

    def __len__(self) -> int:
        return int(self.file["part"].shape[0])

    def indices(self, part: str) -> np.ndarray:
        """Return the positions of a part's samples.

        Raises
        ------
        UserError
            If there is no such part.
        """
        if part not in PARTS:
            raise UserError(f"Part {part!r} is not known: choose from {', '.join(PARTS)}.")
        return np.flatnonzero(self.file["part"][:] == PARTS.index(part))

    def column(self, name: str) -> np.ndarray:
        """Return a whole column that is not an image or a lattice."""
        return self.file[name][:]
