"""Progress bars on standard error, so that standard output stays free for results."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from kadi_battgen.terminal import Verbosity, readable_size, readable_time, verbosity

#: Seconds between two states that are shown: on a terminal, and in a log that nobody watches.
_TERMINAL_INTERVAL, _LOG_INTERVAL = 0.1, 10.0

#: Characters of the bar itself; fewer than the second number are no bar any more.
_WIDEST, _NARROWEST = 24, 6

_PLURALS = {"batch": "batches"}

#: Whether the last line on a terminal is a bar that is not finished.
_line_is_open = False


def break_line() -> None:
    """End the line of a bar that is being shown on a terminal, so that other text begins on a line of its own."""
    global _line_is_open
    if _line_is_open:
        print(file=sys.stderr)
    _line_is_open = False


class ProgressBar:
    """Says what is counted, how much of it is done, for how long, and how long it will still take.

    On a terminal it is one line that is redrawn; elsewhere it is a line of a log every ten seconds, and one at the end.

    Attributes
    ----------
    done
        Units that are done.
    """

    def __init__(
        self,
        iterable: Iterable[Any] | None,
        total: int | None,
        description: str,
        unit: str,
        *,
        initial: int = 0,
        silent: bool = False,
    ) -> None:
        if total is None and hasattr(iterable, "__len__"):
            total = len(iterable)  # type: ignore[arg-type]
        self._iterable, self._total, self._description, self._unit = iterable, total, description, unit
        self._initial = self.done = initial
        self._note = ""
        self._interactive = sys.stderr.isatty()
        self._interval = _TERMINAL_INTERVAL if self._interactive else _LOG_INTERVAL
        self._started = self._shown = time.monotonic()
        self._open = not silent
        if self._interactive:
            self._show()

    def __iter__(self) -> Iterator[Any]:
        """Go through the iterable and count."""
        with self:
            for item in self._iterable or ():
                yield item
                self.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def update(self, count: int = 1) -> None:
        """Count units that are done."""
        self.done += count
        if self._open and time.monotonic() - self._shown >= self._interval:
            self._show()

    def note(self, text: str) -> None:
        """Show a few words behind the numbers from the next state on, such as the present loss."""
        self._note = text

    def close(self) -> None:
        """Show what was reached."""
        if self._open:
            self._show(ended=True)
            break_line()
        self._open = False

    def _show(self, ended: bool = False) -> None:
        global _line_is_open
        if not self._open:
            return
        self._shown = time.monotonic()
        elapsed = self._shown - self._started
        text = progress_text(self.done, self._total, elapsed, unit=self._unit, initial=self._initial, ended=ended)
        line = ", ".join(filter(None, (text, self._note)))
        line = f"{self._description}: {line}" if self._description else line
        if not self._interactive:
            print(line, file=sys.stderr, flush=True)
            return
        columns = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r{self._bar(columns - len(line) - 3)}{line[:columns]}\x1b[K")
        sys.stderr.flush()
        _line_is_open = True

    def _bar(self, space: int) -> str:
        width = min(space, _WIDEST)
        if not self._total or width < _NARROWEST:
            return ""
        filled = round(width * min(self.done / self._total, 1.0))
        return f"[{'#' * filled}{'.' * (width - filled)}] "


def progress_text(
    done: int, total: int | None, elapsed: float, *, unit: str, initial: int = 0, ended: bool = False
) -> str:
    """Return how far a job is, in words.

    Parameters
    ----------
    done, total
        Number of units; a total of None is unknown.
    elapsed
        Seconds since its start.
    unit
        What is counted, in the singular; ``B`` for bytes.
    initial
        Units that were done when it started.
    ended
        Whether it goes no further, as when a training stops early.

    Examples
    --------
    >>> progress_text(240, 2000, 20.0, unit="stack")
    '240 of 2000 stacks (12%), 20 s so far, about 2 min 27 s left'
    >>> progress_text(2000, 2000, 167.0, unit="stack")
    '2000 of 2000 stacks in 2 min 47 s'
    """
    spent = readable_time(elapsed)
    if unit == "B":
        amount = f"{readable_size(done)} of {readable_size(total)}" if total is not None else readable_size(done)
    elif total is not None:
        amount = f"{done} of {_counted(total, unit)}"
    else:
        amount = _counted(done, unit)
    if ended or (total is not None and done >= total):
        return f"{amount} in {spent}"
    if not total:
        return f"{amount}, {spent} so far"
    counted = done - initial
    left = f", about {readable_time((total - done) * elapsed / counted)} left" if counted > 0 else ""
    return f"{amount} ({done / total:.0%}), {spent} so far{left}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit if number == 1 else _PLURALS.get(unit, f'{unit}s')}"


def progress_bar(
    iterable: Iterable[Any] | None = None,
    *,
    total: int | None = None,
    description: str = "",
    unit: str = "step",
    initial: int = 0,
    enabled: bool = True,
) -> ProgressBar:
    """Return a bar on standard error.

    The environment variable ``BATTGEN_PROGRESS=0`` and :attr:`Verbosity.QUIET` silence all bars.

    Parameters
    ----------
    iterable
        What to go through, if the bar is to count by itself.
    total
        Number of units; by default the length of `iterable`.
    description
        What is being done.
    unit
        What is counted, in the singular; ``B`` for bytes.
    initial
        Units that an earlier run did, which say nothing about the pace of this one.
    enabled
        Whether the bar is shown.
    """
    silent = not enabled or os.environ.get("BATTGEN_PROGRESS") == "0" or verbosity() == Verbosity.QUIET
    return ProgressBar(iterable, total, description, unit, initial=initial, silent=silent)
