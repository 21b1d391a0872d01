"""Running a workflow without KadiStudio: one step after another, with a log each, and a journal to go on with."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kadi_battgen.errors import UserError
from kadi_battgen.files import atomic_path
from kadi_battgen.flows.check import refuse_errors
from kadi_battgen.flows.children import ending_on_request, last_message, run_command
from kadi_battgen.flows.commands import Command, Programs
from kadi_battgen.flows.evaluation import Limits, Stream
from kadi_battgen.flows.inputs import Answers
from kadi_battgen.flows.interpreter import Interpreter, Step
from kadi_battgen.flows.journal import Journal, is_unchanged, output_facts
from kadi_battgen.flows.model import Flow
from kadi_battgen.flows.paths import Territory
from kadi_battgen.flows.tools import Tool
from kadi_battgen.flows.values import shown
from kadi_battgen.terminal import readable_time

_NO_TOOLS: Mapping[str, Tool] = {}


@dataclass(frozen=True)
class Output:
    """What one command of a run printed.

    Attributes
    ----------
    name
        The node.
    command
        The command line, with secrets masked.
    path
        The file that holds what it printed.
    log
        The file that holds its messages.
    """

    name: str
    command: str
    path: Path
    log: Path


@dataclass(frozen=True)
class FlowResult:
    """A run that came to its end.

    Attributes
    ----------
    outputs
        What its commands printed, in order.
    restored
        How many steps were not done again because an earlier run had done them.
    """

    outputs: tuple[Output, ...]
    restored: int


def dry_run(
    flow: Flow,
    *,
    inputs: Mapping[str, str] | None = None,
    programs: Programs | None = None,
    tools: Mapping[str, Tool] = _NO_TOOLS,
    limits: Limits | None = None,
) -> list[Command]:
    """Return the commands that a workflow would run, in order, without running any.

    What only a command can tell stands in angle brackets. Where it decides about a branch, the commands of all branches
    are returned; where it decides about a loop, those of one repetition.

    Parameters
    ----------
    flow, inputs, programs, tools, limits
        As for :func:`run_flow`.

    Raises
    ------
    UserError
        If the workflow cannot be run.
    """
    plan = refuse_errors(flow, tools)
    actions = _Preview()
    answers = Answers(plan, inputs or {})
    Interpreter(plan, actions, answers, programs or Programs(), tools, limits or Limits()).run()
    return actions.commands


class _Preview:
    """Notes commands instead of running them."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def run(self, step: Step, command: Command, stdin: Stream | None) -> Stream | None:
        del stdin
        self.commands.append(command)
        return None if step.node.profile == "Detached" else Stream(None, f"output of {step.name}")

    def read(self, step: Step, path: str) -> Stream:
        return Stream(None, f"content of {path}" if len(path) < 100 else f"content of {step.name}")

    def write(self, step: Step, path: str, append: bool, stream: Stream) -> None:
        pass

    def show(self, step: Step, text: str, path: str | None) -> None:
        pass


def run_flow(
    flow: Flow,
    folder: str | os.PathLike[str],
    *,
    logs: str | os.PathLike[str] | None = None,
    inputs: Mapping[str, str] | None = None,
    programs: Programs | None = None,
    tools: Mapping[str, Tool] = _NO_TOOLS,
    folders: Sequence[str | os.PathLike[str]] = (),
    environment: Mapping[str, str] | None = None,
    resume: bool = False,
    limits: Limits | None = None,
    report: Callable[[str], None] | None = None,
) -> FlowResult:
    """Run a workflow and return what its commands printed.

    The journal in the log folder grows with every step that is done. A run that was killed, interrupted or stopped by
    a failure goes on after the last of them with ``resume``, also inside loops, and ends as if nothing had happened.

    Parameters
    ----------
    flow
        The workflow.
    folder
        Where its commands run; created if it is not there.
    logs
        Where the journal and a log per step go; by default a folder called after the workflow in `folder`.
    inputs
        Answers to what the workflow asks, by the question, by the variable that keeps the answer, or by the node's id;
        and values for the variables that it starts with.
    programs
        What it may run; by default only battgen.
    tools
        Definitions of tools by name, against which the workflow is checked.
    folders
        Further folders in which its file nodes may read and write.
    environment
        Environment variables of its commands; by default those of this process.
    resume
        Whether to go on with the run in `logs`.
    limits
        How much it may do.
    report
        Is given lines for people; by default they go to standard error.

    Raises
    ------
    UserError
        If the workflow is wrong, or a command fails: with the command's last message and its log.
    KeyboardInterrupt
        If this process is asked to end (Ctrl-C); the running command was ended before.
    """
    plan = refuse_errors(flow, tools)
    answers = Answers(plan, inputs or {})
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {place} cannot be used ({error.strerror}): choose another.") from error
    log_folder = Path(logs) if logs is not None else place / f"{slug(flow.name)}-log"
    say = report or _to_standard_error
    with Journal(log_folder, flow.digest(), answers.digest(), resume) as journal, ending_on_request():
        territory = Territory(place, [Path(entry) for entry in folders], log_folder)
        work = _Work(journal, territory, environment, say, len(plan.scopes))
        walk = Interpreter(plan, work, answers, programs or Programs(), tools, limits or Limits(), work.started)
        try:
            walk.run()
        except KeyboardInterrupt:
            say(f"Interrupted in {work.current}. Run the workflow again with --resume to go on.")
            raise
    return FlowResult(tuple(work.outputs), work.restored)


class _Work:
    """Does what steps do, once: what the journal has is not done again."""

    def __init__(
        self,
        journal: Journal,
        territory: Territory,
        environment: Mapping[str, str] | None,
        say: Callable[[str], None],
        planned: int,
    ) -> None:
        self.journal, self.territory, self.environment, self.say = journal, territory, environment, say
        self.outputs: list[Output] = []
        self.restored = 0
        self.current = "the workflow"
        self._planned = planned
        self._seen: set[str] = set()
        self._number = 0

    def started(self, step: Step) -> None:
        """Take note of a step that is about to be done."""
        self.current = step.name
        self._seen.add(step.node.id)

    def run(self, step: Step, command: Command, stdin: Stream | None) -> Stream | None:
        """Run a command, or take what it printed when it was run before."""
        output, log = self._files(step)
        self.outputs.append(Output(step.name, command.text, output, log))
        detached = step.node.profile == "Detached"
        if self._is_done(step, output, log):
            return None if detached else Stream(output, f"output of {step.name}")
        began = time.monotonic()
        with _opened(log) as stream:
            stream.write(f"$ {command.text}\n".encode())
            start = stream.tell()
        self.say(f"{self._progress()} {command.text}")
        status = run_command(
            command.argv,
            folder=self.territory.folder,
            log=log,
            output=output,
            stdin=stdin.path if stdin else None,
            environment=self.environment,
            keep_open=None if detached else self.journal.lock,
            detached=detached,
            started=lambda pid: None if detached else self.journal.command(pid),
        )
        if status:
            raise UserError(
                f"{step.name} {_ending(status)}: {last_message(log, start) or 'it said nothing'} Its log is {log}; "
                "correct the cause and run the workflow again with --resume."
            )
        self.journal.finish(step.key, **({} if detached else output_facts(output)))
        if not detached:
            self.say(f"{self._progress()} {step.name} took {readable_time(time.monotonic() - began)}")
        return None if detached else Stream(output, f"output of {step.name}")

    def read(self, step: Step, path: str) -> Stream:
        """Take a copy of a file, as it is now."""
        output, log = self._files(step)
        if not self._is_done(step, output, log):
            source = self.territory.existing(path, step.name)
            with _opened(log) as stream:
                stream.write(f"reads {shown(path)}\n".encode())
            with _file_errors(step, source):
                shutil.copyfile(source, output)
            self.journal.finish(step.key, **output_facts(output))
        return Stream(output, f"content of {shown(path)}")

    def write(self, step: Step, path: str, append: bool, stream: Stream) -> None:
        """Write a file, all of it or nothing; add to one only once."""
        target = self.territory.writable(path, step.name)
        _, log = self._files(step)
        if self._is_done(step, None, log):
            return
        begun = self.journal.begun(step.key)
        kept = target.stat().st_size if append and target.is_file() else 0
        if begun is not None and isinstance(begun.get("size"), int):
            kept = begun["size"]
        with _opened(log) as lines:
            lines.write(f"{'adds to' if append else 'writes'} {shown(path)}\n".encode())
        assert stream.path is not None
        with _file_errors(step, target):
            if begun is None:
                self.journal.begin(step.key, size=kept)
            with atomic_path(target) as temporary, temporary.open("wb") as written:
                if kept:
                    with target.open("rb") as earlier:
                        _copy(earlier, written, kept)
                with stream.path.open("rb") as added:
                    shutil.copyfileobj(added, written)
        self.journal.finish(step.key)

    def show(self, step: Step, text: str, path: str | None) -> None:
        """Tell the user about a file or a page."""
        _, log = self._files(step)
        if path is not None:
            text = f"see {self.territory.existing(path, step.name)}"
        if not self._is_done(step, None, log):
            with _opened(log) as stream:
                stream.write(f"{text}\n".encode())
            self.say(f"{self._progress()} {step.name}: {text}")
            self.journal.finish(step.key)

    def _files(self, step: Step) -> tuple[Path, Path]:
        """Return where the next step keeps its output and its log."""
        self._number += 1
        stem = f"{self._number:03d}-{slug(step.name)}"
        return self.journal.folder / f"{stem}.out", self.journal.folder / f"{stem}.log"

    def _is_done(self, step: Step, output: Path | None, log: Path) -> bool:
        facts = self.journal.finished(step.key)
        if facts is None:
            return False
        if output is not None and "sha256" in facts and not is_unchanged(output, facts):
            raise UserError(f"{output} was changed or removed since the run: run the workflow without --resume.")
        self.restored += 1
        return True

    def _progress(self) -> str:
        return f"[{len(self._seen)}/{self._planned}]"


def slug(name: str) -> str:
    """Return `name` as part of a file name: lower-case letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:60].strip("-") or "workflow"


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"failed with exit status {status}"


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("wb")
    except OSError as error:
        raise UserError(f"{log} cannot be written ({error.strerror}): choose another folder for the logs.") from error


@contextmanager
def _file_errors(step: Step, path: Path) -> Iterator[None]:
    """Turn what goes wrong with a file into a user error."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{step.name} cannot use {path} ({error.strerror}): name another file.") from error


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    """Copy the first `size` bytes."""
    while size > 0 and (part := source.read(min(size, 2**20))):
        target.write(part)
        size -= len(part)


def _to_standard_error(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
