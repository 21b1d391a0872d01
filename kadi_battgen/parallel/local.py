"""Worker processes of this machine: Dask's LocalCluster with processes of our own.

Dask's own worker processes import the caller's script again, which then needs a guard, and leave their folders behind
when the caller is killed. Those of :mod:`kadi_battgen.parallel.worker` do neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from distributed import Client, LocalCluster, Security
from distributed.deploy.spec import ProcessInterface

import kadi_battgen
from kadi_battgen.parallel.quiet import quiet_dask
from kadi_battgen.parallel.settings import ClusterSettings, available_cores
from kadi_battgen.parallel.worker import ONE_THREAD

#: Workers that a task may end before it is given up.
ALLOWED_FAILURES = 2

_CONFIGURATION = {
    # A worker gets the next task when it is free, so that only the task that ended it is under suspicion.
    "distributed.scheduler.worker-saturation": 1.0,
    # The end of a process is noticed at once; one that is silent is busy.
    "distributed.scheduler.worker-ttl": None,
    "distributed.admin.large-graph-warning-threshold": "100 GB",
}


class LocalWorker(ProcessInterface):
    """One worker process, started again when it ends unexpectedly.

    Attributes
    ----------
    lost
        Exit status of a process that ended before it was ready; it is not started again.
    """

    def __init__(self, scheduler: str, name: int, folder: str, cores: list[int], security: Security, **_: Any) -> None:
        super().__init__(scheduler, name)
        self._certificates = security.get_tls_config_for_role("worker")
        self._command = [sys.executable, "-m", "kadi_battgen.parallel.worker", scheduler, str(name)]
        self._core = cores[name % len(cores)]
        self._folder = Path(folder) / f"worker-{name}"
        self._process: asyncio.subprocess.Process | None = None
        self._guard: asyncio.Task[None] | None = None
        self.lost: int | None = None

    async def start(self) -> None:
        """Start the process; it registers with the scheduler by itself."""
        await self._launch()
        self._guard = asyncio.ensure_future(self._watch())
        await super().start()

    async def close(self) -> None:
        """End the process and remove its folder."""
        if self._guard is not None:
            self._guard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._guard
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        await super().close()

    async def _launch(self) -> None:
        root = str(Path(kadi_battgen.__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            str(self._core),
            str(self._folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
        )
        # Not as an argument or in a file, where others could read the key.
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._certificates).encode() + b"\n")

    async def _watch(self) -> None:
        while True:
            assert self._process is not None
            assert self._process.stdout is not None
            ready = await self._process.stdout.readline()
            status = await self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)
            if not ready:
                self.lost = status
                return
            await self._launch()


class LocalWorkers:
    """The worker processes of this machine.

    Parameters
    ----------
    cluster
        Dask's cluster.
    most
        Number of processes that it may have.
    """

    def __init__(self, cluster: LocalCluster, most: int) -> None:
        self._cluster = cluster
        self._most = most
        self.client = Client(cluster, set_as_default=False, direct_to_workers=True)

    @classmethod
    @contextmanager
    def started(cls, settings: ClusterSettings) -> Iterator[Self]:
        """Start a scheduler in this process; the workers follow when they are needed."""
        import dask

        folder = tempfile.mkdtemp(prefix="kadi-battgen-workers-")
        configuration = {**_CONFIGURATION, "temporary-directory": folder}
        try:
            with quiet_dask(), dask.config.set(configuration):
                cluster = LocalCluster(
                    n_workers=0,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address=None,
                    memory_limit=0,
                    worker_class=LocalWorker,
                    # Whoever reaches a scheduler runs code on its workers: other users of the machine have no certificate.
                    protocol="tls://",
                    security=Security.temporary(),
                    scheduler_kwargs={"allowed_failures": ALLOWED_FAILURES},
                    silence_logs=False,
                    folder=folder,
                    cores=available_cores(),
                )
                with cluster:
                    workers = cls(cluster, settings.processes)
                    with workers.client:
                        yield workers
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def ensure(self, count: int) -> int:
        """Have up to `count` processes and return how many there are."""
        count = max(min(count, self._most), len(self._cluster.worker_spec))
        self._cluster.scale(count)
        return count

    def trouble(self) -> str | None:
        """Return why no further task will be done."""
        processes = list(self._cluster.workers.values())
        if processes and all(process.lost is not None for process in processes):
            return (
                f"The worker processes ended while they were starting (exit status {processes[0].lost}): run the same "
                "command again with fewer workers."
            )
        return None
