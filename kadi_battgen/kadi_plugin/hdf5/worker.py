"""The process that reads one HDF5 file: ``python -m kadi_battgen.kadi_plugin.hdf5.worker DESCRIPTOR REQUEST``.

The request is JSON, and so is what it prints. Whatever goes wrong is one sentence under ``error``, or the end of the
process: it has little memory and time, and once the file is open it can open no other and start nothing.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

import h5py

from kadi_battgen.kadi_plugin.hdf5 import images, lattices
from kadi_battgen.kadi_plugin.hdf5.reading import ReadError, attribute
from kadi_battgen.kadi_plugin.kinds import KINDS
from kadi_battgen.kadi_plugin.limits import READER_ANSWER, READER_CPU, READER_MEMORY
from kadi_battgen.kadi_plugin.values import plain_text

_PAGES: Final = {"battgen-images": images.page, "battgen-lattices": lattices.page}


def answer(file: h5py.File, request: dict[str, Any]) -> dict[str, Any]:
    """Return what a preview shows of an open file.

    Raises
    ------
    ReadError
        If the file is not what the request calls it, or cannot be shown.
    """
    kind = KINDS[request["kind"]]
    if attribute(file, "schema") != kind.schema:
        raise ReadError(f"The file is not one of the schema {kind.schema}.")
    return _PAGES[kind.preview](file, kind, int(request.get("start", 0)), dict(request.get("filters", {})))


def _limit() -> None:
    for name, value in (
        (resource.RLIMIT_AS, READER_MEMORY),
        (resource.RLIMIT_CPU, READER_CPU),
        (resource.RLIMIT_FSIZE, 2 * READER_ANSWER),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (value, value))


def _close_the_door() -> None:
    for name in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        resource.setrlimit(name, (0, 0))


def main(descriptor: str, request: str) -> None:
    """Read the file behind a descriptor and print the answer."""
    _limit()
    try:
        with h5py.File(f"/dev/fd/{int(descriptor)}", "r") as file:
            _close_the_door()
            found = answer(file, json.loads(request))
    except ReadError as error:
        found = {"error": plain_text(error, 300)}
    except MemoryError:
        found = {"error": "The file asks for more memory than a preview may take: download it to look at it."}
    except Exception as error:
        # Whatever a broken file makes the library raise; what it says is of no use to readers.
        newer = "version number" in str(error)
        reason = "is of a newer HDF5 than this server's, or broken" if newer else "is broken or truncated"
        found = {"error": f"The file {reason}: make it again, or download it to look at it."}
    sys.stdout.write(json.dumps(found, allow_nan=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
