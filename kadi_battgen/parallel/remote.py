"""Workers that a running Dask scheduler has, and what can be wrong with them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from distributed import Client

from kadi_battgen.errors import UserError
from kadi_battgen.parallel.quiet import quiet_dask

#: Seconds in which a scheduler must answer.
CONNECT_SECONDS = 10.0

#: Seconds that a scheduler may be without any worker.
WORKER_SECONDS = 60.0

#: What must be the same on both sides: how they talk, and what computes.
_PACKAGES = ("python", "dask", "distributed", "cloudpickle", "msgpack", "numpy", "kadi_battgen")


class RemoteWorkers:
    """The workers of a scheduler.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    place
        The scheduler, in a message.
    patience
        Seconds that it may be without any worker.
    """

    def __init__(self, client: Client, place: str, patience: float) -> None:
        self.client = client
        self._place = place
        self._patience = patience
        self._seen = time.monotonic()

    @classmethod
    @contextmanager
    def connected(cls, address: str) -> Iterator[Self]:
        """Connect to a scheduler for the duration of a ``with`` block.

        Raises
        ------
        UserError
            If none answers.
        """
        with quiet_dask():
            try:
                client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            except (OSError, ValueError, RuntimeError, TypeError) as error:
                raise UserError(
                    f"No Dask scheduler answers at {address} within {CONNECT_SECONDS:g} s: start one with 'dask scheduler' "
                    "and give the address that it prints."
                ) from error
            with client:
                yield cls(client, f"The Dask scheduler {address}", WORKER_SECONDS)

    def ensure(self, count: int) -> int:
        """Wait for the first worker, check the versions on all, and return the number of tasks that run at once."""
        self._seen = time.monotonic()
        while not (threads := self._threads()):
            if trouble := self.trouble():
                raise UserError(trouble)
            time.sleep(0.2)
        _check_versions(self.client.get_versions(packages=["kadi_battgen", "numpy"]))
        return threads

    def trouble(self) -> str | None:
        """Return why no further task will be done."""
        lost = f"{self._place} is lost: what is finished is kept, run the same command again when it is back."
        if self.client.status != "running":
            return lost
        try:
            if self._threads():
                self._seen = time.monotonic()
        except (OSError, RuntimeError):
            return lost
        if time.monotonic() - self._seen > self._patience:
            return (
                f"{self._place} has had no worker for {self._patience:g} s: start some with 'dask worker' for its address, "
                "and run the same command again."
            )
        return None

    def _threads(self) -> int:
        return sum(self.client.nthreads().values())


def _check_versions(versions: Mapping[str, Any]) -> None:
    ours = _relevant(versions["client"])
    others = [("scheduler", versions["scheduler"]), *versions["workers"].items()]
    for place, theirs in others:
        for package, version in _relevant(theirs).items():
            # A scheduler only hands tasks on; it need not have what computes them.
            needed = place != "scheduler" or package not in ("numpy", "kadi_battgen")
            if needed and version != ours[package]:
                where = "The scheduler" if place == "scheduler" else f"The worker {place}"
                raise UserError(
                    f"{where} has {package} {version or '(not installed)'}, but {ours[package]} runs here, and results may "
                    "differ: install the same versions on both."
                )


def _relevant(side: Mapping[str, Any]) -> dict[str, str | None]:
    found = {**side["packages"], "python": ".".join(str(side["host"]["python"]).split(".")[:3])}
    return {package: found.get(package) for package in _PACKAGES}
