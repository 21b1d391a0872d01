"""From a tool's node to the command that is run: words in a list, never a line for a shell."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kadi_battgen.errors import UserError
from kadi_battgen.flows.model import Flow, FlowNode
from kadi_battgen.flows.nodes import ENVIRONMENT, Port
from kadi_battgen.flows.tools import Tool
from kadi_battgen.flows.values import Placeholder, check_value, checked_value, shown, truth

#: The one program that workflows may name without being allowed more.
PROGRAM = "battgen"

_MASK = "***"
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_OPTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_CHAR = re.compile(r"[A-Za-z0-9]")
_POSITIONAL = re.compile(r"arg[0-9]+")
_SECRET = re.compile(
    r"token|passw|passphrase|secret|credential|api[-_]?key|(?:^|[-_])(?:pat|pwd|auth|key)(?:$|[-_])", re.IGNORECASE
)


class Programs:
    """The programs that a workflow may run.

    Parameters
    ----------
    battgen
        What ``battgen`` stands for; by default the installed command.
    allow
        Further programs that may be run, by the first word of their command line.
    refuse
        Sub-commands of battgen that may not be run. A workflow that runs workflows could allow itself what its user
        did not.
    """

    def __init__(
        self,
        battgen: Sequence[str] | None = None,
        allow: Iterable[str] = (),
        refuse: Iterable[str] = ("run-flow",),
    ) -> None:
        self._battgen = None if battgen is None else tuple(battgen)
        self._allowed = frozenset(allow)
        self._refused = frozenset(refuse)

    def resolve(self, words: Sequence[str], what: str) -> list[str]:
        """Return what to start for a command line.

        Parameters
        ----------
        words
            The command line that the workflow names, without options.
        what
            The node, for errors.

        Raises
        ------
        UserError
            If it is no command line, is not allowed, or is not installed.
        """
        if not words or not all(_WORD.fullmatch(word) for word in words[1:]):
            raise UserError(f"{what} runs {shown(' '.join(words))}, which is not the name of a command: correct it.")
        program, *rest = words
        if program == PROGRAM:
            if self._refused & set(rest):
                raise UserError(f"{what} may not be part of a workflow: take it out.")
            return [*(self._battgen or _installed_battgen()), *rest]
        if program not in self._allowed:
            raise UserError(
                f"{what} runs {shown(program)}, which is no battgen command: allow the program if you trust the workflow."
            )
        found = shutil.which(program)
        if found is None:
            raise UserError(f"{what} runs {shown(program)}, which is not installed: install it, or set PATH.")
        return [found, *rest]


def _installed_battgen() -> tuple[str, ...]:
    beside = Path(sys.executable).with_name(PROGRAM)
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(PROGRAM)
    if found is None:
        raise UserError("The command battgen is not installed where Python is: run pip install kadi-battgen.")
    return (found,)


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes
    ----------
    argv
        What is started, word by word.
    text
        What the workflow names, quoted as for a shell and with secrets masked, for people to read.
    """

    argv: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class _Arguments:
    """Arguments, and the same with secrets masked."""

    real: list[str]
    masked: list[str]


def tool_command(
    flow: Flow,
    node: FlowNode,
    value: Callable[[FlowNode, Port], str | None],
    programs: Programs,
    tools: Mapping[str, Tool],
) -> Command:
    """Return the command of a tool's node.

    Options are given as the engine does, ``-n 16`` or else ``--samples 16``; a value that begins with a dash is given
    as ``--name=-1``, which no program takes for an option of its own. Positional arguments come last, after ``--`` if
    one begins with a dash. An environment gets the tool's command line as one quoted argument.

    Parameters
    ----------
    flow, node
        The node and its workflow.
    value
        Returns what a parameter of a node is given, None for nothing.
    programs
        What may be run.
    tools
        Definitions of tools by name; those of other tools are not needed.

    Raises
    ------
    UserError
        If a required parameter is missing, a value does not fit, or the program is not allowed.
    """
    line = _line(flow, node, value, programs, tools)
    environment = _environment(flow, node)
    if environment is None:
        return line.command()
    inner = checked_value(shlex.join(line.named), f"The command line of {flow.names[node.id]}")
    outer = _line(flow, environment, value, programs, tools, ("--env-exec", inner), ("--env-exec", line.command().text))
    return outer.command()


@dataclass(frozen=True)
class _Line:
    """A command line: as it is started, as the workflow names it, and the latter with secrets masked."""

    started: list[str]
    named: list[str]
    masked: list[str]

    def command(self) -> Command:
        return Command(tuple(self.started), shlex.join(self.masked))


def _line(
    flow: Flow,
    node: FlowNode,
    value: Callable[[FlowNode, Port], str | None],
    programs: Programs,
    tools: Mapping[str, Tool],
    more: tuple[str, ...] = (),
    more_masked: tuple[str, ...] = (),
) -> _Line:
    """Return the command line of a node, with `more` options after its own and before positional arguments."""
    assert node.tool is not None
    words = node.tool.words
    options, positionals = _arguments(flow, node, value, tools.get(" ".join(words)))
    guard = ["--"] if any(text.startswith("-") for text in positionals.real) else []
    real = [*options.real, *more, *guard, *positionals.real]
    masked = [*options.masked, *more_masked, *guard, *positionals.masked]
    return _Line([*programs.resolve(words, flow.names[node.id]), *real], [*words, *real], [*words, *masked])


def _environment(flow: Flow, node: FlowNode) -> FlowNode | None:
    """Return the environment that a tool is run in, None for none."""
    for port in flow.ports[node.id].inputs.values():
        for connection in flow.entering.get((node.id, port.index), ()) if port.family == "env" else ():
            source = flow.by_id.get(connection.source)
            if source is not None and source.kind == ENVIRONMENT:
                return source
    return None


def _arguments(
    flow: Flow, node: FlowNode, value: Callable[[FlowNode, Port], str | None], tool: Tool | None
) -> tuple[_Arguments, _Arguments]:
    """Return the options and the positional arguments of a node."""
    options, positionals = _Arguments([], []), _Arguments([], [])
    skipped: str | None = None
    for _, port in sorted(flow.ports[node.id].inputs.items()):
        if not port.is_parameter:
            continue
        what = f"{port.label} of {flow.names[node.id]}"
        text = value(node, port)
        if text is None:
            if port.required:
                raise UserError(f"{flow.names[node.id]} needs {port.label}, which nothing gives it: connect it.")
            skipped = skipped or (port.label if _POSITIONAL.fullmatch(port.label) else None)
            continue
        if not isinstance(text, Placeholder):
            check_value(text, port.kind or "string", what, tool.parameter(port.label) if tool else None)
        masked = _MASK if _SECRET.search(port.label) and not isinstance(text, Placeholder) else text
        if _POSITIONAL.fullmatch(port.label):
            if skipped:
                raise UserError(f"{what} is given without {skipped}, whose place it would take: connect both.")
            positionals.real.append(text)
            positionals.masked.append(masked)
        elif port.family == "bool":
            if isinstance(text, Placeholder) or truth(text, what):
                options.real.append(_option(port, what))
                options.masked.append(f"{_option(port, what)}{text if isinstance(text, Placeholder) else ''}")
        elif text.startswith("-"):
            options.real.append(f"{_long(port, what)}={text}")
            options.masked.append(f"{_long(port, what)}={masked}")
        else:
            options.real.extend((_option(port, what), text))
            options.masked.extend((_option(port, what), masked))
    return options, positionals


def _option(port: Port, what: str) -> str:
    if port.char is None:
        return _long(port, what)
    if not _CHAR.fullmatch(port.char):
        raise UserError(f"{what} has the short name {shown(port.char)}, which is not one letter: correct it.")
    return f"-{port.char}"


def _long(port: Port, what: str) -> str:
    if not _OPTION.fullmatch(port.label):
        raise UserError(f"{what} is no name of an option: correct it.")
    return f"--{port.label}"
