"""How a command behaves at a terminal: what it says and in which colour, and how it ends when it is asked to end."""

from __future__ import annotations

import functools
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any, NoReturn

import click
import xmlhelpy

from kadi_battgen.progress import break_line
from kadi_battgen.terminal import Verbosity, at_verbosity, uses_colour, verbosity

#: Options of every command without exception.
QUIET, VERBOSE = "quiet", "verbose"

#: Signals that ask a process to end: of a terminal that is closed, and of a cluster at a job's time limit.
_REQUESTS = (signal.SIGHUP, signal.SIGTERM)

#: Key of a context's ``meta``: the words that were typed after the command's name.
_WORDS = "battgen.words"

#: How many commands run within each other at present, as those of the demo do.
_depth: ContextVar[int] = ContextVar("depth", default=0)


class NodeError(click.ClickException):
    """A user error on its way to the terminal."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence on standard error."""
        say_always(f"{coloured('Error:', fg='red', bold=True)} {self.format_message()}")


class Ended(KeyboardInterrupt):
    """The process was asked to end by a signal other than Ctrl-C.

    Attributes
    ----------
    status
        The exit status that says so to a shell.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def coloured(text: str, **style: Any) -> str:
    """Return `text` in a colour where standard error shows colours, else as it is."""
    return click.style(text, **style) if uses_colour() else text


def say_always(text: str) -> None:
    """Print a line on standard error that even ``--quiet`` does not hold back."""
    break_line()
    # Colours are decided above, by standard error itself.
    click.echo(text, err=True, color=True)


def say(text: str) -> None:
    """Print a line for people on standard error, unless ``--quiet`` was given."""
    if verbosity() >= Verbosity.NORMAL:
        say_always(text)


def warn(text: str) -> None:
    """Print something that people should know of before they use the result, also with ``--quiet``."""
    say_always(f"{coloured('Warning:', fg='yellow', bold=True)} {text}")


def detail(text: str) -> None:
    """Print a line for who looks for the cause of something, with ``--verbose`` alone."""
    if verbosity() >= Verbosity.VERBOSE:
        say_always(coloured(text, dim=True))


def verbosity_options() -> list[xmlhelpy.core.Option]:
    """Return the options ``--quiet`` and ``--verbose``."""

    def flag(name: str, other: str, description: str) -> xmlhelpy.core.Option:
        return xmlhelpy.core.Option(
            (f"-{name[0]}", f"--{name}"),
            name=name,
            char=name[0],
            description=description,
            param_type=xmlhelpy.Bool,
            default=False,
            is_flag=True,
            requires=None,
            excludes=[other],
            exclude_from_xml=False,
        )

    return [
        flag(QUIET, VERBOSE, "Print the result, warnings and errors, and nothing else."),
        flag(VERBOSE, QUIET, "Print details too: settings, inputs, files, versions, and where an error arose."),
    ]


def without_verbosity(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as what a command calls with all its options."""

    @functools.wraps(function)
    def call(**options: Any) -> Any:
        return function(**{name: value for name, value in options.items() if name not in (QUIET, VERBOSE)})

    return call


def remember_words(context: click.Context, words: Sequence[str]) -> None:
    """Keep what was typed, for the message that says how to go on."""
    context.meta[_WORDS] = tuple(words)


@contextmanager
def well_behaved(context: click.Context, resumes: bool | str) -> Iterator[None]:
    """Run a command within a ``with`` block as people expect it of a program at a terminal.

    It says as much as its options ask for. A request to end (Ctrl-C, SIGTERM, SIGHUP) reaches the block as a
    KeyboardInterrupt, so that what is open is closed and recorded; then a sentence says how to go on, and the exit status
    is 128 and the signal's number, as shells expect it.

    Parameters
    ----------
    context
        The command's.
    resumes
        Whether the same command, typed again, goes on where it stopped; a text is an option that makes it do so.
    """
    level = None
    if context.params.get(QUIET):
        level = Verbosity.QUIET
    elif context.params.get(VERBOSE):
        level = Verbosity.VERBOSE
    token = _depth.set(_depth.get() + 1)
    try:
        with at_verbosity(level), _interrupted_when_asked_to_end():
            try:
                yield
            except KeyboardInterrupt as error:
                if _depth.get() > 1:
                    raise  # the command that was typed is the one around this one
                say_always(_how_to_go_on(context, resumes))
                raise SystemExit(getattr(error, "status", 128 + signal.SIGINT)) from error
    finally:
        _depth.reset(token)


def explain(error: BaseException) -> None:
    """Print where an error arose, with ``--verbose``."""
    detail("".join(traceback.format_exception(error)).rstrip())


def _how_to_go_on(context: click.Context, resumes: bool | str) -> str:
    words = list(context.meta.get(_WORDS, ()))
    if isinstance(resumes, str) and resumes not in words:
        words.append(resumes)
    command = shlex.join(["battgen", *context.command_path.split()[1:], *words])
    kept = "what is finished is kept. To go on:" if resumes else "nothing half-written is left. To start again:"
    return f"{coloured('Interrupted;', fg='yellow', bold=True)} {kept} {command}"


@contextmanager
def _interrupted_when_asked_to_end() -> Iterator[None]:
    """Turn the signals that ask a process to end into an exception while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise Ended(number)

    # Who ignores a signal (nohup does) wants the program to go on.
    before = {number: signal.getsignal(number) for number in _REQUESTS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    sys.stderr.flush()
