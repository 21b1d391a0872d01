"""From a record to the command that runs it again, and running that command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import xmlhelpy

from battgen_nodes.frame import SHARED_OPTIONS, Node, say
from battgen_nodes.options import InputPath, OutputPath
from kadi_battgen.errors import UserError
from kadi_battgen.terminal import Verbosity, verbosity

if TYPE_CHECKING:
    from kadi_battgen.records import Record

#: Folder of the records in the folder of a repetition, and the file that tells how it compares.
RECORDS, COMPARISON = "records", "reproduction.json"

#: Seconds that a command gets to end itself.
_GRACE = 10.0


def recorded_command(record: Record) -> tuple[list[str], Node]:
    """Return the words that call the node that a record tells of, and the node.

    Raises
    ------
    UserError
        If its run did not succeed, or this version has no such node.
    """
    from battgen_nodes.main import battgen

    if record.state != "succeeded":
        raise UserError(f"{record.identifier} is a run that ended as {record.state}: name one that succeeded.")
    for words, command in _commands(battgen):
        if command.name == record.step:
            return words, command
    raise UserError(
        f"{record.identifier} is a run of {record.step}, which is no recorded command of this version of kadi-battgen: "
        f"use the version that wrote the record, {record.software.version}."
    )


def _commands(group: click.Group) -> Iterator[tuple[list[str], Node]]:
    """Yield the nodes that leave records, each with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from (([name, *words], found) for words, found in _commands(command))
        elif isinstance(command, Node) and any(parameter.name == "no_record" for parameter in command.params):
            yield [name], command


def command_line(record: Record, command: Node, inputs: Mapping[str, Path], output: Path) -> list[str]:
    """Return the options that run a record's command again.

    Parameters
    ----------
    record
        The run.
    command
        Its node.
    inputs
        Path of each input by role, which is the name of its option, or that of an argument with a number (``runs_0``).
    output
        Folder for everything it makes.

    Raises
    ------
    UserError
        If the node no longer has an option, or needs what the record does not hold.
    """
    options = {str(option.name): option for option in command.params if isinstance(option, xmlhelpy.core.Option)}
    positional = {str(entry.name) for entry in command.params if isinstance(entry, xmlhelpy.core.Argument)}
    arguments = [role for role in inputs if role.rpartition("_")[0] in positional]
    for name in (*record.configuration, *inputs):
        if name in positional or name in arguments:
            continue
        if name not in options or (name in SHARED_OPTIONS and name != "config"):
            raise UserError(
                f"{record.identifier} has {name}, which is no option of {record.step} in this version of kadi-battgen: "
                f"use the version that wrote the record, {record.software.version}."
            )
    words: list[str] = []
    taken = {RECORDS, COMPARISON}
    for name, option in options.items():
        value: Any = record.configuration.get(name)
        flag = f"--{option.param_name}"
        if name in inputs:
            value = _model_folder(option, inputs[name])
        elif value is not None and isinstance(option.type, InputPath):
            raise UserError(
                f"{record.identifier} was given {flag} {value}, but does not say what that held: run it by hand."
            )
        elif value is not None and isinstance(option.type, OutputPath):
            value = _place(str(value), name, output, taken)
        elif isinstance(value, str) and _is_masked(value):
            if option.required:
                raise UserError(
                    f"{record.identifier} was given a secret as {flag}, which no record keeps: run it by hand."
                )
            say(f"{flag} held a secret, which no record keeps: it is left out.")
            continue
        if option.is_flag:
            words += [flag] if value else []
        elif value is not None:
            words.append(f"{flag}={_typed(option, value)}")
    return [*words, *(str(inputs[role].absolute()) for role in arguments)]


def _is_masked(value: str) -> bool:
    from kadi_battgen.records.masking import MASK

    return MASK in value


def _typed(option: xmlhelpy.core.Option, value: Any) -> str:
    """Return a value as it is typed."""
    if isinstance(value, list):
        return str(getattr(option.type, "separator", ",")).join(str(entry) for entry in value)
    # Records write the home folder as ~, and no shell is between here and the command.
    return os.path.expanduser(value) if isinstance(option.type, xmlhelpy.Path) else str(value)


def _model_folder(option: xmlhelpy.core.Option, path: Path) -> Path:
    """Return what an option for models takes: of a single model, the folder around its own."""
    if isinstance(option.type, InputPath) and option.type.kind == "models" and (path / "card.json").is_file():
        return path.parent
    return path


def _place(value: str, name: str, output: Path, taken: set[str]) -> Path:
    """Return where an output goes: under its own name, in a folder of the option's where that is taken."""
    own = Path(value).name
    if own in ("", ".."):
        own = name
    place = Path(name) / own if own in taken else Path(own)
    taken.add(place.parts[0])
    return output / place


def run_again(record: Record, words: list[str], output: Path) -> str:
    """Run a command in a process of its own and return the identifier of its record.

    It is ended when this process is asked to end.

    Parameters
    ----------
    record
        The run that is repeated.
    words
        Name and options of the command.
    output
        Folder for the record, and everything else.

    Raises
    ------
    UserError
        If it does not succeed.
    """
    # -P: modules come from where Python is installed, never from the current folder.
    command = [sys.executable, "-P", "-m", "battgen_nodes", *words, "--json"]
    command += ["--records", str(output / RECORDS), "--instance", "local"]
    command += ["--project", record.project] if record.project else []
    command += {Verbosity.QUIET: ["--quiet"], Verbosity.VERBOSE: ["--verbose"]}.get(verbosity(), [])
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    try:
        printed, _ = process.communicate()
    except BaseException as error:
        _end(process, error)
        raise
    if process.returncode != 0:
        raise UserError(
            f"{record.step} ended with status {process.returncode} when it was run again: see its message above; "
            f"its record is in {output / RECORDS}."
        )
    document: dict[str, Any] = json.loads(printed)
    return str(document["record"]).removeprefix("run:")


def _end(process: subprocess.Popen[bytes], error: BaseException) -> None:
    """End a command with the signal that this process got, and what is left of its processes."""
    number = signal.SIGINT if type(error) is KeyboardInterrupt else signal.SIGTERM
    try:
        process.send_signal(number)
        process.wait(_GRACE)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
