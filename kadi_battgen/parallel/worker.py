"""A worker process of this machine: one thread on one core, that ends with the process that started it.

It is started as ``python -m kadi_battgen.parallel.worker SCHEDULER NAME CORE FOLDER``. Its standard input is the line to
its starter: first come the certificates of this cluster, one JSON object; when it ends, however it ends, the worker removes
the folder of all workers and ends too. Standard output holds one line that says that it is ready; whatever tasks print goes
to standard error.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

#: Environment that keeps numerical libraries from starting threads of their own.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def bind_to_core(core: int) -> None:
    """Bind this process to one core, where the system can; OpenCL runtimes then run a single thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def _end_with_starter(folder: Path) -> None:
    while os.read(0, 1024):
        pass
    # The folder of all workers and the scheduler: none of them is needed any more. Another worker may be writing into it.
    for _ in range(50):
        shutil.rmtree(folder.parent, ignore_errors=True)
        if not folder.parent.exists():
            break
        time.sleep(0.1)
    os._exit(1)


def _read_certificates() -> dict[str, str]:
    """Return the first line of standard input; empty where the starter ended before it wrote one."""
    line = b""
    while not line.endswith(b"\n"):
        # Byte by byte and not through sys.stdin, whose lock the interpreter needs at exit.
        received = os.read(0, 1)
        if not received:
            return {}
        line += received
    return dict(json.loads(line))


async def _serve(scheduler: str, name: int, folder: Path, ready: int, certificates: dict[str, str]) -> None:
    import dask
    from distributed import Security, Worker

    from kadi_battgen.parallel.quiet import mute_dask

    mute_dask()
    with dask.config.set({"distributed.worker.profile.enabled": False}):
        worker = await Worker(
            scheduler,
            nthreads=1,
            name=name,
            host="127.0.0.1",
            dashboard=False,
            memory_limit=0,
            local_directory=str(folder),
            security=Security(
                require_encryption=True,
                tls_ca_file=certificates.get("ca_file"),
                tls_worker_cert=certificates.get("cert"),
                tls_worker_key=certificates.get("key"),
            ),
        )
        os.write(ready, b"ready\n")
        await worker.finished()


def main(scheduler: str, name: str, core: str, folder: str) -> None:
    """Work for a scheduler until the starter ends."""
    # An interrupt ends the starter, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ready = os.dup(1)
    os.dup2(2, 1)
    bind_to_core(int(core))
    certificates = _read_certificates()
    threading.Thread(target=_end_with_starter, args=(Path(folder),), daemon=True).start()
    warnings.filterwarnings("ignore")
    asyncio.run(_serve(scheduler, int(name), Path(folder), ready, certificates))


if __name__ == "__main__":
    main(*sys.argv[1:])
