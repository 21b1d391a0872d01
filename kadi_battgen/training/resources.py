"""What a training took: seconds and memory, added up over its interruptions.

They are different in every run and no part of a model, so they lie beside its card and not in it.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

from kadi_battgen.errors import UserError
from kadi_battgen.files import read_json, write_json

#: File beside the card.
RESOURCES = "resources.json"


class ResourceLog:
    """Keeps ``resources.json`` of a training up to date.

    Parameters
    ----------
    folder
        The model's folder.
    device
        Where it is trained, such as ``cpu`` or ``cuda:0``.
    resumed
        Whether it goes on with an interrupted training, whose seconds count too.
    """

    def __init__(self, folder: Path, device: str, *, resumed: bool = False) -> None:
        self.path, self.device = folder / RESOURCES, device
        before = read_resources(folder) if resumed else {}
        self._seconds = float(before.get("seconds", 0.0))
        self._memory = int(before.get("peak_memory_bytes", 0))
        self._interruptions = int(before.get("interruptions", 0)) + int(resumed)
        self._started = time.monotonic()
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)

    def write(self) -> None:
        """Write what the training has taken so far."""
        document = {
            "seconds": round(self._seconds + time.monotonic() - self._started, 3),
            "peak_memory_bytes": max(self._memory, peak_memory(self.device)),
            "memory_of": "device" if self.device.startswith("cuda") else "process",
            "device": self.device,
            "threads": torch.get_num_threads(),
            "cores": os.cpu_count(),
            "interruptions": self._interruptions,
        }
        write_json(self.path, document)


def peak_memory(device: str) -> int:
    """Return the largest memory so far in bytes: what tensors took on a GPU, else what the whole process took."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    # Kilobytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_resources(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what the training of a model took; empty where that is not known."""
    try:
        document = read_json(Path(folder) / RESOURCES)
    except UserError:
        return {}
    return document if isinstance(document, dict) else {}
