"""Reading an HDF5 file in a process of its own, which may take little and is given up when it takes more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from kadi_battgen.kadi_plugin.limits import READER_ANSWER, READER_PATIENCE, READER_QUEUE, READERS

_WORKER: Final = "kadi_battgen.kadi_plugin.hdf5.worker"

#: The variables that the process inherits: what programs and libraries need to be found.
_INHERITED: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "LANG")

_free = threading.BoundedSemaphore(READERS)


class UnreadableError(Exception):
    """The file cannot be shown; the text says why, for people."""


def read_page(stream: BinaryIO, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a preview shows of an HDF5 file.

    Parameters
    ----------
    stream
        The open file; it must be one of the operating system.
    request
        ``kind``, ``start`` (position of the first sample shown) and ``filters`` (values by name).

    Raises
    ------
    UnreadableError
        If the file is broken, holds something else, or takes too long.
    """
    if not _free.acquire(timeout=READER_QUEUE):
        raise UnreadableError("The server reads too many files at this moment: try again in a minute.")
    try:
        return _read(stream.fileno(), request)
    finally:
        _free.release()


def _read(descriptor: int, request: Mapping[str, Any]) -> dict[str, Any]:
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {
        # The modules of the server, wherever it has them from.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "HDF5_USE_FILE_LOCKING": "FALSE",
        # No filter of a file may load a library.
        "HDF5_PLUGIN_PRELOAD": "::",
    }
    command = [_interpreter(), "-P", "-s", "-m", _WORKER, str(descriptor), json.dumps(dict(request))]
    with tempfile.TemporaryFile() as answer:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=[descriptor],
                timeout=READER_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreadableError("Reading the file takes too long: download it to look at it.") from None
        answer.seek(0)
        text = answer.read(READER_ANSWER + 1)
    if done.returncode or len(text) > READER_ANSWER:
        raise UnreadableError(
            "The file is broken, or asks for more than a preview may take: download it to look at it."
        )
    document = json.loads(text)
    if "error" in document:
        raise UnreadableError(document["error"])
    return dict(document)


def _interpreter() -> str:
    """Return the Python that the server runs with; inside uWSGI, ``sys.executable`` is uWSGI itself."""
    if Path(sys.executable or "").name.startswith("python"):
        return sys.executable
    return str(Path(sys.exec_prefix) / "bin" / "python3")
