"""Functions and tasks as bytes, unpacked inside the task.

Dask unpacks what it sends before a task begins, and a worker that fails at it ends; it also looks for keys of other
tasks in lists and dictionaries. Bytes spare it both. They only pass between processes of one user, as all of Dask's
messages do.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable
from typing import Any

from kadi_battgen.errors import UserError


def pack(thing: Any) -> bytes:
    """Return a function or a task as bytes; functions of a script go by value, those of a module by name."""
    import cloudpickle

    return cloudpickle.dumps(thing)


def call(function: bytes, task: bytes) -> Any:
    """Call a packed function with a packed task.

    Raises
    ------
    UserError
        If this process lacks the packages that they need.
    """
    try:
        unpacked, argument = _function(function), pickle.loads(task)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"A worker cannot load its task ({error}): install the same packages on all machines."
        ) from error
    return unpacked(argument)


@functools.lru_cache(maxsize=8)
def _function(packed: bytes) -> Callable[[Any], Any]:
    return pickle.loads(packed)
