"""Tasks run by a cluster of workers, and what goes wrong on the way said in one sentence."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from typing import Any, Protocol

from kadi_battgen.errors import UserError
from kadi_battgen.parallel.packing import call, pack
from kadi_battgen.parallel.settings import ClusterSettings

#: Tasks sent out ahead for each worker, so that none waits for the next one; results in memory are bounded by it.
TASKS_PER_WORKER = 2

#: Results held back for the order's sake, for each task on its way.
_HELD_PER_TASK = 4

#: Seconds between two looks at whether the cluster still works.
_HEALTH_SECONDS = 2.0


class Workers(Protocol):
    """Workers that a Dask client reaches.

    Attributes
    ----------
    client
        A ``distributed.Client``.
    """

    client: Any

    def ensure(self, count: int) -> int:
        """Have up to `count` workers come up and return the number of tasks that run at once."""

    def trouble(self) -> str | None:
        """Return why no further task will be done, None if all is well."""


class Cluster:
    """Workers on this machine or others; made by :func:`open_cluster`.

    Parameters
    ----------
    settings
        Where work runs.
    isolated
        See :func:`open_cluster`.
    """

    def __init__(self, settings: ClusterSettings, *, isolated: bool = False) -> None:
        self.settings = settings
        self._isolated = isolated
        self._stack = ExitStack()
        self._workers: Workers | None = None

    def run(
        self,
        function: Callable[[Any], Any],
        tasks: Sequence[Any],
        *,
        name: Callable[[Any], str] | None = None,
        ordered: bool = False,
    ) -> Iterator[tuple[int, Any]]:
        """Have tasks done by all workers.

        At most :data:`TASKS_PER_WORKER` tasks and results per worker are on their way at a time, however many there are.
        The tasks of a worker that is lost are done again by the others.

        Parameters
        ----------
        function
            A pure function of one task, defined in a module. Compiled code that runs for seconds should release Python's
            global lock, else the worker cannot answer meanwhile.
        tasks
            What can be pickled. They are taken from the sequence one by one as they are sent out.
        name
            Describes a task at the start of a message, as in ``Electrode mp-19017``.
        ordered
            Yield in the order of the tasks; few results are held back for it.

        Yields
        ------
        tuple of int and object
            Position in `tasks` and value, as they are finished; without `ordered` in no fixed order.

        Raises
        ------
        UserError
            If the function raised one, a task ended every worker that it was given to, or the cluster was lost.
        """
        if self._runs_here(len(tasks)):
            for position, task in enumerate(tasks):
                yield position, function(task)
            return
        if self._workers is None:
            self._workers = self._stack.enter_context(_started(self.settings))
        yield from _distribute(self._workers, function, tasks, name, ordered)

    def close(self) -> None:
        """End the workers that were started here."""
        self._workers = None
        self._stack.close()

    def _runs_here(self, tasks: int) -> bool:
        local = self.settings.kind == "local" and not self._isolated
        return tasks == 0 or (local and min(tasks, self.settings.processes) == 1)


@contextmanager
def open_cluster(settings: ClusterSettings | None = None, *, isolated: bool = False) -> Iterator[Cluster]:
    """Open a cluster for the duration of a ``with`` block.

    Workers are started when the first tasks come, and no more than there are tasks. On this machine each is a process of
    one thread bound to one core; they end with this process, however it ends.

    Parameters
    ----------
    settings
        Where work runs.
    isolated
        Run tasks in worker processes even where one worker is enough. Otherwise one worker or one task on this machine
        is run in the calling process: starting a process and its packages would take longer than most of them.

    Yields
    ------
    Cluster
        Its method ``run`` does the work.

    Raises
    ------
    UserError
        If the workers cannot be started or reached.
    """
    cluster = Cluster(settings or ClusterSettings(), isolated=isolated)
    try:
        yield cluster
    finally:
        cluster.close()


@contextmanager
def _started(settings: ClusterSettings) -> Iterator[Workers]:
    opened: AbstractContextManager[Workers]
    if settings.kind == "address":
        from kadi_battgen.parallel.remote import RemoteWorkers

        opened = RemoteWorkers.connected(str(settings.scheduler))
    elif settings.kind == "jobs":
        from kadi_battgen.parallel.jobs import JobWorkers

        opened = JobWorkers.queued(str(settings.scheduler))
    else:
        from kadi_battgen.parallel.local import LocalWorkers

        opened = LocalWorkers.started(settings)
    with opened as workers:
        yield workers


def _distribute(
    workers: Workers,
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
    name: Callable[[Any], str] | None,
    ordered: bool,
) -> Iterator[tuple[int, Any]]:
    from distributed import CancelledError, KilledWorker

    # Dask holds tasks back for free workers only where a group is larger than twice the workers; of a smaller one it
    # would give several to a worker at once, and all of them would share the blame for its end.
    slots = workers.ensure(len(tasks))
    window = TASKS_PER_WORKER * slots + 1 if len(tasks) > TASKS_PER_WORKER * slots else slots
    group = f"{getattr(function, '__name__', 'task')}-{uuid.uuid4().hex}"
    code = pack(function)
    waiting = iter(range(len(tasks)))
    finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
    running: dict[Any, Any] = {}
    held: dict[int, Any] = {}
    following = owed = 0

    def submit(count: int) -> None:
        positions = list(islice(waiting, count))
        if not positions:
            return
        keys = [(group, position) for position in positions]
        packed = [pack(tasks[position]) for position in positions]
        for future in workers.client.map(call, [code] * len(packed), packed, key=keys, pure=False):
            running[future.key] = future
            future.add_done_callback(finished.put)

    try:
        submit(window)
        while running:
            future = _next(finished, workers)
            position = running.pop(future.key).key[1]
            try:
                value = future.result()
            except KilledWorker as error:
                what = name(tasks[position]) if name else f"Task {position + 1} of {len(tasks)}"
                raise UserError(
                    f"{what} ended each of the {error.allowed_failures + 1} worker processes that it was given to (out of "
                    "memory?): leave it out, or run the same command again with fewer workers."
                ) from error
            except CancelledError as error:
                raise UserError(
                    workers.trouble() or "The tasks were cancelled on the cluster: run them again."
                ) from error
            future.release()
            del future
            held[position] = value
            del value
            owed += 1
            # Where the next in order is late, nothing further is sent out, lest results pile up behind it.
            if len(held) <= _HELD_PER_TASK * window:
                submit(owed)
                owed = 0
            while held and (not ordered or following in held):
                position = following if ordered else next(iter(held))
                following += 1
                yield position, held.pop(position)
    finally:
        if running:
            workers.client.cancel(list(running.values()), force=True)


def _next(finished: queue.SimpleQueue[Any], workers: Workers) -> Any:
    while True:
        try:
            return finished.get(timeout=_HEALTH_SECONDS)
        except queue.Empty:
            if trouble := workers.trouble():
                raise UserError(trouble) from None
