"""Workers in the jobs of a queue, through dask-jobqueue.

A file like this describes them; one core of a job is one worker::

    system: slurm
    jobs: 4
    cores: 16
    memory: 32 GB
    walltime: 02:00:00
    queue: compute
    account: batteries
    interface: ib0
    directives: [--constraint=icelake]
    prologue: [module load python]

The scheduler runs where the command was started and the jobs connect to it, so that host must be reachable from them.
Whoever can reach it can run code as its user: without TLS, configured as Dask describes, use it in a trusted network.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from kadi_battgen.errors import UserError
from kadi_battgen.files import existing_file
from kadi_battgen.parallel.quiet import quiet_dask
from kadi_battgen.parallel.remote import RemoteWorkers
from kadi_battgen.parallel.worker import ONE_THREAD

#: Program that hands a job to the queue of each system.
_PROGRAMS = {"slurm": "sbatch"}


class JobQueue(BaseModel):
    """Jobs of a queue and the workers in them.

    Attributes
    ----------
    system
        ``slurm``, or ``local`` for jobs that are processes of this machine, to try a file out.
    jobs
        Number of jobs.
    cores
        Cores, and so workers, of each job.
    memory
        Memory of each job with its unit, as in ``32 GB``.
    walltime
        Time limit of each job as hours:minutes:seconds, with days before a hyphen if there are any.
    queue, account
        Partition and account that the jobs are charged to.
    interface
        Network interface through which jobs and scheduler reach each other.
    directives
        Further options of the queue's header, such as ``--constraint=icelake``.
    prologue
        Shell commands that each job runs first.
    python
        Python that has kadi-battgen on the nodes; the one that runs here if not given.
    log_directory
        Folder for what the jobs print.
    local_directory
        Folder on the nodes for temporary files.
    wait_minutes
        Minutes that the first job may wait in the queue.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Literal["slurm", "local"] = "slurm"
    jobs: int = Field(ge=1)
    cores: int = Field(ge=1)
    memory: str
    walltime: str | None = Field(default=None, pattern=r"^(\d+-)?\d{1,3}:\d{2}(:\d{2})?$")
    queue: str | None = None
    account: str | None = None
    interface: str | None = None
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    python: str | None = None
    log_directory: str | None = None
    local_directory: str | None = None
    wait_minutes: float = Field(default=60.0, gt=0)

    @field_validator("memory")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        from dask.utils import parse_bytes

        if value.strip().isdigit() or not value.strip()[:1].isdigit() or parse_bytes(value) <= 0:
            raise ValueError("give a number and its unit, as in 32 GB")
        return value

    @field_validator("*")
    @classmethod
    def _is_one_line(cls, value: Any) -> Any:
        if any("\n" in text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)):
            raise ValueError("a line break does not fit into a job script")
        return value

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a file.

        Raises
        ------
        UserError
            If it is missing, is not YAML, or holds an unknown or impossible field.
        """
        import yaml

        source = existing_file(path)
        try:
            # Every scalar as the text that stands there: YAML would read the time 02:00:00 as the number 7200.
            fields = yaml.BaseLoader(source.read_text(encoding="utf-8")).get_single_data()
            return cls.model_validate(fields if fields is not None else {})
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{source} is not YAML ({str(error).splitlines()[0]}): mend the file.") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            what = first["msg"].removeprefix("Value error, ")
            if first["type"] == "extra_forbidden":
                what = f"no such field, choose from {', '.join(cls.model_fields)}"
            raise UserError(f"{source}: {where}: {what}.") from error

    def cluster(self) -> Any:
        """Return dask-jobqueue's cluster without any job yet.

        Raises
        ------
        UserError
            If the queue's programs are not here.
        """
        from dask_jobqueue.local import LocalCluster
        from dask_jobqueue.slurm import SLURMCluster

        program = _PROGRAMS.get(self.system)
        if program is not None and shutil.which(program) is None:
            raise UserError(
                f"{program} is not found: run this command on a login node of the {self.system.upper()} cluster, or leave "
                "out --scheduler."
            )
        options: dict[str, Any] = {
            "cores": self.cores,
            "processes": self.cores,
            "memory": self.memory,
            "interface": self.interface,
            "python": self.python,
            "log_directory": self.log_directory,
            "local_directory": self.local_directory,
            "job_script_prologue": self._prologue(),
            "worker_extra_args": ["--no-dashboard", "--preload", "kadi_battgen.parallel.preload"],
            "scheduler_options": {"dashboard": False, "dashboard_address": None},
        }
        if self.system == "local":
            options["scheduler_options"]["host"] = "127.0.0.1"
            return LocalCluster(**options)
        options["job_extra_directives"] = list(self.directives)
        return SLURMCluster(
            queue=self.queue, account=self.account, walltime=self.walltime, job_name="battgen", **options
        )

    def _prologue(self) -> list[str]:
        # A local job is one command that no shell reads.
        if self.system == "local":
            return []
        return [*self.prologue, *(f"export {name}={value}" for name, value in ONE_THREAD.items())]


class JobWorkers(RemoteWorkers):
    """The workers of jobs that were queued here."""

    @classmethod
    @contextmanager
    def queued(cls, path: str | os.PathLike[str]) -> Iterator[Self]:
        """Queue jobs for the duration of a ``with`` block.

        Raises
        ------
        UserError
            If the file is wrong, or the jobs cannot be queued.
        """
        import dask
        from distributed import Client
        from distributed.core import Status

        queue = JobQueue.read(path)
        # A worker is busy, not lost, as long as its connection stands.
        with quiet_dask(), dask.config.set({"distributed.scheduler.worker-ttl": None}):
            try:
                cluster = queue.cluster()
            except (OSError, ValueError, RuntimeError) as error:
                raise UserError(f"{path}: the cluster cannot be started ({_line(error)}).") from error
            with cluster, Client(cluster, set_as_default=False) as client:
                try:
                    # Not scale(), which submits later, where nobody hears of an error.
                    while len(cluster.worker_spec) < queue.jobs:
                        cluster.worker_spec.update(cluster.new_worker_spec())
                    cluster.sync(cluster._correct_state)
                except (OSError, RuntimeError) as error:
                    for job in cluster._created:
                        job.status = Status.failed  # else closing the cluster takes it for an error of its own
                    raise UserError(f"{path}: the queue refuses the jobs ({_line(error)}).") from error
                yield cls(client, f"The cluster of {path}", 60.0 * queue.wait_minutes)


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
