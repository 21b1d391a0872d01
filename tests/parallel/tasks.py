"""Tasks that workers do in the tests; sent to them as text, since they cannot import this module."""

from __future__ import annotations

import os
import signal
import time

from kadi_battgen.errors import UserError


def square(number: int) -> int:
    return number**2


def where(_: int) -> tuple[int, int, str]:
    time.sleep(0.05)
    print("noise on standard output")
    return os.getpid(), len(os.sched_getaffinity(0)), os.environ["OMP_NUM_THREADS"]


def refuse(number: int) -> int:
    if number == 3:
        raise UserError("Number 3 is refused: choose another.")
    return number


def end_worker_once(task: tuple[int, str]) -> int:
    """Kill the worker the first time that task 2 is done."""
    number, mark = task
    if number == 2 and not os.path.exists(mark):
        with open(mark, "w"):
            os.kill(os.getpid(), signal.SIGKILL)
    return number


def end_worker_always(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def count_in_flight(task: tuple[int, str]) -> bytes:
    number, folder = task
    open(os.path.join(folder, str(number)), "w").close()
    return bytes(100_000)


def linger(number: int) -> int:
    time.sleep(60 if number else 0)
    return number
