"""Records kept locally, with Kadi4Mat kept in step and asked for inputs."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from pathlib import Path
from typing import Final

from kadi_battgen.records.artifacts import Artifact
from kadi_battgen.records.kadi.cache import RecordCache
from kadi_battgen.records.kadi.client import KadiClient
from kadi_battgen.records.kadi.instance import Instance
from kadi_battgen.records.kadi.push import DEFAULT_PROJECT, push
from kadi_battgen.records.kadi.pushing import Pusher
from kadi_battgen.records.kadi.session import Patience
from kadi_battgen.records.local import RECORD_FILE, LocalStore
from kadi_battgen.records.model import Record

#: How long a run waits for Kadi4Mat: it has better things to do, and a push can follow.
RUN_PATIENCE: Final = Patience(seconds=10.0)


class KadiStore:
    """A store whose records are written locally first and then to Kadi4Mat.

    A run appears in Kadi4Mat when it starts, and with its files and links when it has ended. Whatever goes wrong with that
    stops no run: after its end one sentence on standard error says how to push it later.

    Parameters
    ----------
    local
        Where records are written.
    cache
        Where records and files of Kadi4Mat are downloaded to.
    client
        The instance.
    project
        Collection for records that name none.
    """

    def __init__(
        self, local: LocalStore, cache: RecordCache, client: KadiClient, project: str = DEFAULT_PROJECT
    ) -> None:
        self.local = local
        self.cache = cache
        self.client = client
        self._project = project
        self._started: set[str] = set()
        self._lock = threading.Lock()

    def save(self, record: Record) -> None:
        """Write `record` locally, and to Kadi4Mat when its run starts and when it has ended."""
        self.local.save(record)
        if record.state == "running" and record.identifier in self._started:
            return
        with self._lock:
            self._started.add(record.identifier)
            try:
                if record.state == "running":
                    self._push_started(record)
                else:
                    self._push_ended(record)
            finally:
                self.client.close()  # what comes next may take days

    def load(self, identifier: str) -> Record:
        """Return a record of the local store, else one that has been downloaded."""
        return self._holder(identifier).load(identifier)

    def identifiers(self) -> list[str]:
        """Return the identifiers of the local records."""
        return self.local.identifiers()

    def fetch(self, identifier: str) -> Record:
        """Return a record of Kadi4Mat: the local one if it was made here, else one that is downloaded once."""
        if identifier in self.local.identifiers():
            return self.local.load(identifier)
        return self.cache.fetch_from(self.client, identifier)

    def find_by_checksum(self, sha256: str) -> str | None:
        """Return the newest record that generated content with this checksum, made here or downloaded."""
        return self.local.find_by_checksum(sha256) or self.cache.find_by_checksum(sha256)

    def reference(self, identifier: str, path: Path) -> str:
        """Return how a local record writes down the place of `path`."""
        return self.local.reference(identifier, path)

    def locate(self, identifier: str, reference: str) -> Path:
        """Return the local path behind a reference of a record."""
        return self._holder(identifier).locate(identifier, reference)

    def keep(self, identifier: str, path: Path, name: str) -> str | None:
        """Take a file or folder into a local record."""
        return self.local.keep(identifier, path, name)

    def obtain(self, identifier: str, artifact: Artifact) -> Path:
        """Return a local path of what a record used or generated; files of Kadi4Mat are downloaded once."""
        if identifier in self.local.identifiers():
            return self.local.obtain(identifier, artifact)
        return self.cache.obtain_from(self.client, identifier, artifact)

    def workspace(self) -> Path:
        """Return the folder for what is put together from several records."""
        return self.local.workspace()

    def _holder(self, identifier: str) -> LocalStore:
        here = (self.local.record_folder(identifier) / RECORD_FILE).is_file()
        there = (self.cache.record_folder(identifier) / RECORD_FILE).is_file()
        return self.cache if there and not here else self.local

    def _push_started(self, record: Record) -> None:
        try:
            pusher = Pusher(self.local, self.client, self._project, progress=False)
            pusher.describe(record)
            self._correct_killed(pusher)
        except Exception:
            # Kadi4Mat may be back when the run has ended, and that is when one wants to know.
            return

    def _correct_killed(self, pusher: Pusher) -> None:
        """Tell Kadi4Mat of earlier runs that were killed, and so could not do it themselves."""
        for identifier in self.local.identifiers():
            copy = pusher.copy_of(identifier)
            if copy is not None and copy.state == "running":
                record = self.local.load(identifier)
                if record.state != "running":
                    pusher.describe(record)

    def _push_ended(self, record: Record) -> None:
        try:
            report = push(self.local, self.client, [record.identifier], project=self._project, compare=False)
        except Exception as error:
            self._say_how_to_push(record.identifier, f"{type(error).__name__}: {error}")
            return
        except BaseException:
            self._say_how_to_push(record.identifier, "the push was interrupted")
            raise
        if record.identifier not in {pushed.identifier for pushed in report.pushed}:
            self._say_how_to_push(record.identifier, "; ".join(report.failures.values()))
            return
        for warning in (*report.failures.values(), *report.warnings):
            print(f"Warning: {warning}", file=sys.stderr)

    def _say_how_to_push(self, identifier: str, reason: str) -> None:
        words = ["battgen", "push", identifier, "--records", str(self.local.folder)]
        if not self.client.instance.name.startswith("$"):
            words += ["--instance", self.client.instance.name]
        reason = reason.replace(self.client.instance.token, "***").rstrip(".")
        print(
            f"The record {identifier} is complete in {self.local.folder}, but not in Kadi4Mat ({reason}): push it later "
            f"with: {shlex.join(words)}",
            file=sys.stderr,
        )


def open_kadi_store(local: LocalStore, instance: Instance, project: str | None = None) -> KadiStore:
    """Return the store that keeps `instance` in step with `local`.

    Parameters
    ----------
    local
        Where records are written.
    instance
        The instance.
    project
        Collection for records that name none.
    """
    cache = RecordCache(cache_folder(instance.folder_name))
    return KadiStore(local, cache, KadiClient(instance, RUN_PATIENCE), project or DEFAULT_PROJECT)


def cache_folder(name: str) -> Path:
    """Return the folder for what is downloaded from one instance, in the user's folder for caches."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "")
    # The specification has relative values ignored.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "kadi-battgen" / "records" / name
