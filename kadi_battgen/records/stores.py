"""Choose the store of a run: a local folder, with Kadi4Mat kept in step where an instance is chosen."""

from __future__ import annotations

import os

from kadi_battgen.records.local import LocalStore
from kadi_battgen.records.store import Store


def open_store(folder: str | os.PathLike[str], instance: str | None = None, project: str | None = None) -> Store:
    """Return the store for runs of this machine.

    Parameters
    ----------
    folder
        Folder of the local records, which every record is written to first.
    instance
        Name of a Kadi4Mat instance in kadi-apy's configuration, ``sandbox``, or ``local`` for none; by default the
        environment and the configuration decide (see :func:`kadi_battgen.records.kadi.instance.find_instance`).
    project
        Collection in Kadi4Mat for records that name none.

    Raises
    ------
    UserError
        If the instance that was asked for is not there or its configuration is incomplete.
    """
    from kadi_battgen.records.kadi.instance import find_instance

    local = LocalStore(folder)
    chosen = find_instance(instance)
    if chosen is None:
        return local
    from kadi_battgen.records.kadi.store import open_kadi_store

    return open_kadi_store(local, chosen, project)
