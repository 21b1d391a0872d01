"""Where work runs: on the cores of this machine, on a Dask cluster that is there already, or in jobs of a queue."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

from kadi_battgen.errors import UserError

#: Address of a Dask scheduler.
_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[^\s/:]+):\d{1,5}")


def available_cores() -> list[int]:
    """Return the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@dataclass(frozen=True)
class ClusterSettings:
    """Where work runs.

    Attributes
    ----------
    workers
        Processes on this machine, one core each; all cores if not given.
    scheduler
        Address of a running Dask scheduler (``tcp://host:port``, or ``tls://host:port`` with the certificates of Dask's
        own configuration), or path of a YAML file that describes the jobs of a queue (see
        :class:`kadi_battgen.parallel.jobs.JobQueue`). Dask sends code: an address is a program of one's own that runs
        whatever it is told, and that this process believes, so connect to no other cluster than one's own.

    Raises
    ------
    UserError
        If there are no workers to start, both are given, or the address is none.
    """

    workers: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UserError(f"{self.workers} workers were asked for: give 1 or more.")
        if self.workers is not None and self.scheduler is not None:
            raise UserError(
                f"Both {self.workers} workers and the scheduler {self.scheduler} were given: give one of them, the number "
                "of workers of a scheduler is its own affair."
            )
        if self.scheduler is not None and "://" in self.scheduler and not _ADDRESS.fullmatch(self.scheduler):
            raise UserError(f"{self.scheduler} is no address of a Dask scheduler: write it as tcp://host:port.")

    @property
    def kind(self) -> Literal["local", "address", "jobs"]:
        """``local`` for processes of this machine, ``address`` for a running scheduler, ``jobs`` for a job queue."""
        if self.scheduler is None:
            return "local"
        return "address" if "://" in self.scheduler else "jobs"

    @property
    def processes(self) -> int:
        """Most processes that are started on this machine; 0 where the work runs elsewhere."""
        return (self.workers or len(available_cores())) if self.kind == "local" else 0

    def describe(self) -> str:
        """Return what the work runs on, for a log."""
        if self.kind == "local":
            return f"{self.processes} worker process{'es' * (self.processes != 1)} of this machine"
        return f"the Dask scheduler {self.scheduler}" if self.kind == "address" else f"the jobs of {self.scheduler}"
