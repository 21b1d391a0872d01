"""All checks, side by side, so that the slowest of them decides how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from kadi_battgen.doctor.devices import examine_graphics_cards, examine_opencl
from kadi_battgen.doctor.finding import Check, Finding
from kadi_battgen.doctor.machine import examine_disk, examine_processor
from kadi_battgen.doctor.packages import examine_packages
from kadi_battgen.doctor.services import (
    examine_browser,
    examine_kadi,
    examine_kadistudio,
    examine_materials_project,
    examine_sandbox,
)


def examine(records: Path, instance: str | None = None, commands: Sequence[str] = ()) -> list[Finding]:
    """Return what was found, in a fixed order.

    Parameters
    ----------
    records
        Folder for records.
    instance
        Kadi4Mat instance, by its name in kadi-apy's configuration; by default as every command chooses it.
    commands
        All commands that KadiStudio should know, such as ``battgen screen``.
    """
    checks: list[Check] = [
        examine_packages,
        examine_processor,
        partial(examine_disk, records),
        examine_graphics_cards,
        examine_opencl,
        partial(examine_kadi, instance),
        examine_sandbox,
        examine_materials_project,
        partial(examine_kadistudio, commands),
        examine_browser,
    ]
    with ThreadPoolExecutor(len(checks)) as threads:
        return [finding for findings in threads.map(_careful, checks) for finding in findings]


def _careful(check: Check) -> list[Finding]:
    """Run a check; one that fails itself is a finding too, and no reason to lose the others."""
    try:
        return check()
    except Exception as error:
        name = getattr(check, "func", check).__name__.removeprefix("examine_").replace("_", " ")
        return [Finding("services", name, "problem", f"could not be examined ({type(error).__name__}: {error})")]
