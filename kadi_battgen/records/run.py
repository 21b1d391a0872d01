"""The run context: writes down what a step does while it does it."""

from __future__ import annotations

import math
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from pydantic import BaseModel

from kadi_battgen.records.artifacts import Artifact, Input, Output
from kadi_battgen.records.chain import read_chain
from kadi_battgen.records.checksums import content_facts
from kadi_battgen.records.companions import COMPANIONS
from kadi_battgen.records.environment import current_machine, current_process, current_software, detect_device
from kadi_battgen.records.masking import Cleaner
from kadi_battgen.records.model import Metric, Record, RunError
from kadi_battgen.records.references import InputKind, resolve
from kadi_battgen.records.store import NoStore, Store
from kadi_battgen.records.values import LARGEST_INTEGER, plain_values

#: Characters kept of an exception's message: some libraries print whole arrays.
_LONGEST_MESSAGE = 2000


class Run:
    """Context of one run; its record is written on entering, with every input and file, and at the end.

    It ends as ``succeeded``, ``failed`` (an exception, or an exit with another status than 0) or ``interrupted``
    (Ctrl-C); a run that was killed stays behind as ``running`` and is read as ``killed``. The exception goes on to the
    caller in every case.

    Parameters
    ----------
    store
        Where the record goes; None keeps none, on the same code path.
    step
        The command that runs, such as ``screen``.
    record_type
        Kind of the record, such as ``screening``; by default the step.
    title
        One line for people; by default the step.
    description
        More than a line, if needed.
    configuration
        The full configuration: a mapping or a pydantic model of values that JSON knows (and NumPy numbers, paths).
    settings
        What the configuration stands for in full, where that is more.
    seed
        Seed of the run.
    tags
        Words to search by.
    license
        SPDX identifier of the licence of the files.
    command
        The command line; by default that of this process.
    project
        Name of the collection that the record belongs to.

    Raises
    ------
    UserError
        If the configuration holds what a record cannot (NaN, an infinity, too large an integer) or the store cannot
        be written: before any work is done.

    Examples
    --------
    >>> with Run(None, step="screen", seed=1) as run:
    ...     run.add_metric("mean_absolute_error", 0.12, unit="V", part="test")
    >>> run.record.state
    'succeeded'
    """

    def __init__(
        self,
        store: Store | None,
        *,
        step: str,
        record_type: str | None = None,
        title: str | None = None,
        description: str = "",
        configuration: Mapping[str, Any] | BaseModel | None = None,
        settings: Mapping[str, Any] | BaseModel | None = None,
        seed: int | None = None,
        tags: Sequence[str] = (),
        license: str | None = None,
        command: Sequence[str] | None = None,
        project: str | None = None,
    ) -> None:
        arguments = list(sys.argv if command is None else command)
        self._store: Store = NoStore() if store is None else store
        self._cleaner = Cleaner(arguments)
        self._clock = time.monotonic()
        started = datetime.now(UTC)
        plain_seed = plain_values(seed, "seed")
        self.record = Record(
            identifier=new_identifier(step, started),
            step=step,
            record_type=record_type or step,
            project=project,
            title=title or step,
            description=description,
            tags=tuple(tags),
            license=license,
            configuration=self._cleaner.values(plain_values(configuration or {})),
            settings=self._cleaner.values(plain_values(settings or {}, "settings")),
            seed=plain_seed,
            command=self._cleaner.command_line(arguments),
            started=started,
            software=current_software(),
            machine=current_machine(),
            process=current_process(),
        )

    @property
    def identifier(self) -> str:
        """Identifier of the record."""
        return self.record.identifier

    def __enter__(self) -> Run:
        self._clock = time.monotonic()
        self._store.save(self.record)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        record = self.record
        record.ended = datetime.now(UTC)
        record.duration_s = round(time.monotonic() - self._clock, 3)
        record.device = record.device or detect_device()
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            record.state = "succeeded"
        else:
            record.state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            record.error = RunError(
                type=type(error).__name__, message=self._cleaner.text(str(error))[:_LONGEST_MESSAGE]
            )
        try:
            self._store.save(record)
        except Exception as failure:
            if error is None:
                raise
            # What went wrong first is what the user must see.
            error.add_note(f"Nor could the record {record.identifier} be written: {failure}")

    def input(
        self, role: str, reference: str | os.PathLike[str], kind: InputKind = "file", *, description: str = ""
    ) -> Path:
        """Write down what the run uses and return where it lies: a path, or a record named instead of one.

        Parameters
        ----------
        role
            What the step calls it, such as ``dataset``.
        reference
            A path, or a record (see :func:`kadi_battgen.records.references.resolve`).
        kind
            ``file``, ``folder``, or ``models`` for a folder with the models of several trainings.
        description
            What it is.

        Raises
        ------
        UserError
            If there is no such file, folder or record.
        """
        resolved = resolve(self._store, reference, kind)
        self.add_input(role, resolved.path, description=description, records=resolved.records)
        return resolved.path

    def add_input(
        self, role: str, path: str | os.PathLike[str], *, description: str = "", records: Sequence[str] = ()
    ) -> Input:
        """Write down a file or folder that the run uses, and the record that made it if the store knows one.

        What no record made is taken into this one: nobody else could find it.

        Parameters
        ----------
        role
            What the step calls it, such as ``dataset``.
        path
            A file, or a folder (then each file in it has its checksum, and its own record).
        description
            What it is.
        records
            Identifiers of the records that made it, where the caller knows them; else found by checksum.

        Raises
        ------
        UserError
            If it does not exist or is a folder without files.
        """
        source = Path(path)
        fields = content_facts(source, description)
        files = [entry.model_copy(update={"record": self._producer(entry.sha256)}) for entry in fields.pop("files")]
        found = [entry.record for entry in files] if files else [self._producer(fields["sha256"])]
        producers = tuple(dict.fromkeys(records or [record for record in found if record is not None]))
        reference = self._store.reference(self.identifier, source)
        known = {(entry.role, entry.path): entry for entry in self.record.inputs}
        stored = None
        if not producers:
            stored = self._keep(source, "inputs/", known.get((role, reference)))
        used = Input(role=role, path=reference, stored=stored, records=producers, files=tuple(files), **fields)
        known[role, reference] = used
        self.record.inputs = list(known.values())
        self._store.save(self.record)
        return used

    def add_metric(
        self, name: str, value: float, *, unit: str = "1", part: str | None = None, term: str | None = None
    ) -> Metric:
        """Write down a measured number; a later value of the same name and part takes its place.

        An undefined value (NaN, an infinity) is kept as null with a note: that, say, an R2 is undefined on constant
        data is a result, and no reason to lose a run at its end.

        Parameters
        ----------
        name
            Such as ``mean_absolute_error``.
        value
            The number, also a NumPy one.
        unit
            Unit as on axes; ``1`` for a pure number.
        part
            Part of the data set it was measured on.
        term
            IRI of the quantity.

        Raises
        ------
        TypeError
            If `value` is not a number.
        """
        number = value.item() if hasattr(value, "item") else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"The metric {name} is a {type(value).__name__}, not a number.")
        note = None
        if isinstance(number, int) and abs(number) > LARGEST_INTEGER:
            number = float(number)
        if not math.isfinite(number):
            note = f"undefined: the value was {number}"
            number = None
        metric = Metric(name=name, value=number, unit=unit, part=part, term=term, note=note)
        others = [entry for entry in self.record.metrics if (entry.name, entry.part) != (name, part)]
        self.record.metrics = [*others, metric]
        return metric

    def add_file(
        self,
        path: str | os.PathLike[str],
        *,
        description: str = "",
        role: Literal["result", "preview"] = "result",
    ) -> Output:
        """Write down a file or folder that the run made; call it when the content is complete.

        Parameters
        ----------
        path
            The file or folder, which the record keeps a copy of.
        description
            What it is.
        role
            ``preview`` for what only shows a result, such as a figure.

        Raises
        ------
        UserError
            If it does not exist or is a folder without files.
        """
        source = Path(path)
        fields = content_facts(source, description)
        fields["files"] = tuple(fields["files"])
        reference = self._store.reference(self.identifier, source)
        known = {entry.path: entry for entry in self.record.files}
        stored = self._keep(source, "", known.get(reference))
        made = known[reference] = Output(path=reference, stored=stored, role=role, **fields)
        self.record.files = list(known.values())
        self._store.save(self.record)
        return made

    def sources(self) -> list[Record]:
        """Return the records that this run goes back to through its inputs so far, nearest first, each once."""
        found: dict[str, Record] = {}
        for link in self.record.links:
            for record in read_chain(self._store, link.record):
                found.setdefault(record.identifier, record)
        return list(found.values())

    def set_device(self, device: str) -> None:
        """Write down what computes, such as ``cuda: NVIDIA H200``; without a call it is found out at the end."""
        self.record.device = device

    def _keep(self, path: Path, prefix: str, earlier: Artifact | None) -> str | None:
        """Take a file or folder into the record, under its own name unless another one has it."""
        if earlier is not None and earlier.stored is not None:
            return self._store.keep(self.identifier, path, earlier.stored)
        own = re.sub(r"[\s\x00-\x1f\x7f]+", " ", path.absolute().name).strip() or "input"
        taken = {entry.stored for entry in (*self.record.inputs, *self.record.files)} | COMPANIONS.keys()
        name, number = f"{prefix}{own}", 2
        while name in taken:
            name, number = f"{prefix}{Path(own).stem}-{number}{Path(own).suffix}", number + 1
        return self._store.keep(self.identifier, path, name)

    def _producer(self, sha256: str) -> str | None:
        found = self._store.find_by_checksum(sha256)
        return None if found == self.identifier else found


def new_identifier(step: str, started: datetime) -> str:
    """Return an identifier that sorts by step and time and differs between runs of the same second."""
    name = re.sub(r"[^a-z0-9]+", "-", step.lower()).strip("-")[:24].rstrip("-") or "run"
    return f"{name}-{started:%Y%m%dt%H%M%S}-{secrets.token_hex(4)}"
