"""A team of worker processes, one for each core; see :mod:`kadi_battgen.afm.worker` for what they say."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import kadi_battgen
from kadi_battgen.afm.opencl import OpenCLDevice
from kadi_battgen.errors import UserError


class WorkerTeam:
    """Worker processes, started on entry and ended on exit of a ``with`` block.

    Parameters
    ----------
    request
        Settings, orientations and pool, sent to each worker first.
    cores
        Core of each worker.

    Attributes
    ----------
    device, ppafm
        OpenCL device and ppafm version that the workers run on.
    """

    def __init__(self, request: dict[str, Any], cores: list[int]) -> None:
        self._request = request
        self._cores = cores
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        try:
            # The first one fills the cache of compiled programs for the others.
            _, greeting = self._start(self._cores[0])
            self.device = OpenCLDevice(**greeting["device"])
            self.ppafm = str(greeting["ppafm"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._processes:
            if process.stdin and not process.stdin.closed:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        for process in self._processes:
            try:
                # Waiting work is abandoned only when something went wrong.
                process.wait(timeout=None if exception[:1] == (None,) else 2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()

    def _start(self, core: int) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        environment = dict(os.environ)
        root = str(Path(kadi_battgen.__file__).resolve().parents[1])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, "-m", "kadi_battgen.afm.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        self._processes.append(process)
        return process, self._ask(process, {**self._request, "core": core})

    @staticmethod
    def _ask(process: subprocess.Popen[str], document: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(document) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            process.wait()
            raise UserError(
                f"An AFM worker process ended unexpectedly (exit status {process.returncode}, out of memory?): run the "
                "same command again with fewer workers, finished electrodes are kept."
            )
        answer = json.loads(line)
        if "error" in answer:
            raise UserError(answer["error"])
        return answer

    def run(self, tasks: list[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Have (index, request) tasks done by all workers.

        Yields
        ------
        tuple of int and dict
            Index and answer of each task as it is finished, in no fixed order.

        Raises
        ------
        UserError
            If a worker ended unexpectedly.
        """
        waiting: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        finished: queue.SimpleQueue[tuple[int, dict[str, Any]] | BaseException] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)

        def work(process: subprocess.Popen[str] | None, core: int) -> None:
            try:
                if process is None:
                    process, _ = self._start(core)
                while True:
                    try:
                        index, document = waiting.get_nowait()
                    except queue.Empty:
                        return
                    finished.put((index, self._ask(process, document)))
            except BaseException as error:
                finished.put(error)

        crew = min(len(self._cores), len(tasks))
        for number in range(crew):
            process = self._processes[0] if number == 0 else None
            threading.Thread(target=work, args=(process, self._cores[number]), daemon=True).start()
        for _ in tasks:
            outcome = finished.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome
