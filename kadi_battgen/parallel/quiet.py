"""Dask's log, which reports to operators of a cluster, kept off the terminal of a node."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: Loggers to which Dask attaches handlers of its own.
_LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application")


def mute_dask() -> None:
    """Drop what Dask logs in this process."""
    for name in _LOGGERS:
        for handler in logging.getLogger(name).handlers:
            handler.setLevel(logging.CRITICAL + 1)


@contextmanager
def quiet_dask() -> Iterator[None]:
    """Drop Dask's log and warnings within a ``with`` block; what a user can act on is raised as an error."""
    handlers = {handler: handler.level for name in _LOGGERS for handler in logging.getLogger(name).handlers}
    mute_dask()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for handler, level in handlers.items():
            handler.setLevel(level)
