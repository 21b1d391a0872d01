"""Trying again what fails for a passing reason, for a bounded number of times."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from kadi_battgen.errors import UserError

T = TypeVar("T")


class PassingTroubleError(Exception):
    """Something that may be otherwise in a while.

    Parameters
    ----------
    what
        What happened, to go on after the name of the server.
    wait
        Seconds that the server asks to wait; None if it does not say.
    """

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.wait = wait


@dataclass(frozen=True)
class Patience:
    """How often and how long something is tried again.

    Attributes
    ----------
    server
        Who is asked, for messages.
    way_out
        How to go on after the last attempt, for messages.
    timeout
        Longest silence of the server in s.
    attempts
        How often something is tried in all.
    first_wait
        Time in s before the second attempt; it doubles with every attempt.
    longest_wait
        Longest time in s that is waited before an attempt. If the server asks for a longer one, it is given up at once.
    """

    server: str
    way_out: str
    timeout: float
    attempts: int
    first_wait: float
    longest_wait: float

    def keep_trying(self, action: Callable[[], T]) -> T:
        """Return what `action` returns, however often it takes.

        Raises
        ------
        UserError
            If the last attempt raised `PassingTroubleError` too.
        """
        wait, trouble = self.first_wait, None
        for attempt in range(1, self.attempts + 1):
            try:
                return action()
            except PassingTroubleError as error:
                # Not kept itself: with it comes the request, and with that the key.
                trouble, asked = error.what, error.wait
            pause = min(wait if asked is None else asked, self.longest_wait)
            if attempt == self.attempts or (asked is not None and asked > self.longest_wait):
                break
            time.sleep(pause)
            wait *= 2
        times = "once" if attempt == 1 else f"{attempt} times"
        raise UserError(f"{self.server} {trouble}, asked {times}: {self.way_out}.")


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, as a number or a date; None if it says nothing."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdecimal() else _until(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, seconds)


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
